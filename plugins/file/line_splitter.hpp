// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sluice::file_plugin {

// What one pass over some bytes found.
struct SplitResult {
  size_t consumed = 0;      // bytes up to and including the last terminator that was used
  bool ascii = true;        // false if a byte above 127 was seen (perhaps behind `consumed`)
  bool stopped = false;     // emit said no; there may be more lines
};

namespace detail {

constexpr size_t kSplitStep = 64;

// One bit for each of the kSplitStep bytes that ends a line; `high` becomes true if one is above 127.
#if defined(__SSE2__)
inline uint64_t terminators(const char* at, bool* high) {
  const auto load = [at](int i) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16 * i)); };
  const auto hits = [](__m128i bytes) {
    const __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n')),
                                     _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r')));
    return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(hit)));
  };
  const __m128i a = load(0), b = load(1), c = load(2), d = load(3);
  *high |= _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))) != 0;
  return hits(a) | hits(b) << 16 | hits(c) << 32 | hits(d) << 48;
}
#else
inline uint64_t terminators(const char* at, bool* high) {
  uint64_t mask = 0;
  unsigned char all = 0;
  for (size_t i = 0; i < kSplitStep; ++i) {
    all |= static_cast<unsigned char>(at[i]);
    mask |= static_cast<uint64_t>(at[i] == '\n' || at[i] == '\r') << i;
  }
  *high |= all > 127;
  return mask;
}
#endif

}  // namespace detail

// Finds the complete lines of data[0, size) by FileStreamSource's rules: "\n", "\r\n" and a lone "\r" end a line; a
// "\r" that is the last byte does not yet, because "\n" may follow. Calls emit(begin, length) for each line, without
// its terminator, until emit returns false (that line counts as not consumed).
template <class Emit>
SplitResult split_lines(const char* data, size_t size, Emit&& emit) {
  SplitResult result;
  size_t start = 0;
  bool high = false;
  for (size_t base = 0; base < size; base += detail::kSplitStep) {
    uint64_t mask;
    if (size - base >= detail::kSplitStep) [[likely]] {
      mask = detail::terminators(data + base, &high);
    } else {
      char rest[detail::kSplitStep] = {};
      std::memcpy(rest, data + base, size - base);
      mask = detail::terminators(rest, &high);
    }
    for (; mask != 0; mask &= mask - 1) {
      const size_t at = base + static_cast<size_t>(std::countr_zero(mask));
      if (at < start) continue;  // the "\n" of a "\r\n" that is done
      size_t next = at + 1;
      if (data[at] == '\r') [[unlikely]] {
        if (next >= size) break;  // the last byte
        if (data[next] == '\n') ++next;
      }
      if (!emit(data + start, at - start)) [[unlikely]] {
        result.stopped = true;
        result.consumed = start;
        result.ascii = !high;
        return result;
      }
      start = next;
    }
  }
  result.consumed = start;
  result.ascii = !high;
  return result;
}

}  // namespace sluice::file_plugin
