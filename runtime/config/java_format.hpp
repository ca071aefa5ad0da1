// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Java's text forms of numbers, and its String.trim: what Kafka's configs and Jackson's JSON are made of.
namespace sluice::config {

// Double.toString and Float.toString (the shortest digits, as since JDK 19): "1.0", "1.0E10", "NaN", "-Infinity".
// Writes at most kJavaNumberSize bytes, returns the end.
inline constexpr size_t kJavaNumberSize = 32;
char* write_java_double(char* out, double value);
char* write_java_float(char* out, float value);
std::string java_double(double value);
std::string java_float(float value);

// Long.parseLong within [min, max]: an optional sign, then decimal digits only.
std::optional<int64_t> parse_java_integer(std::string_view text, int64_t min, int64_t max);
// Double.parseDouble: decimal and hexadecimal forms, NaN, Infinity, a trailing f, F, d or D.
std::optional<double> parse_java_double(std::string_view text);

// String.trim: cuts every character up to U+0020 at both ends.
std::string_view trim(std::string_view text);

}  // namespace sluice::config
