// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/utf8.hpp"

#include <simdjson.h>

namespace sluice::record {
namespace {

// How many bytes at the front of `text` belong to one well-formed character (good), or else to one maximal
// ill-formed part.
struct Step {
  size_t size;
  bool good;
};

Step step(std::string_view text) {
  auto byte = [&](size_t i) -> unsigned { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xc2 || lead > 0xf4) return {1, false};
  unsigned low = 0x80, high = 0xbf;  // bounds of the second byte
  if (lead == 0xe0) low = 0xa0;
  if (lead == 0xed) high = 0x9f;
  if (lead == 0xf0) low = 0x90;
  if (lead == 0xf4) high = 0x8f;
  const size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  for (size_t i = 1; i < length; ++i) {
    if (byte(i) < low || byte(i) > high || i >= text.size()) return {i, false};
    low = 0x80;
    high = 0xbf;
  }
  return {length, true};
}

}  // namespace

bool is_utf8(std::string_view text) { return is_ascii(text) || simdjson::validate_utf8(text.data(), text.size()); }

std::string replace_invalid_utf8(std::string_view text) {
  std::string repaired;
  repaired.reserve(text.size() + 16);
  while (!text.empty()) {
    const Step next = step(text);
    if (next.good) {
      repaired.append(text.substr(0, next.size));
    } else {
      repaired.append("\xef\xbf\xbd");
    }
    text.remove_prefix(next.size);
  }
  return repaired;
}

char* write_utf8(char* out, uint32_t point) {
  if (point < 0x80) {
    *out++ = static_cast<char>(point);
  } else if (point < 0x800) {
    *out++ = static_cast<char>(0xc0 | point >> 6);
    *out++ = static_cast<char>(0x80 | (point & 63));
  } else if (point < 0x10000) {
    *out++ = static_cast<char>(0xe0 | point >> 12);
    *out++ = static_cast<char>(0x80 | (point >> 6 & 63));
    *out++ = static_cast<char>(0x80 | (point & 63));
  } else {
    *out++ = static_cast<char>(0xf0 | point >> 18);
    *out++ = static_cast<char>(0x80 | (point >> 12 & 63));
    *out++ = static_cast<char>(0x80 | (point >> 6 & 63));
    *out++ = static_cast<char>(0x80 | (point & 63));
  }
  return out;
}

}  // namespace sluice::record
