// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/java_format.hpp"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace sluice::config {
namespace {

char* write_text(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// Lays out `count` digits with the decimal point after the first one times 10^exponent as Java does: plain within
// [1e-3, 1e7), "d.dddE<n>" outside.
char* layout(char* out, const char* digits, int count, int exponent) {
  if (exponent >= 7 || exponent < -3) {
    *out++ = digits[0];
    *out++ = '.';
    if (count == 1) *out++ = '0';
    for (int i = 1; i < count; ++i) *out++ = digits[i];
    *out++ = 'E';
    return std::to_chars(out, out + 6, exponent).ptr;
  }
  if (exponent < 0) {
    *out++ = '0';
    *out++ = '.';
    for (int i = -1; i > exponent; --i) *out++ = '0';
    for (int i = 0; i < count; ++i) *out++ = digits[i];
    return out;
  }
  for (int i = 0; i <= exponent; ++i) *out++ = i < count ? digits[i] : '0';
  *out++ = '.';
  if (count <= exponent + 1) *out++ = '0';
  for (int i = exponent + 1; i < count; ++i) *out++ = digits[i];
  return out;
}

template <class T>
char* write_java(char* out, T value) {
  if (std::isnan(value)) return write_text(out, "NaN");
  if (std::signbit(value)) {
    *out++ = '-';
    value = -value;
  }
  if (std::isinf(value)) return write_text(out, "Infinity");
  if (value == 0) return write_text(out, "0.0");
  char text[40];
  auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  if (text[1] == 'e') {
    // One digit is enough; Java then takes the nearest of those with two (4.9E-324, not 5.0E-324).
    char two[40];
    auto two_end = std::to_chars(two, two + sizeof two, value, std::chars_format::scientific, 1).ptr;
    T back{};
    auto read = std::from_chars(two, two_end, back);
    if (read.ec == std::errc() && back == value && two[2] != '0') {
      std::memcpy(text, two, static_cast<size_t>(two_end - two));
      end = text + (two_end - two);
    }
  }
  char digits[24];
  int count = 0;
  char* at = text;
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits[count++] = *at;
  }
  ++at;
  if (*at == '+') ++at;
  int exponent = 0;
  std::from_chars(at, end, exponent);
  return layout(out, digits, count, exponent);
}

}  // namespace

char* write_java_double(char* out, double value) { return write_java(out, value); }
char* write_java_float(char* out, float value) { return write_java(out, value); }

std::string java_double(double value) {
  char text[kJavaNumberSize];
  return std::string(text, write_java(text, value));
}

std::string java_float(float value) {
  char text[kJavaNumberSize];
  return std::string(text, write_java(text, value));
}

std::optional<int64_t> parse_java_integer(std::string_view text, int64_t min, int64_t max) {
  if (!text.empty() && text[0] == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text[0] == '-') return std::nullopt;
  }
  int64_t value = 0;
  auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  if (value < min || value > max) return std::nullopt;
  return value;
}

std::optional<double> parse_java_double(std::string_view text) {
  text = trim(text);
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const double inf = std::numeric_limits<double>::infinity();
  if (text == "NaN") return std::nan("");
  if (text == "Infinity") return negative ? -inf : inf;
  if (text.empty() || !((text[0] >= '0' && text[0] <= '9') || text[0] == '.')) return std::nullopt;
  const bool hex = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  const char last = text.back();
  const bool has_exponent = text.find_first_of("pP") != std::string_view::npos;
  if (hex && !has_exponent) return std::nullopt;  // Java wants the binary exponent
  if (last == 'f' || last == 'F' || last == 'd' || last == 'D') text.remove_suffix(1);
  if (hex) text.remove_prefix(2);
  double value = 0;
  auto read = std::from_chars(text.data(), text.data() + text.size(), value,
                              hex ? std::chars_format::hex : std::chars_format::general);
  if (read.ptr != text.data() + text.size() || text.empty()) return std::nullopt;
  if (read.ec == std::errc::result_out_of_range) {
    value = std::strtod((std::string(hex ? "0x" : "") + std::string(text)).c_str(), nullptr);
  } else if (read.ec != std::errc()) {
    return std::nullopt;
  }
  return negative ? -value : value;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

}  // namespace sluice::config
