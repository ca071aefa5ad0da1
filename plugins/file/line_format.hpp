// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <string>
#include <string_view>

#include "plugins/file/line_splitter.hpp"

// How the bytes of a file become lines of UTF-8 text: where lines end, and what the bytes mean.
namespace sluice::file_plugin {

enum class Encoding {
  kUtf8,
  kLatin1,
  kUtf16Le,
  kUtf16Be,
  kUtf16,  // by its byte order mark; without one big-endian, as Java's UTF-16 has it
};

enum class LineEnd {
  kAny,  // "\n", "\r\n" and a lone "\r", as FileStreamSource has it
  kLf,   // "\n" alone; a "\r" before it belongs to the line
  kNul,
};

inline bool two_bytes(Encoding encoding) {
  return encoding >= Encoding::kUtf16Le;
}
// Of "utf-16": what the first bytes of the file say.
Encoding by_byte_order_mark(std::string_view first);
// The byte order mark with which text of this encoding may begin.
std::string_view byte_order_mark(Encoding encoding);

// Appends `line` as UTF-8. False: it holds something malformed, which became U+FFFD.
bool append_utf8(std::string_view line, Encoding encoding, std::string& out);

// Bytes at the end of `text`, which has no line end, that the next line end may begin with.
size_t half_line_end(std::string_view text, Encoding encoding, LineEnd end);

namespace detail {

template <bool kBigEndian, class Emit>
SplitResult split_two_bytes(const char* data, size_t size, LineEnd ends, Emit&& emit) {
  const auto unit = [data](size_t at) {
    const auto first = static_cast<unsigned char>(data[at]);
    const auto second = static_cast<unsigned char>(data[at + 1]);
    return kBigEndian ? first << 8 | second : second << 8 | first;
  };
  SplitResult result;
  result.ascii = false;  // it has to be converted in any case
  const int wanted = ends == LineEnd::kNul ? 0 : '\n';
  size_t start = 0;
  for (size_t at = 0; at + 2 <= size; at += 2) {
    const int found = unit(at);
    size_t next = at + 2;
    if (found != wanted) {
      if (found != '\r' || ends != LineEnd::kAny) continue;
      if (next + 2 > size) break;  // "\n" may follow
      if (unit(next) == '\n') next += 2;
    }
    if (!emit(data + start, at - start)) {
      result.stopped = true;
      break;
    }
    start = next;
    at = next - 2;
  }
  result.consumed = start;
  return result;
}

template <class Emit>
SplitResult split_at(char end, const char* data, size_t size, Emit&& emit) {
  SplitResult result;
  result.ascii = false;  // not looked at
  size_t start = 0;
  while (start < size) {
    const void* found = std::memchr(data + start, end, size - start);
    if (found == nullptr) break;
    const size_t length = static_cast<size_t>(static_cast<const char*>(found) - (data + start));
    if (!emit(data + start, length)) {
      result.stopped = true;
      break;
    }
    start += length + 1;
  }
  result.consumed = start;
  return result;
}

}  // namespace detail

// The complete lines of data[0, size), as split_lines gives them, by other rules.
template <class Emit>
SplitResult split(Encoding encoding, LineEnd ends, const char* data, size_t size, Emit&& emit) {
  if (encoding == Encoding::kUtf16Le) return detail::split_two_bytes<false>(data, size, ends, emit);
  if (two_bytes(encoding)) return detail::split_two_bytes<true>(data, size, ends, emit);
  if (ends == LineEnd::kAny) [[likely]]
    return split_lines(data, size, emit);
  return detail::split_at(ends == LineEnd::kLf ? '\n' : '\0', data, size, emit);
}

}  // namespace sluice::file_plugin
