// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker-core/base/result.hpp"
#include "broker-core/base/types.hpp"
#include "runtime/config/config_def.hpp"
#include "sdk/include/sluice/plugin.h"

namespace sluice::record {

class Arena;  // runtime/record/arena.hpp: bump allocator, reset once per batch, bounded

struct SchemaAndValue {
  const sluice_schema* schema = nullptr;  // NULL = schemaless; interned, kept by the arena until its reset
  sluice_value value{};
};

// Connect data <-> bytes for the built-in converters. One instance per task and role (key, value), one thread.
// Results are borrowed: from the input, or from the arena. kRecord for data that does not convert.
class Converter {
 public:
  virtual ~Converter() = default;
  virtual Result<std::optional<ByteView>> from_connect(std::string_view topic, const sluice_schema* schema,
                                                       const sluice_value& value, Arena& arena) = 0;
  virtual Result<SchemaAndValue> to_connect(std::string_view topic, std::optional<ByteView> bytes, Arena& arena) = 0;
};

// Header values have a name besides. Built in: SimpleHeaderConverter, StringConverter, JsonConverter,
// ByteArrayConverter.
class HeaderConverter {
 public:
  virtual ~HeaderConverter() = default;
  virtual Result<std::optional<ByteView>> from_connect(std::string_view topic, std::string_view name,
                                                       const sluice_schema* schema, const sluice_value& value,
                                                       Arena& arena) = 0;
  virtual Result<SchemaAndValue> to_connect(std::string_view topic, std::string_view name,
                                            std::optional<ByteView> bytes, Arena& arena) = 0;
};

// The ConfigDef of a built-in converter (by full name, simple name), or nullptr for an unknown class. As in Kafka it
// requires converter.type (key, value or header), which the worker and not the user sets; make_* do so themselves.
const config::ConfigDef* converter_config(const std::string& class_name);
// The full name of a built-in converter; `class_name` itself for an unknown one.
std::string converter_full_name(const std::string& class_name);
// The full names; of header converters with `header`.
std::vector<std::string> converter_classes(bool header = false);
// `config` without prefix ("schemas.enable"), unparsed. kNotFound names the nearest class, kInvalid the key.
Result<std::unique_ptr<Converter>> make_converter(const std::string& class_name, const config::ConfigMap& config,
                                                  bool is_key);
Result<std::unique_ptr<HeaderConverter>> make_header_converter(const std::string& class_name,
                                                               const config::ConfigMap& config);

}  // namespace sluice::record
