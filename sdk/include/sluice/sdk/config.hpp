// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/result.hpp>

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::sdk {

namespace detail {

inline std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

inline bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(a[i])) != std::tolower(static_cast<unsigned char>(b[i]))) {
      return false;
    }
  }
  return true;
}

}  // namespace detail

// The config of a connector or task: what the user wrote plus the defaults of the ConfigDef, checked by the
// worker before. A view: valid during the call that gets it, so copy what the task keeps. Typed reads fail
// with CONFIG_ERROR naming the key, which means that the class's ConfigDef and its code disagree.
class Config {
 public:
  explicit Config(const sluice_config* raw) : raw_(raw) {}

  // nullopt: not set and without default.
  std::optional<std::string_view> find(std::string_view key) const {
    for (uint32_t i = 0; i < raw_->entry_count; ++i) {
      const sluice_pair& entry = raw_->entries[i];
      if (view(entry.key) == key && entry.value.data != nullptr) return view(entry.value);
    }
    return std::nullopt;
  }
  bool has(std::string_view key) const { return find(key).has_value(); }
  // Empty if not set.
  std::string get_string(std::string_view key) const { return std::string(find(key).value_or("")); }

  Result<int64_t> get_long(std::string_view key) const {
    const auto text = find(key);
    if (!text) return missing(key);
    std::string_view digits = detail::trim(*text);
    if (digits.size() > 1 && digits.front() == '+') digits.remove_prefix(1);
    int64_t number = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (code != std::errc() || end != digits.data() + digits.size()) return malformed(key, *text, "a number");
    return number;
  }
  Result<int32_t> get_int(std::string_view key) const {
    SLUICE_SDK_ASSIGN(const int64_t number, get_long(key));
    if (number < std::numeric_limits<int32_t>::min() || number > std::numeric_limits<int32_t>::max()) {
      return malformed(key, *find(key), "a number of 32 bits");
    }
    return static_cast<int32_t>(number);
  }
  Result<double> get_double(std::string_view key) const {
    const auto text = find(key);
    if (!text) return missing(key);
    const std::string_view digits = detail::trim(*text);
    double number = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (code != std::errc() || end != digits.data() + digits.size()) return malformed(key, *text, "a number");
    return number;
  }
  Result<bool> get_bool(std::string_view key) const {
    const auto text = find(key);
    if (!text) return missing(key);
    const std::string_view word = detail::trim(*text);
    if (detail::equals_ignoring_case(word, "true")) return true;
    if (detail::equals_ignoring_case(word, "false")) return false;
    return malformed(key, *text, "true or false");
  }
  // Kafka's list: separated by commas, blanks around elements do not count, empty text is no element.
  std::vector<std::string> get_list(std::string_view key) const {
    std::vector<std::string> list;
    std::string_view rest = detail::trim(find(key).value_or(""));
    while (!rest.empty()) {
      const size_t comma = rest.find(',');
      list.emplace_back(detail::trim(rest.substr(0, comma)));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
    return list;
  }

  uint32_t size() const { return raw_->entry_count; }
  std::string_view key_at(uint32_t index) const { return view(raw_->entries[index].key); }
  std::string_view value_at(uint32_t index) const { return view(raw_->entries[index].value); }
  const sluice_config* raw() const { return raw_; }

 private:
  static Error missing(std::string_view key) {
    return Error::config("'" + std::string(key) + "' is not set and has no default");
  }
  static Error malformed(std::string_view key, std::string_view text, std::string_view wanted) {
    return Error::config("'" + std::string(key) + "' must be " + std::string(wanted) + ", not '" +
                         std::string(text) + "'");
  }
  const sluice_config* raw_;
};

}  // namespace sluice::sdk
