// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Numbers and dates as Java's toString writes them. Pure functions.
namespace sluice::file_plugin {

std::string java_double(double value);
std::string java_float(float value);
// java.util.Date.toString() with the time zone UTC.
std::string java_date(int64_t ms_since_epoch);
// java.math.BigDecimal.toString() of a big-endian two's complement number and its scale.
constexpr size_t kMaxDecimalBytes = 1024;
std::string java_decimal(std::string_view unscaled, int32_t scale);

}  // namespace sluice::file_plugin
