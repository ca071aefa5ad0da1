// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <emmintrin.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace sluice::record {

inline bool is_ascii(std::string_view text) {
  const char* at = text.data();
  size_t left = text.size();
  __m128i blocks = _mm_setzero_si128();
  for (; left >= 16; left -= 16, at += 16) {
    blocks = _mm_or_si128(blocks, _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
  }
  uint64_t high = 0, word = 0;
  if (left >= 8) {
    std::memcpy(&high, at, 8);
    at += 8;
    left -= 8;
  }
  for (; left; --left, ++at) word |= static_cast<unsigned char>(*at);
  return _mm_movemask_epi8(blocks) == 0 && ((high | word) & 0x8080808080808080ull) == 0;
}

bool is_utf8(std::string_view text);
// Each maximal run that cannot begin a character becomes one U+FFFD, as in Java's (and the WHATWG's) decoder.
std::string replace_invalid_utf8(std::string_view text);
// Appends one code point (at most 4 bytes); returns the end.
char* write_utf8(char* out, uint32_t point);

}  // namespace sluice::record
