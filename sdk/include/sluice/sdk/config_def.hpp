// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/result.hpp>

#include <array>
#include <cstddef>
#include <string_view>

namespace sluice::sdk {

enum class Type : uint8_t {
  kBoolean = SLUICE_CONFIG_BOOLEAN, kString = SLUICE_CONFIG_STRING, kInt = SLUICE_CONFIG_INT,
  kShort = SLUICE_CONFIG_SHORT, kLong = SLUICE_CONFIG_LONG, kDouble = SLUICE_CONFIG_DOUBLE,
  kList = SLUICE_CONFIG_LIST, kClass = SLUICE_CONFIG_CLASS, kPassword = SLUICE_CONFIG_PASSWORD,
};
enum class Importance : uint8_t {
  kHigh = SLUICE_IMPORTANCE_HIGH, kMedium = SLUICE_IMPORTANCE_MEDIUM, kLow = SLUICE_IMPORTANCE_LOW,
};
enum class Width : uint8_t {
  kNone = SLUICE_WIDTH_NONE, kShort = SLUICE_WIDTH_SHORT, kMedium = SLUICE_WIDTH_MEDIUM,
  kLong = SLUICE_WIDTH_LONG,
};

// A string literal as a template argument.
template <size_t N>
struct Literal {
  char text[N] = {};
  constexpr Literal(const char (&from)[N]) {  // NOLINT implicit
    for (size_t i = 0; i < N; ++i) text[i] = from[i];
  }
};

namespace detail {
template <Literal... kTexts>
inline constexpr std::array<sluice_str, sizeof...(kTexts)> kStrings = {
    sluice_str{kTexts.text, sizeof(kTexts.text) - 1}...};
}  // namespace detail

// One key of a ConfigDef. Made by define(); each call returns a changed copy, all at compile time, so that a
// class's ConfigDef is static data that stands both in the manifest and in the table of the class.
struct ConfigKey {
  sluice_config_key raw = {};

  constexpr ConfigKey default_value(std::string_view text) const {
    ConfigKey key = *this;
    key.raw.default_value = to_str(text);
    key.raw.flags &= ~SLUICE_KEY_REQUIRED;
    return key;
  }
  // No default, and null is a legal value.
  constexpr ConfigKey optional() const {
    ConfigKey key = *this;
    key.raw.flags &= ~SLUICE_KEY_REQUIRED;
    return key;
  }
  constexpr ConfigKey min(double value) const {
    ConfigKey key = with_flag(SLUICE_KEY_HAS_MIN);
    key.raw.min = value;
    return key;
  }
  constexpr ConfigKey max(double value) const {
    ConfigKey key = with_flag(SLUICE_KEY_HAS_MAX);
    key.raw.max = value;
    return key;
  }
  constexpr ConfigKey non_empty() const { return with_flag(SLUICE_KEY_NON_EMPTY); }
  constexpr ConfigKey ignore_case() const { return with_flag(SLUICE_KEY_IGNORE_CASE); }
  // valid_strings<"fail", "warn">(): what the value (of a LIST: each element) may be.
  template <Literal... kTexts>
  constexpr ConfigKey valid_strings() const {
    ConfigKey key = *this;
    key.raw.allowed = detail::kStrings<kTexts...>.data();
    key.raw.allowed_count = sizeof...(kTexts);
    return key;
  }
  template <Literal... kTexts>
  constexpr ConfigKey dependents() const {
    ConfigKey key = *this;
    key.raw.dependents = detail::kStrings<kTexts...>.data();
    key.raw.dependent_count = sizeof...(kTexts);
    return key;
  }
  constexpr ConfigKey group(std::string_view name, int32_t order) const {
    ConfigKey key = *this;
    key.raw.group = to_str(name);
    key.raw.order_in_group = order;
    return key;
  }
  constexpr ConfigKey width(Width value) const {
    ConfigKey key = *this;
    key.raw.width = static_cast<uint8_t>(value);
    return key;
  }
  constexpr ConfigKey display_name(std::string_view text) const {
    ConfigKey key = *this;
    key.raw.display_name = to_str(text);
    return key;
  }
  // Known from the connector that this class stands in for, accepted, without effect here.
  constexpr ConfigKey no_effect(std::string_view reason) const {
    ConfigKey key = with_flag(SLUICE_KEY_NO_EFFECT).optional();
    key.raw.reason = to_str(reason);
    return key;
  }
  // Setting it is an error; the reason says why and what to use.
  constexpr ConfigKey refused(std::string_view reason) const {
    ConfigKey key = with_flag(SLUICE_KEY_REFUSED).optional();
    key.raw.reason = to_str(reason);
    return key;
  }

 private:
  constexpr ConfigKey with_flag(uint32_t flag) const {
    ConfigKey key = *this;
    key.raw.flags |= flag;
    return key;
  }
};

// A key without default: missing is an error, until default_value() or optional() says otherwise.
constexpr ConfigKey define(std::string_view name, Type type, Importance importance, std::string_view doc) {
  ConfigKey key;
  key.raw.name = to_str(name);
  key.raw.type = static_cast<uint8_t>(type);
  key.raw.importance = static_cast<uint8_t>(importance);
  key.raw.documentation = to_str(doc);
  key.raw.flags = SLUICE_KEY_REQUIRED;
  key.raw.order_in_group = -1;
  return key;
}

template <size_t N>
using ConfigDef = std::array<sluice_config_key, N>;

// static constexpr auto kConfig = config_def(define(...), define(...).default_value("1"), ...);
template <class... Keys>
constexpr ConfigDef<sizeof...(Keys)> config_def(const Keys&... keys) {
  return {keys.raw...};
}

// The keys of several ConfigDefs as one: static constexpr auto kConfig = join(kConnectionKeys, kOwnKeys).
template <size_t... N>
constexpr ConfigDef<(N + ...)> join(const ConfigDef<N>&... defs) {
  ConfigDef<(N + ...)> joined = {};
  size_t next = 0;
  const auto append = [&](const auto& def) {
    for (const sluice_config_key& key : def) joined[next++] = key;
  };
  (append(defs), ...);
  return joined;
}

}  // namespace sluice::sdk
