// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/converter.hpp"

#include <algorithm>
#include <array>

#include "runtime/record/builtin_converters.hpp"

namespace sluice::record {
namespace {

using config::ConfigDef;
using config::ConfigMap;

enum class Maker { kJson, kString, kByteArray, kBoolean, kNumber, kSimpleHeader };

struct Entry {
  const char* name;
  Maker maker;
  uint8_t type;  // kNumber
};

constexpr std::array<Entry, 10> kConverters = {{
    {"org.apache.kafka.connect.json.JsonConverter", Maker::kJson, 0},
    {"org.apache.kafka.connect.storage.StringConverter", Maker::kString, 0},
    {"org.apache.kafka.connect.converters.ByteArrayConverter", Maker::kByteArray, 0},
    {"org.apache.kafka.connect.converters.BooleanConverter", Maker::kBoolean, 0},
    {"org.apache.kafka.connect.converters.ShortConverter", Maker::kNumber, SLUICE_INT16},
    {"org.apache.kafka.connect.converters.IntegerConverter", Maker::kNumber, SLUICE_INT32},
    {"org.apache.kafka.connect.converters.LongConverter", Maker::kNumber, SLUICE_INT64},
    {"org.apache.kafka.connect.converters.FloatConverter", Maker::kNumber, SLUICE_FLOAT32},
    {"org.apache.kafka.connect.converters.DoubleConverter", Maker::kNumber, SLUICE_FLOAT64},
    {"org.apache.kafka.connect.storage.SimpleHeaderConverter", Maker::kSimpleHeader, 0},
}};

std::string simple_name(const std::string& name) { return name.substr(name.rfind('.') + 1); }

// By full name, simple name, or simple name without "Converter", as plugin aliases are.
const Entry* find_entry(const std::string& name) {
  for (const auto& entry : kConverters) {
    const std::string simple = simple_name(entry.name);
    if (name == entry.name || name == simple || name + "Converter" == simple) return &entry;
  }
  return nullptr;
}

const ConfigDef& config_of(const Entry& entry) {
  static const ConfigDef kEmpty;
  switch (entry.maker) {
    case Maker::kJson: return json_converter_config();
    case Maker::kString: return string_converter_config();
    case Maker::kSimpleHeader: return kEmpty;
    default: return plain_converter_config();
  }
}

Error unknown_class(const std::string& name) {
  std::vector<std::string> known;
  for (const auto& entry : kConverters) {
    known.emplace_back(entry.name);
    known.push_back(simple_name(entry.name));
  }
  std::string message = "Class " + name + " could not be found.";
  if (auto near = config::nearest(name, known)) message += " Did you mean " + *near + "?";
  return {ErrorKind::kNotFound, message};
}

std::unique_ptr<Converter> build(const Entry& entry, const ConfigMap& config) {
  switch (entry.maker) {
    case Maker::kJson: return make_json_converter(config);
    case Maker::kString: return make_string_converter();
    case Maker::kByteArray: return make_byte_array_converter();
    case Maker::kBoolean: return make_boolean_converter();
    case Maker::kNumber: return make_number_converter(entry.type);
    case Maker::kSimpleHeader: return nullptr;
  }
  return nullptr;
}

Result<ConfigMap> parse(const Entry& entry, const ConfigMap& config, const char* role) {
  ConfigMap with_type = config;
  with_type["converter.type"] = role;
  return config_of(entry).parse(with_type);
}

}  // namespace

const ConfigDef* converter_config(const std::string& class_name) {
  const Entry* entry = find_entry(class_name);
  return entry ? &config_of(*entry) : nullptr;
}

std::string converter_full_name(const std::string& class_name) {
  const Entry* entry = find_entry(class_name);
  return entry ? entry->name : class_name;
}

std::vector<std::string> converter_classes(bool header) {
  std::vector<std::string> names;
  for (const auto& entry : kConverters) {
    if (header || entry.maker != Maker::kSimpleHeader) names.emplace_back(entry.name);
  }
  return names;
}

Result<std::unique_ptr<Converter>> make_converter(const std::string& class_name, const ConfigMap& config,
                                                  bool is_key) {
  const Entry* entry = find_entry(class_name);
  if (!entry) return unknown_class(class_name);
  if (entry->maker == Maker::kSimpleHeader) {
    return Error{ErrorKind::kInvalid, "Class " + class_name + " is a header converter, not a converter."};
  }
  SLUICE_ASSIGN(const ConfigMap parsed, parse(*entry, config, is_key ? "key" : "value"));
  return build(*entry, parsed);
}

Result<std::unique_ptr<HeaderConverter>> make_header_converter(const std::string& class_name,
                                                               const ConfigMap& config) {
  const Entry* entry = find_entry(class_name);
  if (!entry) return unknown_class(class_name);
  if (entry->maker == Maker::kSimpleHeader) return make_simple_header_converter();
  SLUICE_ASSIGN(const ConfigMap parsed, parse(*entry, config, "header"));
  return wrap_as_header_converter(build(*entry, parsed));
}

}  // namespace sluice::record
