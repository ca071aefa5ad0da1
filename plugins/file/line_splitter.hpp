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

#if defined(__SSE2__)
// One bit per byte that ends a line; `high` collects the top bits of all bytes.
inline uint64_t terminators(const char* at, __m128i* high) {
  const __m128i line_feed = _mm_set1_epi8('\n');
  const __m128i carriage_return = _mm_set1_epi8('\r');
  uint64_t mask = 0;
  for (int i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16 * i));
    *high = _mm_or_si128(*high, bytes);
    const __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(bytes, line_feed), _mm_cmpeq_epi8(bytes, carriage_return));
    mask |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(hit))) << (16 * i);
  }
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
  // Gives the line that ends at `at`; false: stop.
  const auto line_end = [&](size_t at) {
    if (at < start) return true;  // the "\n" of a "\r\n" that is done
    size_t next = at + 1;
    if (data[at] == '\r') {
      if (next >= size) return false;
      if (data[next] == '\n') ++next;
    }
    if (!emit(data + start, at - start)) {
      result.stopped = true;
      return false;
    }
    start = next;
    return true;
  };

  size_t at = 0;
  bool more = true;
#if defined(__SSE2__)
  __m128i high = _mm_setzero_si128();
  for (; more && at + detail::kSplitStep <= size; at += detail::kSplitStep) {
    for (uint64_t mask = detail::terminators(data + at, &high); mask != 0; mask &= mask - 1) {
      more = line_end(at + static_cast<size_t>(std::countr_zero(mask)));
      if (!more) break;
    }
  }
  result.ascii = _mm_movemask_epi8(high) == 0;
#endif
  unsigned char tail_high = 0;
  for (; more && at < size; ++at) {
    tail_high |= static_cast<unsigned char>(data[at]);
    if (data[at] == '\n' || data[at] == '\r') more = line_end(at);
  }
  result.ascii = result.ascii && tail_high < 0x80;
  result.consumed = start;
  return result;
}

}  // namespace sluice::file_plugin
