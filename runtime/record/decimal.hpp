// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker-core/base/result.hpp"
#include "sdk/include/sluice/plugin.h"

// org.apache.kafka.connect.data.Decimal: an unscaled integer (two's complement, big-endian) and the scale that is
// in the schema. Bounded: more than kMaxDecimalBytes bytes or a scale beyond kMaxDecimalScale is refused.
namespace sluice::record {

inline constexpr size_t kMaxDecimalBytes = 1024;
inline constexpr int32_t kMaxDecimalScale = 10000;

// The scale that a Decimal schema has as its parameter.
Result<int32_t> decimal_scale(const sluice_schema& schema);
// java.math.BigDecimal.toString, e.g. "-12.34", "1E+3".
Result<std::string> decimal_to_text(std::string_view unscaled, int32_t scale);
// The shortest two's complement of the same number, as BigInteger.toByteArray.
std::string_view shortest_integer(std::string_view unscaled);
// The unscaled bytes of a decimal number ("12.5", "-1e3") at `scale`; an error if digits would be lost.
Result<std::string> decimal_from_text(std::string_view text, int32_t scale);

}  // namespace sluice::record
