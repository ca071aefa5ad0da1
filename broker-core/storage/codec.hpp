// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "broker-core/base/types.hpp"

// Fixed-size integers in the storage's own files (little-endian) and in Kafka's index files (big-endian).
namespace sluice::storage {

static_assert(std::endian::native == std::endian::little, "the files are little-endian; port codec.hpp");

template <class T>
void put_le(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof value);
}
template <class T>
T get_le(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline void put_be32(std::byte* to, uint32_t value) { put_le(to, __builtin_bswap32(value)); }
inline void put_be64(std::byte* to, uint64_t value) { put_le(to, __builtin_bswap64(value)); }
inline uint32_t get_be32(const std::byte* from) { return __builtin_bswap32(get_le<uint32_t>(from)); }
inline uint64_t get_be64(const std::byte* from) { return __builtin_bswap64(get_le<uint64_t>(from)); }

}  // namespace sluice::storage
