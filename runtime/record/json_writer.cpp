// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/json_writer.hpp"

#include <emmintrin.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>

#include "runtime/config/java_format.hpp"
#include "runtime/record/base64.hpp"
#include "runtime/record/utf8.hpp"

namespace sluice::record {
namespace {

constexpr char kHex[] = "0123456789ABCDEF";

char* write_unit(char* to, uint32_t unit) {
  *to++ = '\\';
  *to++ = 'u';
  for (int shift = 12; shift >= 0; shift -= 4) *to++ = kHex[unit >> shift & 15];
  return to;
}

char* write_control(char* to, unsigned char c) {
  char letter = 0;
  switch (c) {
    case '"': letter = '"'; break;
    case '\\': letter = '\\'; break;
    case '\b': letter = 'b'; break;
    case '\t': letter = 't'; break;
    case '\n': letter = 'n'; break;
    case '\f': letter = 'f'; break;
    case '\r': letter = 'r'; break;
    default: return write_unit(to, c);
  }
  *to++ = '\\';
  *to++ = letter;
  return to;
}

bool plain(unsigned char c) { return c >= 0x20 && c != '"' && c != '\\' && c < 0xf0; }

}  // namespace

bool JsonWriter::grow(size_t size) {
  if (failed_) return false;
  const size_t used = static_cast<size_t>(at_ - begin_);
  const size_t capacity = static_cast<size_t>(end_ - begin_);
  const size_t wanted = std::max({capacity * 2, used + size, size_t{256}});
  if (string_) {
    string_->resize(base_ + wanted);
    begin_ = string_->data() + base_;
  } else if (begin_ && arena_->extend(begin_, capacity, wanted - capacity)) {
    // Grown in place.
  } else {
    auto* moved = static_cast<char*>(arena_->alloc(wanted, 1));
    if (!moved) {
      failed_ = true;
      return false;
    }
    if (used) std::memcpy(moved, begin_, used);
    begin_ = moved;
  }
  at_ = begin_ + used;
  end_ = begin_ + wanted;
  return true;
}

std::string_view JsonWriter::finish() {
  const size_t used = static_cast<size_t>(at_ - begin_);
  if (string_) {
    string_->resize(base_ + used);
    return std::string_view(*string_).substr(base_);
  }
  if (begin_) arena_->shrink(begin_, static_cast<size_t>(end_ - begin_), used);
  return {begin_ ? begin_ : "", used};
}

void JsonWriter::float64(double value) {
  if (!std::isfinite(value)) return string(config::java_double(value));
  if (reserve(config::kJavaNumberSize)) at_ = config::write_java_double(at_, value);
}

void JsonWriter::float32(float value) {
  if (!std::isfinite(value)) return string(config::java_float(value));
  if (reserve(config::kJavaNumberSize)) at_ = config::write_java_float(at_, value);
}

// Six bytes for each input byte are enough: \u001F for one, and two of six for a sequence of four.
char* JsonWriter::escape(char* to, std::string_view text) {
  const char* from = text.data();
  const char* const end = from + text.size();
  while (from < end) {
    while (end - from >= 16) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      // Signed comparison with a bias: control characters and everything from 0xf0 on.
      const __m128i shifted = _mm_add_epi8(bytes, _mm_set1_epi8(static_cast<char>(0x80)));
      const __m128i special = _mm_or_si128(
          _mm_or_si128(_mm_cmplt_epi8(shifted, _mm_set1_epi8(static_cast<char>(0x20 - 0x80))),
                       _mm_cmpgt_epi8(shifted, _mm_set1_epi8(static_cast<char>(0xef - 0x80)))),
          _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
      if (_mm_movemask_epi8(special)) break;
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
      from += 16;
      to += 16;
    }
    while (from < end && plain(static_cast<unsigned char>(*from))) *to++ = *from++;
    if (from == end) break;
    const auto c = static_cast<unsigned char>(*from);
    if (c < 0xf0) {
      to = write_control(to, c);
      ++from;
    } else {
      uint32_t point = (c & 7u) << 18 | (from[1] & 63u) << 12 | (from[2] & 63u) << 6 | (from[3] & 63u);
      point -= 0x10000;
      to = write_unit(to, 0xd800 + (point >> 10));
      to = write_unit(to, 0xdc00 + (point & 0x3ff));
      from += 4;
    }
  }
  return to;
}

// The common case: ASCII without anything to escape, copied while it is looked at.
bool JsonWriter::plain_string(std::string_view text) {
  if (text.size() < 16 || !reserve(text.size() + 2)) return false;
  const __m128i below = _mm_set1_epi8(0x20), quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
  // Copies 16 bytes; the result is 0 if all of them are plain. Bytes from 0x80 on are negative, so below 0x20 too.
  auto copy = [&](char* to, const char* from) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    return _mm_movemask_epi8(_mm_or_si128(_mm_cmplt_epi8(bytes, below), _mm_or_si128(_mm_cmpeq_epi8(bytes, quote),
                                                                                    _mm_cmpeq_epi8(bytes, backslash))));
  };
  const char* const from = text.data();
  char* const to = at_ + 1;
  int special = 0;
  size_t i = 0;
  for (; i + 16 <= text.size() && !special; i += 16) special = copy(to + i, from + i);
  if (!special) special = copy(to + text.size() - 16, from + text.size() - 16);
  if (special) return false;
  *at_ = '"';
  at_ = to + text.size();
  *at_++ = '"';
  return true;
}

void JsonWriter::string(std::string_view text) {
  if (plain_string(text)) return;
  // Long texts in pieces, so that the reserve for the worst case stays small next to them.
  if (!is_ascii(text) && !simdjson::validate_utf8(text.data(), text.size())) return repaired(text);
  raw('"');
  constexpr size_t kPiece = 4096;
  while (!text.empty()) {
    size_t size = std::min(text.size(), kPiece);
    while (size < text.size() && size > kPiece - 4 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
    if (!reserve(size * 6 + 16)) return;
    at_ = escape(at_, text.substr(0, size));
    text.remove_prefix(size);
  }
  raw('"');
}

void JsonWriter::repaired(std::string_view text) { string(replace_invalid_utf8(text)); }

void JsonWriter::base64(std::string_view bytes) {
  if (!reserve(base64_size(bytes.size()) + 2)) return;
  *at_++ = '"';
  at_ = encode_base64(at_, bytes);
  *at_++ = '"';
}

}  // namespace sluice::record
