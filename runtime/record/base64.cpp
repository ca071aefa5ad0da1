// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/base64.hpp"

#include <array>
#include <cstdint>

namespace sluice::record {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> make_reverse() {
  std::array<int8_t, 256> table{};
  for (auto& entry : table) entry = -1;
  for (int i = 0; i < 64; ++i) table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
  return table;
}
constexpr auto kReverse = make_reverse();

}  // namespace

char* encode_base64(char* out, std::string_view bytes) {
  auto at = [&](size_t i) -> uint32_t { return static_cast<unsigned char>(bytes[i]); };
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    *out++ = kAlphabet[group >> 18];
    *out++ = kAlphabet[group >> 12 & 63];
    *out++ = kAlphabet[group >> 6 & 63];
    *out++ = kAlphabet[group & 63];
  }
  const size_t left = bytes.size() - i;
  if (left == 0) return out;
  const uint32_t group = at(i) << 16 | (left == 2 ? at(i + 1) << 8 : 0);
  *out++ = kAlphabet[group >> 18];
  *out++ = kAlphabet[group >> 12 & 63];
  *out++ = left == 2 ? kAlphabet[group >> 6 & 63] : '=';
  *out++ = '=';
  return out;
}

std::optional<size_t> decode_base64(char* out, std::string_view text) {
  char* const begin = out;
  uint32_t group = 0;
  int have = 0, padding = 0;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' && have == 0) continue;
    if (c == '=') {
      if (have < 2 || have + ++padding > 4) return std::nullopt;
      if (have + padding < 4) continue;
      if (have == 2) *out++ = static_cast<char>(group >> 4);
      if (have == 3) {
        *out++ = static_cast<char>(group >> 10);
        *out++ = static_cast<char>(group >> 2);
      }
      group = 0;
      have = padding = 0;
      continue;
    }
    const int value = kReverse[byte];
    if (value < 0 || padding) return std::nullopt;
    group = group << 6 | static_cast<uint32_t>(value);
    if (++have < 4) continue;
    *out++ = static_cast<char>(group >> 16);
    *out++ = static_cast<char>(group >> 8);
    *out++ = static_cast<char>(group);
    group = 0;
    have = 0;
  }
  if (have) return std::nullopt;
  return static_cast<size_t>(out - begin);
}

}  // namespace sluice::record
