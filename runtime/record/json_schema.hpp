// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "broker-core/base/result.hpp"
#include "runtime/record/json_data.hpp"
#include "runtime/record/schema.hpp"

// The schema part of JsonConverter's envelope.
namespace sluice::record {

// Writes `schema` (NULL as null) with the keys in Kafka's order.
Status write_json_schema(JsonWriter& out, const sluice_schema* schema, const JsonOptions& options);

// The schema that `json` describes; an empty reference for null. kRecord with Kafka's texts.
Result<SchemaRef> read_json_schema(std::string_view json, const JsonOptions& options);

}  // namespace sluice::record
