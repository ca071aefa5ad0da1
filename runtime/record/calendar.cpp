// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/calendar.hpp"

#include <chrono>
#include <cstdio>

namespace sluice::record {
namespace {

struct Parts {
  int year;
  unsigned month, day, weekday;
  int hour, minute, second, ms;
};

Parts split(int64_t ms) {
  using namespace std::chrono;
  int64_t days = ms / kMsPerDay, rest = ms % kMsPerDay;
  if (rest < 0) {
    rest += kMsPerDay;
    --days;
  }
  // Beyond +-32767 years the calendar of the standard library ends.
  constexpr int64_t kLimit = 11000000;
  days = days < -kLimit ? -kLimit : days > kLimit ? kLimit : days;
  const sys_days day{std::chrono::days(days)};
  const year_month_day date(day);
  const auto in_day = static_cast<int>(rest);
  return {int(date.year()), unsigned(date.month()), unsigned(date.day()), weekday(day).c_encoding(),
          in_day / 3600000, in_day / 60000 % 60, in_day / 1000 % 60, in_day % 1000};
}

template <class... Args>
std::string print(const char* format, Args... args) {
  char text[64];
  const int size = std::snprintf(text, sizeof text, format, args...);
  return std::string(text, static_cast<size_t>(size));
}

// `text` has the form of `pattern`: digits where that has '0', the same character elsewhere.
bool looks_like(std::string_view text, std::string_view pattern) {
  if (text.size() != pattern.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (pattern[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != pattern[i]) return false;
  }
  return true;
}

int number(std::string_view text, size_t at, size_t size) {
  int value = 0;
  for (size_t i = at; i < at + size; ++i) value = value * 10 + (text[i] - '0');
  return value;
}

}  // namespace

std::string iso_date(int64_t ms) {
  const Parts p = split(ms);
  return print("%04d-%02u-%02u", p.year, p.month, p.day);
}

std::string iso_time(int64_t ms) {
  const Parts p = split(ms);
  return print("%02d:%02d:%02d.%03dZ", p.hour, p.minute, p.second, p.ms);
}

std::string iso_timestamp(int64_t ms) { return iso_date(ms) + "T" + iso_time(ms); }

std::string java_date(int64_t ms) {
  static const char* const kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static const char* const kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Parts p = split(ms);
  return print("%s %s %02u %02d:%02d:%02d UTC %d", kDays[p.weekday], kMonths[p.month - 1], p.day, p.hour, p.minute,
               p.second, p.year);
}

std::optional<int64_t> parse_iso_date(std::string_view text) {
  using namespace std::chrono;
  if (!looks_like(text, "0000-00-00")) return std::nullopt;
  const year_month_day date{year(number(text, 0, 4)), month(static_cast<unsigned>(number(text, 5, 2))),
                            day(static_cast<unsigned>(number(text, 8, 2)))};
  if (!date.ok()) return std::nullopt;
  return int64_t{sys_days(date).time_since_epoch().count()} * kMsPerDay;
}

std::optional<int64_t> parse_iso_time(std::string_view text) {
  if (!looks_like(text, "00:00:00.000Z")) return std::nullopt;
  const int hour = number(text, 0, 2), minute = number(text, 3, 2), second = number(text, 6, 2);
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return ((int64_t{hour} * 60 + minute) * 60 + second) * 1000 + number(text, 9, 3);
}

std::optional<int64_t> parse_iso_timestamp(std::string_view text) {
  if (text.size() != 24 || text[10] != 'T') return std::nullopt;
  const auto date = parse_iso_date(text.substr(0, 10));
  const auto time = parse_iso_time(text.substr(11));
  if (!date || !time) return std::nullopt;
  return *date + *time;
}

}  // namespace sluice::record
