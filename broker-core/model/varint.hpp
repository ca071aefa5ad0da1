// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "broker-core/base/types.hpp"

// Kafka's variable-length integers: zig-zag, seven bits a byte, lowest group first, as in Protocol
// Buffers.
namespace sluice::model {

inline constexpr size_t kVarintMax = 5;
inline constexpr size_t kVarlongMax = 10;

inline uint32_t zigzag(int32_t value) {
  return (static_cast<uint32_t>(value) << 1) ^ static_cast<uint32_t>(value >> 31);
}
inline uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int32_t unzigzag(uint32_t raw) {
  return static_cast<int32_t>((raw >> 1) ^ (0u - (raw & 1u)));
}
inline int64_t unzigzag(uint64_t raw) {
  return static_cast<int64_t>((raw >> 1) ^ (uint64_t{0} - (raw & 1u)));
}

// Bytes that the value takes: one for each begun group of seven bits. Nearly all numbers in a batch
// take one or two.
inline size_t varint_size(int64_t value) {
  const uint64_t raw = zigzag(value);
  if (raw < 0x80) return 1;
  if (raw < 0x4000) return 2;
  return static_cast<size_t>((70 - __builtin_clzll(raw)) / 7);
}

// Writes at `to`, where kVarlongMax bytes must be free; returns the first byte after the number.
inline std::byte* write_varint(std::byte* to, int64_t value) {
  uint64_t raw = zigzag(value);
  if (raw < 0x80) {
    *to = static_cast<std::byte>(raw);
    return to + 1;
  }
  if (raw < 0x4000) {
    to[0] = static_cast<std::byte>(raw | 0x80);
    to[1] = static_cast<std::byte>(raw >> 7);
    return to + 2;
  }
  while (raw >= 0x80) {
    *to++ = static_cast<std::byte>(raw | 0x80);
    raw >>= 7;
  }
  *to++ = static_cast<std::byte>(raw);
  return to;
}

// Reads a 64-bit varint and moves `position` on; nullopt when the bytes end early or the number is
// too long.
inline std::optional<int64_t> read_varlong(ByteView bytes, size_t& position) {
  uint64_t raw = 0;
  for (size_t i = 0; i < kVarlongMax; ++i) {
    if (position >= bytes.size()) return std::nullopt;
    const auto byte = static_cast<uint64_t>(bytes[position++]);
    if (i == kVarlongMax - 1 && byte > 1) return std::nullopt;
    raw |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return unzigzag(raw);
  }
  return std::nullopt;
}

// The same for 32 bits.
inline std::optional<int32_t> read_varint(ByteView bytes, size_t& position) {
  uint32_t raw = 0;
  for (size_t i = 0; i < kVarintMax; ++i) {
    if (position >= bytes.size()) return std::nullopt;
    const auto byte = static_cast<uint32_t>(bytes[position++]);
    if (i == kVarintMax - 1 && byte > 0x0f) return std::nullopt;
    raw |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return unzigzag(raw);
  }
  return std::nullopt;
}

}  // namespace sluice::model
