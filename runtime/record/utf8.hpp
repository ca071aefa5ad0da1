// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace sluice::record {

inline bool is_ascii(std::string_view text) {
  uint64_t high = 0;
  const char* at = text.data();
  size_t left = text.size();
  for (; left >= 8; left -= 8, at += 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    high |= word;
  }
  for (; left; --left, ++at) high |= static_cast<uint64_t>(static_cast<unsigned char>(*at));
  return (high & 0x8080808080808080ull) == 0;
}

bool is_utf8(std::string_view text);
// Each maximal run that cannot begin a character becomes one U+FFFD, as in Java's (and the WHATWG's) decoder.
std::string replace_invalid_utf8(std::string_view text);
// Appends one code point (at most 4 bytes); returns the end.
char* write_utf8(char* out, uint32_t point);

}  // namespace sluice::record
