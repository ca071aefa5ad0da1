// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/mapping/selector.hpp"

#include <charconv>
#include <chrono>
#include <cmath>

#include "plugins/mqtt/mapping/config_error.hpp"
#include "plugins/mqtt/mapping/json_document.hpp"

namespace sluice::mqtt_plugin {

using sdk::Error;
using sdk::Result;

namespace {

// `json:` and `property:`; nullopt: it is neither.
std::optional<Result<Selector>> parse_common(std::string_view key, std::string_view text) {
  if (text.starts_with("json:")) {
    const std::string_view pointer = text.substr(5);
    if (const auto why = why_no_json_pointer(pointer); !why.empty()) {
      return invalid(key, text,
                     "after json: stands a JSON pointer such as /device/id; " + std::string(why));
    }
    return Selector{Selector::Kind::kJson, 0, std::string(pointer)};
  }
  if (text.starts_with("property:")) {
    if (text.size() == 9)
      return invalid(key, text, "after property: stands the name of a user property");
    return Selector{Selector::Kind::kProperty, 0, std::string(text.substr(9))};
  }
  return std::nullopt;
}

// Reads `count` digits at `at`.
bool digits(std::string_view text, size_t& at, size_t count, int& value) {
  if (text.size() < at + count) return false;
  value = 0;
  for (const size_t end = at + count; at < end; ++at) {
    if (text[at] < '0' || text[at] > '9') return false;
    value = value * 10 + (text[at] - '0');
  }
  return true;
}

std::optional<int64_t> parse_iso(std::string_view text) {
  size_t at = 0;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const auto next = [&](std::string_view one_of) {
    return at < text.size() && one_of.find(text[at]) != std::string_view::npos && ++at > 0;
  };
  if (!digits(text, at, 4, year) || !next("-") || !digits(text, at, 2, month) || !next("-") ||
      !digits(text, at, 2, day) || !next("Tt ") || !digits(text, at, 2, hour) || !next(":") ||
      !digits(text, at, 2, minute)) {
    return std::nullopt;
  }
  if (next(":") && !digits(text, at, 2, second)) return std::nullopt;
  int64_t millis = 0;
  if (next(".,")) {
    int64_t scale = 100;
    const size_t begin = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10) {
      millis += scale * (text[at] - '0');
    }
    if (at == begin) return std::nullopt;
  }
  int zone = 0;
  if (!next("Zz")) {
    if (at >= text.size() || (text[at] != '+' && text[at] != '-')) return std::nullopt;
    const int sign = text[at++] == '-' ? -1 : 1;
    int zone_hours = 0, zone_minutes = 0;
    if (!digits(text, at, 2, zone_hours)) return std::nullopt;
    next(":");
    if (at < text.size() && !digits(text, at, 2, zone_minutes)) return std::nullopt;
    if (zone_hours > 18 || zone_minutes > 59) return std::nullopt;
    zone = sign * (zone_hours * 60 + zone_minutes);
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (at != text.size() || !date.ok() || hour > 23 || minute > 59 || second > 60)
    return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute - zone) * 60000 + second * 1000 + millis;
}

}  // namespace

Result<Selector> Selector::parse_key(std::string_view key, std::string_view text) {
  if (text == "none") return Selector{};
  if (text == "topic") return Selector{Kind::kTopic, 0, {}};
  if (auto common = parse_common(key, text)) return *std::move(common);
  if (text.starts_with("segment:")) {
    size_t number = 0;
    const char* end = text.data() + text.size();
    const auto [last, code] = std::from_chars(text.data() + 8, end, number);
    if (code == std::errc() && last == end && number >= 1 && number <= 65535)
      return Selector{Kind::kSegment, number, {}};
    return invalid(key, text, "after segment: stands the number of a level of the topic, from 1");
  }
  return invalid(key, text,
                 "it is one of none, topic, segment:<number>, json:<pointer>, property:<name>");
}

Result<Selector> Selector::parse_timestamp(std::string_view key, std::string_view text) {
  if (text == "arrival") return Selector{};
  if (auto common = parse_common(key, text)) return *std::move(common);
  return invalid(key, text, "it is one of arrival, json:<pointer>, property:<name>");
}

std::optional<std::string_view> topic_segment(std::string_view topic, size_t number) {
  size_t at = 0;
  for (; number > 1; --number) {
    at = topic.find('/', at);
    if (at == std::string_view::npos) return std::nullopt;
    ++at;
  }
  return topic.substr(at, topic.find('/', at) - at);
}

std::optional<int64_t> parse_time(std::string_view text, TimeUnit unit) {
  const char* end = text.data() + text.size();
  int64_t whole = 0;
  const auto [last, code] = std::from_chars(text.data(), end, whole);
  if (code == std::errc() && last == end) {
    switch (unit) {
      case TimeUnit::kSeconds:
        if (whole > INT64_MAX / 1000 || whole < INT64_MIN / 1000) return std::nullopt;
        return whole * 1000;
      case TimeUnit::kMillis:
        return whole;
      case TimeUnit::kMicros:
        return whole / 1000;
      case TimeUnit::kNanos:
        return whole / 1000000;
    }
  }
  double number = 0;
  const auto [after, wrong] = std::from_chars(text.data(), end, number);
  if (wrong == std::errc() && after == end) {
    constexpr double kPerUnit[] = {1e3, 1, 1e-3, 1e-6};
    const double millis = std::trunc(number * kPerUnit[static_cast<size_t>(unit)]);
    if (!(std::abs(millis) < 9e18)) return std::nullopt;
    return static_cast<int64_t>(millis);
  }
  return parse_iso(text);
}

}  // namespace sluice::mqtt_plugin
