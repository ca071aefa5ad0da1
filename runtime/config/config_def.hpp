// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker-core/base/result.hpp"

// Kafka's org.apache.kafka.common.config.ConfigDef: the keys of a worker, connector or plugin class, how their
// values are parsed and checked, and the texts of Kafka's errors.
namespace sluice::config {

using ConfigMap = std::map<std::string, std::string>;

enum class Type { kBoolean, kString, kInt, kShort, kLong, kDouble, kList, kClass, kPassword };
enum class Importance { kHigh, kMedium, kLow };
enum class Width { kNone, kShort, kMedium, kLong };
const char* to_string(Type type);  // Kafka's upper-case names, as in ConfigKeyInfo
const char* to_string(Importance importance);
const char* to_string(Width width);

struct ConfigKey {
  std::string name;
  Type type = Type::kString;
  std::optional<std::string> default_value;  // nullopt and !required: null
  bool required = false;
  Importance importance = Importance::kMedium;
  std::string documentation;
  std::string group;                         // empty = null
  int order = -1;
  Width width = Width::kNone;
  std::string display_name;                  // empty = name
  std::vector<std::string> dependents;
  std::vector<std::string> allowed;          // valid values (of each element for a list); empty = any
  bool ignore_case = false;
  bool non_empty = false;
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool no_effect = false;                    // accepted for compatibility; setting it warns with `reason`
  bool refused = false;                      // setting it is an error; `reason` says why
  std::string reason;
  // Further check of a present value: the text after "Invalid value V for configuration x: ", or nullopt.
  std::function<std::optional<std::string>(const std::string&)> validator;
};

// Kafka's ConfigValue: what validation says about one key.
struct ConfigValue {
  std::string name;
  std::optional<std::string> value;          // "[hidden]" for passwords
  std::vector<std::string> recommended;
  std::vector<std::string> errors;
  bool visible = true;
};

// Immutable after it was built; any thread.
class ConfigDef {
 public:
  ConfigDef& define(ConfigKey key);          // a second definition of a name replaces the first
  // All keys of `child`, their names (and dependents) with `prefix`, in group `group` or "group: child's group",
  // ordered from `starting_order` on.
  ConfigDef& embed(const std::string& prefix, const std::string& group, const ConfigDef& child,
                   int starting_order = 0);
  const std::vector<ConfigKey>& keys() const { return keys_; }   // in order of definition
  const ConfigKey* find(const std::string& name) const;

  // Every key of the definition, in order, with Kafka's error texts; never fails.
  std::vector<ConfigValue> validate(const ConfigMap& config) const;
  // The config with defaults filled in, values trimmed; kInvalid with the first error otherwise.
  Result<ConfigMap> parse(const ConfigMap& config) const;
  // Keys of `config` that the definition does not know, each with the nearest known name ("" if none is near).
  std::vector<std::pair<std::string, std::string>> unknown(const ConfigMap& config) const;
  // One sentence for each key of `config` that is accepted without effect, in order of definition.
  std::vector<std::string> no_effect(const ConfigMap& config) const;

 private:
  std::vector<ConfigKey> keys_;
  std::map<std::string, size_t> index_;
};

// Kafka's ConfigException(name, value, message).
std::string invalid_value(const std::string& name, const std::string& value, const std::string& message);

// The known name with the smallest edit distance, if it is near enough to be a typing mistake. Case and the
// separators '.', '-' and '_' count for nothing.
std::optional<std::string> nearest(const std::string& name, const std::vector<std::string>& known);

// Typed reading of a parsed config; the key must be defined and valid (else it is a programming error).
std::string get_string(const ConfigMap& config, const std::string& name);  // absent (null): empty
bool get_bool(const ConfigMap& config, const std::string& name);
int64_t get_int(const ConfigMap& config, const std::string& name);
std::vector<std::string> split_list(const std::string& value);  // Kafka's LIST: \s*,\s*

}  // namespace sluice::config
