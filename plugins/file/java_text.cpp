// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/java_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

namespace sluice::file_plugin {

namespace {

template <class Number>
std::string java_floating(Number value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  if (value == 0) return std::signbit(value) ? "-0.0" : "0.0";
  // The shortest digits that read back as the same number: d[.ddd]e[+-]xx
  std::array<char, 64> text;
  const Number magnitude = std::abs(value);
  auto* end = std::to_chars(text.data(), text.data() + text.size(), magnitude, std::chars_format::scientific).ptr;
  // Java takes the nearest of at least two digits: 4.9E-324, where one digit (5e-324) would do.
  if (text[1] == 'e') {
    end = std::to_chars(text.data(), text.data() + text.size(), magnitude, std::chars_format::scientific, 1).ptr;
  }
  const std::string_view all(text.data(), static_cast<size_t>(end - text.data()));
  const size_t mark = all.find('e');
  std::string digits(all.substr(0, mark));
  std::erase(digits, '.');
  if (digits.size() == 2 && digits[1] == '0') digits.pop_back();
  int exponent = 0;
  const size_t number = mark + (all[mark + 1] == '+' ? 2 : 1);
  std::from_chars(all.data() + number, all.data() + all.size(), exponent);

  std::string out = value < 0 ? "-" : "";
  if (exponent >= -3 && exponent < 7) {
    if (exponent < 0) return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
    const size_t whole = static_cast<size_t>(exponent) + 1;
    if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
    return out + digits.substr(0, whole) + "." + digits.substr(whole);
  }
  out += digits.substr(0, 1) + "." + (digits.size() > 1 ? digits.substr(1) : "0");
  return out + "E" + std::to_string(exponent);
}

// Decimal digits of a magnitude given as base 2^32 limbs, most significant first.
std::string decimal_digits(std::vector<uint32_t> limbs) {
  constexpr uint32_t kChunk = 1'000'000'000;
  std::string reversed;
  size_t first = 0;
  while (first < limbs.size()) {
    uint64_t rest = 0;
    for (size_t i = first; i < limbs.size(); ++i) {
      const uint64_t part = rest << 32 | limbs[i];
      limbs[i] = static_cast<uint32_t>(part / kChunk);
      rest = part % kChunk;
    }
    while (first < limbs.size() && limbs[first] == 0) ++first;
    for (int i = 0; i < 9; ++i, rest /= 10) reversed += static_cast<char>('0' + rest % 10);
  }
  while (reversed.size() > 1 && reversed.back() == '0') reversed.pop_back();
  if (reversed.empty()) reversed = "0";
  std::reverse(reversed.begin(), reversed.end());
  return reversed;
}

std::vector<uint32_t> magnitude(std::string_view bytes, bool negative) {
  std::vector<uint32_t> limbs((bytes.size() + 3) / 4, 0);
  uint32_t carry = negative ? 1 : 0;
  for (size_t i = 0; i < bytes.size(); ++i) {  // from the least significant byte on
    uint32_t byte = static_cast<unsigned char>(bytes[bytes.size() - 1 - i]);
    if (negative) {
      byte = (~byte & 0xFF) + carry;
      carry = byte >> 8;
      byte &= 0xFF;
    }
    limbs[limbs.size() - 1 - i / 4] |= byte << (8 * (i % 4));
  }
  if (negative && carry != 0) limbs.insert(limbs.begin(), 1);  // the magnitude of 0x80...00 alone
  return limbs;
}

}  // namespace

std::string java_double(double value) { return java_floating(value); }
std::string java_float(float value) { return java_floating(value); }

std::string java_date(int64_t ms_since_epoch) {
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds{ms_since_epoch}};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::array<char, 64> text;
  const int size = std::snprintf(
      text.data(), text.size(), "%s %s %02u %02d:%02d:%02d UTC %04d", kDays[std::chrono::weekday(day).c_encoding()],
      kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(date.year()));
  return std::string(text.data(), static_cast<size_t>(size));
}

std::string java_decimal(std::string_view unscaled, int32_t scale) {
  const bool negative = !unscaled.empty() && (unscaled[0] & 0x80) != 0;
  const std::string digits = decimal_digits(magnitude(unscaled, negative));
  std::string out = negative ? "-" : "";
  if (scale == 0) return out + digits;
  const int64_t adjusted = static_cast<int64_t>(digits.size()) - 1 - scale;
  if (scale > 0 && adjusted >= -6) {
    const auto fraction = static_cast<size_t>(scale);
    if (digits.size() <= fraction) return out + "0." + std::string(fraction - digits.size(), '0') + digits;
    return out + digits.substr(0, digits.size() - fraction) + "." + digits.substr(digits.size() - fraction);
  }
  out += digits.substr(0, 1);
  if (digits.size() > 1) out += "." + digits.substr(1);
  if (adjusted != 0) out += (adjusted > 0 ? "E+" : "E") + std::to_string(adjusted);
  return out;
}

}  // namespace sluice::file_plugin
