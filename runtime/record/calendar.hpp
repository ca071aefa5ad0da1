// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Dates in UTC, in the proleptic Gregorian calendar.
namespace sluice::record {

inline constexpr int64_t kMsPerDay = 86400000;

std::string iso_date(int64_t ms);       // 2024-02-29
std::string iso_time(int64_t ms);       // 23:59:59.999Z
std::string iso_timestamp(int64_t ms);  // 2024-02-29T23:59:59.999Z
std::string java_date(int64_t ms);      // java.util.Date.toString: Thu Feb 29 23:59:59 UTC 2024

// The reverse of the first three; nullopt for any other form.
std::optional<int64_t> parse_iso_date(std::string_view text);  // ms
std::optional<int64_t> parse_iso_time(std::string_view text);
std::optional<int64_t> parse_iso_timestamp(std::string_view text);

}  // namespace sluice::record
