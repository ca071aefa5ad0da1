// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <concepts>
#include <cstring>

#include "broker-core/base/types.hpp"

// Big-endian integers at a place in memory, as everything in Kafka's formats. The caller has
// checked the size.
namespace sluice::model {

template <std::integral T>
constexpr T swap_to_big(T value) {
  if constexpr (sizeof(T) == 1 || std::endian::native == std::endian::big) return value;
  if constexpr (sizeof(T) == 2)
    return static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(value)));
  if constexpr (sizeof(T) == 4)
    return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
  if constexpr (sizeof(T) == 8)
    return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
}

template <std::integral T>
T load_big(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return swap_to_big(value);
}

template <std::integral T>
void store_big(std::byte* to, T value) {
  value = swap_to_big(value);
  std::memcpy(to, &value, sizeof(T));
}

}  // namespace sluice::model
