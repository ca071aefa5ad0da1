// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "broker-core/base/result.hpp"
#include "runtime/record/json_reader.hpp"
#include "runtime/record/json_writer.hpp"
#include "runtime/record/schema.hpp"

// The payload part of org.apache.kafka.connect.json.JsonConverter: Connect data as JSON and back, with or without a
// schema. Where Java would quietly make a wrong value (a number read as text becomes null, 300 as int8 becomes 44,
// "abc" as int32 becomes 0) there is an error here.
namespace sluice::record {

struct JsonOptions {
  bool decimal_numeric = false;          // decimal.format=NUMERIC
  bool replace_null_with_default = true;
};

// Writes `value`; kRecord with Kafka's texts when it does not fit `schema` (NULL = schemaless).
Status write_json_data(JsonWriter& out, const sluice_schema* schema, const sluice_value& value,
                       const JsonOptions& options);

// Reads the value that stands next in `reader`.
Result<sluice_value> read_json_data(JsonReader& reader, Arena& arena, const sluice_schema* schema,
                                    const JsonOptions& options);

// What a null or missing value means for `schema` (NULL = schemaless): null, the default, or an error.
Result<sluice_value> null_for_schema(const sluice_schema* schema, const JsonOptions& options);

}  // namespace sluice::record
