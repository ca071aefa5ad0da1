// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/line_format.hpp"

#include <cstdint>

#include "plugins/file/utf8.hpp"

namespace sluice::file_plugin {

namespace {

constexpr uint32_t kReplacement = 0xFFFD;

void append_code_point(uint32_t point, std::string& out) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (point >> shift & 0x3F)); };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | point >> 6);
    tail(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | point >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | point >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

bool append_utf16(std::string_view line, bool big_endian, std::string& out) {
  const auto unit = [&](size_t at) {
    const uint32_t first = static_cast<unsigned char>(line[at]);
    const uint32_t second = static_cast<unsigned char>(line[at + 1]);
    return big_endian ? first << 8 | second : second << 8 | first;
  };
  bool whole = true;
  size_t at = 0;
  while (at + 2 <= line.size()) {
    const uint32_t first = unit(at);
    at += 2;
    if (first < 0xD800 || first > 0xDFFF) {
      append_code_point(first, out);
      continue;
    }
    const uint32_t second = first < 0xDC00 && at + 2 <= line.size() ? unit(at) : 0;
    if (second < 0xDC00 || second > 0xDFFF) {  // half of a pair
      append_code_point(kReplacement, out);
      whole = false;
      continue;
    }
    at += 2;
    append_code_point(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00), out);
  }
  if (at == line.size()) return whole;
  append_code_point(kReplacement, out);
  return false;
}

}  // namespace

Encoding by_byte_order_mark(std::string_view first) {
  return first.starts_with("\xFF\xFE") ? Encoding::kUtf16Le : Encoding::kUtf16Be;
}

std::string_view byte_order_mark(Encoding encoding) {
  switch (encoding) {
    case Encoding::kUtf8:
      return "\xEF\xBB\xBF";
    case Encoding::kLatin1:
      return "";
    case Encoding::kUtf16Le:
      return "\xFF\xFE";
    default:
      return "\xFE\xFF";
  }
}

bool append_utf8(std::string_view line, Encoding encoding, std::string& out) {
  if (two_bytes(encoding)) return append_utf16(line, encoding != Encoding::kUtf16Le, out);
  if (encoding == Encoding::kLatin1) {
    for (const char c : line) append_code_point(static_cast<unsigned char>(c), out);
    return true;
  }
  const bool whole = is_valid_utf8(line);
  append_repaired_utf8(line, out);
  return whole;
}

size_t half_line_end(std::string_view text, Encoding encoding, LineEnd end) {
  if (!two_bytes(encoding)) return end == LineEnd::kAny && text.ends_with('\r') ? 1 : 0;
  const size_t odd = text.size() % 2;
  text.remove_suffix(odd);
  const std::string_view half =
      encoding == Encoding::kUtf16Le ? std::string_view("\r\0", 2) : std::string_view("\0\r", 2);
  return odd + (end == LineEnd::kAny && text.ends_with(half) ? 2 : 0);
}

}  // namespace sluice::file_plugin
