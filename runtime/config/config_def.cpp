// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/config_def.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "runtime/config/java_format.hpp"

namespace sluice::config {
namespace {

// A value as Kafka parses it: its canonical text, the elements of a list, the number of a number.
struct Parsed {
  std::string text;
  std::vector<std::string> list;
  double number = 0;
};

using ParseResult = std::variant<Parsed, std::string>;  // or Kafka's error text

bool equals_ignore_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
         });
}

std::string join(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const auto& part : parts) {
    if (&part != parts.data()) text += separator;
    text += part;
  }
  return text;
}

ParseResult parse_integer(const ConfigKey& key, const std::string& raw, int64_t min, int64_t max) {
  auto value = parse_java_integer(trim(raw), min, max);
  if (!value) return invalid_value(key.name, raw, std::string("Not a number of type ") + to_string(key.type));
  Parsed parsed;
  parsed.text = std::to_string(*value);
  parsed.number = static_cast<double>(*value);
  return parsed;
}

ParseResult parse_value(const ConfigKey& key, const std::string& raw) {
  Parsed parsed;
  parsed.text = trim(raw);
  switch (key.type) {
    case Type::kBoolean:
      if (equals_ignore_case(parsed.text, "true")) {
        parsed.text = "true";
      } else if (equals_ignore_case(parsed.text, "false")) {
        parsed.text = "false";
      } else {
        return invalid_value(key.name, raw, "Expected value to be either true or false");
      }
      return parsed;
    case Type::kInt:
      return parse_integer(key, raw, INT32_MIN, INT32_MAX);
    case Type::kShort:
      return parse_integer(key, raw, INT16_MIN, INT16_MAX);
    case Type::kLong:
      return parse_integer(key, raw, INT64_MIN, INT64_MAX);
    case Type::kDouble: {
      auto value = parse_java_double(parsed.text);
      if (!value) return invalid_value(key.name, raw, "Not a number of type DOUBLE");
      parsed.number = *value;
      parsed.text = java_double(*value);
      return parsed;
    }
    case Type::kList:
      parsed.list = split_list(raw);
      parsed.text = join(parsed.list, ",");
      return parsed;
    case Type::kString:
    case Type::kClass:
    case Type::kPassword:
      return parsed;
  }
  std::abort();
}

bool is_number(Type type) {
  return type == Type::kInt || type == Type::kShort || type == Type::kLong || type == Type::kDouble;
}

std::string bound_text(Type type, double bound) {
  if (type == Type::kDouble || bound != std::floor(bound)) return java_double(bound);
  return std::to_string(static_cast<int64_t>(bound));
}

bool is_allowed(const ConfigKey& key, const std::string& value) {
  return std::any_of(key.allowed.begin(), key.allowed.end(), [&](const std::string& one) {
    return key.ignore_case ? equals_ignore_case(one, value) : one == value;
  });
}

std::string allowed_text(const ConfigKey& key) {
  std::string names = join(key.allowed, ", ");
  if (!key.ignore_case) return "String must be one of: " + names;
  std::transform(names.begin(), names.end(), names.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return "String must be one of (case insensitive): " + names;
}

std::string shown(const ConfigKey& key, const Parsed& parsed) {
  if (key.type == Type::kPassword) return "[hidden]";
  if (key.type == Type::kList) return "[" + join(parsed.list, ", ") + "]";
  return parsed.text;
}

// Kafka's validators; the first that objects speaks.
std::optional<std::string> check_value(const ConfigKey& key, const Parsed& parsed) {
  auto fail = [&](const std::string& text) { return invalid_value(key.name, shown(key, parsed), text); };
  const bool list = key.type == Type::kList;
  if (key.non_empty && (list ? parsed.list.empty() : parsed.text.empty())) {
    return fail(list ? "List must be non-empty" : "String must be non-empty");
  }
  if (list) {
    for (const auto& element : parsed.list) {
      if (!key.allowed.empty() && !is_allowed(key, element)) {
        return invalid_value(key.name, element, allowed_text(key));
      }
    }
    const auto size = static_cast<double>(parsed.list.size());
    if (size > key.max) return fail("exceeds maximum list size of [" + bound_text(Type::kInt, key.max) + "].");
    if (size < key.min) return fail("List must have at least " + bound_text(Type::kInt, key.min) + " elements");
  } else if (is_number(key.type)) {
    if (parsed.number < key.min) return fail("Value must be at least " + bound_text(key.type, key.min));
    if (parsed.number > key.max) return fail("Value must be no more than " + bound_text(key.type, key.max));
  } else if (!key.allowed.empty() && !is_allowed(key, parsed.text)) {
    return fail(allowed_text(key));
  }
  if (key.validator) {
    if (auto text = key.validator(parsed.text)) return fail(*text);
  }
  return std::nullopt;
}

// What Kafka's validators say of the null that a missing or unparsable value leaves behind.
std::optional<std::string> check_null(const ConfigKey& key) {
  if (is_number(key.type)) {
    if (std::isinf(key.min) && std::isinf(key.max)) return std::nullopt;
    return invalid_value(key.name, "null", "Value must be non-null");
  }
  if (key.type == Type::kString && !key.allowed.empty()) return invalid_value(key.name, "null", allowed_text(key));
  return std::nullopt;
}

struct Outcome {
  std::optional<Parsed> value;
  std::vector<std::string> errors;
};

Outcome evaluate(const ConfigKey& key, const ConfigMap& config) {
  Outcome out;
  auto found = config.find(key.name);
  if (found == config.end() && !key.default_value) {
    if (!key.required) return out;
    out.errors.push_back("Missing required configuration \"" + key.name + "\" which has no default value.");
    if (auto text = check_null(key)) out.errors.push_back(*text);
    return out;
  }
  // Empty is how configs that a tool has written leave a key out.
  if (found != config.end() && key.refused && !found->second.empty()) {
    const bool secret = key.type == Type::kPassword;
    out.errors.push_back(invalid_value(key.name, secret ? "[hidden]" : found->second, key.reason));
    return out;
  }
  auto parsed = parse_value(key, found != config.end() ? found->second : *key.default_value);
  if (auto* text = std::get_if<std::string>(&parsed)) {
    out.errors.push_back(*text);
    if (auto more = check_null(key)) out.errors.push_back(*more);
    return out;
  }
  out.value = std::get<Parsed>(std::move(parsed));
  if (auto text = check_value(key, *out.value)) out.errors.push_back(*text);
  return out;
}

std::string normalised(const std::string& name) {
  std::string text;
  for (char c : name) {
    if (c == '-' || c == '_') c = '.';
    text += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

// Optimal string alignment distance; anything above `limit` comes back as limit + 1.
size_t edit_distance(const std::string& a, const std::string& b, size_t limit) {
  const size_t longer = std::max(a.size(), b.size());
  const size_t shorter = std::min(a.size(), b.size());
  if (longer - shorter > limit || longer > 512) return limit + 1;
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

const std::string& value_of(const ConfigMap& config, const std::string& name) {
  auto found = config.find(name);
  if (found == config.end()) __builtin_trap();
  return found->second;
}

}  // namespace

const char* to_string(Type type) {
  static const char* const kNames[] = {"BOOLEAN", "STRING", "INT",   "SHORT",   "LONG",
                                       "DOUBLE",  "LIST",   "CLASS", "PASSWORD"};
  return kNames[static_cast<int>(type)];
}

const char* to_string(Importance importance) {
  static const char* const kNames[] = {"HIGH", "MEDIUM", "LOW"};
  return kNames[static_cast<int>(importance)];
}

const char* to_string(Width width) {
  static const char* const kNames[] = {"NONE", "SHORT", "MEDIUM", "LONG"};
  return kNames[static_cast<int>(width)];
}

std::string invalid_value(const std::string& name, const std::string& value, const std::string& message) {
  return "Invalid value " + value + " for configuration " + name + (message.empty() ? "" : ": " + message);
}

ConfigDef& ConfigDef::define(ConfigKey key) {
  if (key.display_name.empty()) key.display_name = key.name;
  auto [at, fresh] = index_.try_emplace(key.name, keys_.size());
  if (fresh) {
    keys_.push_back(std::move(key));
  } else {
    keys_[at->second] = std::move(key);
  }
  return *this;
}

ConfigDef& ConfigDef::embed(const std::string& prefix, const std::string& group, const ConfigDef& child,
                            int starting_order) {
  int order = starting_order;
  for (ConfigKey key : child.keys()) {
    key.name = prefix + key.name;
    key.group = key.group.empty() ? group : group + ": " + key.group;
    key.order = order++;
    for (auto& dependent : key.dependents) dependent = prefix + dependent;
    define(std::move(key));
  }
  return *this;
}

const ConfigKey* ConfigDef::find(const std::string& name) const {
  auto found = index_.find(name);
  return found == index_.end() ? nullptr : &keys_[found->second];
}

std::vector<ConfigValue> ConfigDef::validate(const ConfigMap& config) const {
  std::vector<ConfigValue> values;
  values.reserve(keys_.size());
  for (const auto& key : keys_) {
    Outcome outcome = evaluate(key, config);
    ConfigValue value;
    value.name = key.name;
    if (outcome.value) {
      value.value = key.type == Type::kPassword ? "[hidden]" : std::move(outcome.value->text);
    }
    value.errors = std::move(outcome.errors);
    values.push_back(std::move(value));
  }
  return values;
}

Result<ConfigMap> ConfigDef::parse(const ConfigMap& config) const {
  ConfigMap parsed = config;
  for (const auto& key : keys_) {
    Outcome outcome = evaluate(key, config);
    if (!outcome.errors.empty()) return Error{ErrorKind::kInvalid, outcome.errors.front()};
    if (outcome.value) parsed[key.name] = std::move(outcome.value->text);
  }
  return parsed;
}

std::vector<std::pair<std::string, std::string>> ConfigDef::unknown(const ConfigMap& config) const {
  std::vector<std::string> names;
  for (const auto& key : keys_) names.push_back(key.name);
  std::vector<std::pair<std::string, std::string>> unknown;
  for (const auto& [name, value] : config) {
    if (!find(name)) unknown.emplace_back(name, nearest(name, names).value_or(""));
  }
  return unknown;
}

std::vector<std::string> ConfigDef::no_effect(const ConfigMap& config) const {
  std::vector<std::string> sentences;
  for (const auto& key : keys_) {
    if (key.no_effect && config.count(key.name)) {
      sentences.push_back("Configuration " + key.name + " is accepted without effect: " + key.reason);
    }
  }
  return sentences;
}

std::optional<std::string> nearest(const std::string& name, const std::vector<std::string>& known) {
  const std::string wanted = normalised(name);
  const size_t limit = std::min<size_t>(3, std::max<size_t>(1, wanted.size() / 3));
  size_t best = limit + 1;
  std::optional<std::string> found;
  for (const auto& candidate : known) {
    const size_t distance = edit_distance(wanted, normalised(candidate), limit);
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string get_string(const ConfigMap& config, const std::string& name) {
  auto found = config.find(name);
  return found == config.end() ? std::string() : found->second;
}

bool get_bool(const ConfigMap& config, const std::string& name) {
  return value_of(config, name) == "true";
}

int64_t get_int(const ConfigMap& config, const std::string& name) {
  auto value = parse_java_integer(value_of(config, name), INT64_MIN, INT64_MAX);
  if (!value) __builtin_trap();
  return *value;
}

std::vector<std::string> split_list(const std::string& value) {
  std::vector<std::string> parts;
  std::string_view rest = trim(value);
  if (rest.empty()) return parts;
  auto space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };  // Java's \s
  for (size_t comma = rest.find(',');; comma = rest.find(',')) {
    std::string_view part = rest.substr(0, comma);
    while (!part.empty() && space(part.back())) part.remove_suffix(1);
    parts.emplace_back(part);
    if (comma == std::string_view::npos) return parts;
    rest.remove_prefix(comma + 1);
    while (!rest.empty() && space(rest.front())) rest.remove_prefix(1);
  }
}

}  // namespace sluice::config
