// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/json_reader.hpp"

#include <emmintrin.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "runtime/record/utf8.hpp"

namespace sluice::record {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

// The first byte at or after `at` that ends the plain part of a string: a quote, a backslash, a control character.
const char* plain_end(const char* at, const char* end) {
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    const __m128i special = _mm_or_si128(control, _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                                               _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
    const int mask = _mm_movemask_epi8(special);
    if (mask) return at + __builtin_ctz(static_cast<unsigned>(mask));
    at += 16;
  }
  while (at < end && static_cast<unsigned char>(*at) >= 0x20 && *at != '"' && *at != '\\') ++at;
  return at;
}

template <class T>
T to_floating(std::string_view text) {
  T value{};
  auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc::result_out_of_range) return value;
  // Too large or too small; strtod knows which.
  const double far = std::strtod(std::string(text).c_str(), nullptr);
  if (std::isfinite(far) && std::abs(far) <= static_cast<double>(std::numeric_limits<T>::min())) {
    return static_cast<T>(far);
  }
  return text[0] == '-' ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
}

}  // namespace

const char* to_string(JsonType type) {
  static const char* const kNames[] = {"NULL", "BOOLEAN", "NUMBER", "STRING", "ARRAY", "OBJECT"};
  return kNames[static_cast<int>(type)];
}

std::optional<int64_t> JsonNumber::as_int64() const {
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  if (integral) {
    auto read = std::from_chars(text.data(), end, value);
    if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
    return value;
  }
  const double number = as_double();
  if (number != std::floor(number) || std::abs(number) > 9007199254740992.0) return std::nullopt;
  return static_cast<int64_t>(number);
}

double JsonNumber::as_double() const { return to_floating<double>(text); }
float JsonNumber::as_float() const { return to_floating<float>(text); }

Error JsonReader::error(const std::string& what) const {
  return {ErrorKind::kRecord, what + " at byte " + std::to_string(position())};
}

Result<JsonType> JsonReader::peek() {
  skip_space();
  if (at_ == end_) return error("unexpected end of JSON");
  switch (*at_) {
    case 'n': return JsonType::kNull;
    case 't':
    case 'f': return JsonType::kBoolean;
    case '"': return JsonType::kString;
    case '[': return JsonType::kArray;
    case '{': return JsonType::kObject;
    default:
      if (*at_ == '-' || digit(*at_)) return JsonType::kNumber;
      return error("unexpected character in JSON");
  }
}

Status JsonReader::literal(std::string_view word) {
  if (std::string_view(at_, static_cast<size_t>(end_ - at_)).substr(0, word.size()) != word) {
    return error("unknown literal in JSON");
  }
  at_ += word.size();
  return ok();
}

Status JsonReader::read_null() {
  skip_space();
  return literal("null");
}

Result<bool> JsonReader::read_boolean() {
  skip_space();
  const bool value = at_ < end_ && *at_ == 't';
  SLUICE_TRY(literal(value ? "true" : "false"));
  return value;
}

Result<JsonNumber> JsonReader::read_number() {
  skip_space();
  const char* const from = at_;
  if (at_ < end_ && *at_ == '-') ++at_;
  if (at_ == end_ || !digit(*at_)) return error("a digit was expected");
  if (*at_ == '0') {
    ++at_;
    if (at_ < end_ && digit(*at_)) return error("leading zeros are not allowed");
  } else {
    while (at_ < end_ && digit(*at_)) ++at_;
  }
  JsonNumber number;
  number.integral = true;
  if (at_ < end_ && *at_ == '.') {
    number.integral = false;
    ++at_;
    if (at_ == end_ || !digit(*at_)) return error("a digit was expected after the decimal point");
    while (at_ < end_ && digit(*at_)) ++at_;
  }
  if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
    number.integral = false;
    ++at_;
    if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (at_ == end_ || !digit(*at_)) return error("a digit was expected in the exponent");
    while (at_ < end_ && digit(*at_)) ++at_;
  }
  number.text = {from, static_cast<size_t>(at_ - from)};
  if (number.text.size() > kMaxNumber) return error("a number of more than 1000 characters");
  return number;
}

Result<std::string_view> JsonReader::read_string() {
  skip_space();
  if (at_ == end_ || *at_ != '"') return error("a string was expected");
  const char* const from = at_ + 1;
  const char* const stop = plain_end(from, end_);
  if (stop < end_ && *stop == '\\') return unescape(from);
  at_ = stop;
  if (at_ == end_) return error("unexpected end of a string");
  if (*at_ != '"') return error("a control character in a string must be escaped");
  const std::string_view text(from, static_cast<size_t>(stop - from));
  if (!is_utf8(text)) return error("a string that is not UTF-8 ends");
  ++at_;
  return text;
}

Result<uint32_t> JsonReader::hex4() {
  uint32_t unit = 0;
  if (end_ - at_ < 4) return error("unexpected end of an escape");
  auto read = std::from_chars(at_, at_ + 4, unit, 16);
  if (read.ptr != at_ + 4) return error("four hexadecimal digits were expected");
  at_ += 4;
  return unit;
}

// A string with escapes; `from` is its first byte. The result is never longer than the source.
Result<std::string_view> JsonReader::unescape(const char* from) {
  const char* close = from;
  for (;;) {
    close = plain_end(close, end_);
    if (close == end_) break;
    if (*close == '"') break;
    if (*close != '\\') break;
    close += close + 1 < end_ ? 2 : 1;
  }
  at_ = close;
  if (close == end_) return error("unexpected end of a string");
  if (*close != '"') return error("a control character in a string must be escaped");
  const auto room = static_cast<size_t>(close - from);
  auto* const out = static_cast<char*>(arena_.alloc(room + 1, 1));
  if (!out) return error("a string too large for the memory bound of a batch");
  char* to = out;
  at_ = from;
  while (at_ < close) {
    if (*at_ != '\\') {
      *to++ = *at_++;
      continue;
    }
    const char kind = at_[1];
    at_ += 2;
    switch (kind) {
      case '"':
      case '\\':
      case '/': *to++ = kind; continue;
      case 'b': *to++ = '\b'; continue;
      case 'f': *to++ = '\f'; continue;
      case 'n': *to++ = '\n'; continue;
      case 'r': *to++ = '\r'; continue;
      case 't': *to++ = '\t'; continue;
      case 'u': break;
      default: return error("an unknown escape ends");
    }
    SLUICE_ASSIGN(uint32_t unit, hex4());
    if (unit >= 0xd800 && unit < 0xdc00 && close - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u') {
      at_ += 2;
      SLUICE_ASSIGN(const uint32_t low, hex4());
      if (low < 0xdc00 || low > 0xdfff) return error("half of a surrogate pair ends");
      unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    } else if (unit >= 0xd800 && unit <= 0xdfff) {
      return error("half of a surrogate pair ends");
    }
    to = write_utf8(to, unit);
  }
  const std::string_view text(out, static_cast<size_t>(to - out));
  arena_.shrink(out, room + 1, text.size());
  if (!is_utf8(text)) return error("a string that is not UTF-8 ends");
  at_ = close + 1;
  return text;
}

Status JsonReader::enter(char open) {
  skip_space();
  if (at_ == end_ || *at_ != open) return error(std::string("'") + open + "' was expected");
  if (++depth_ > kMaxDepth) return error("nested deeper than " + std::to_string(kMaxDepth));
  ++at_;
  first_ = true;
  return ok();
}

Result<bool> JsonReader::next(char close) {
  skip_space();
  if (at_ == end_) return error("unexpected end of JSON");
  const bool first = first_;
  first_ = false;
  if (*at_ == close) {
    ++at_;
    --depth_;
    return false;
  }
  if (first) return true;
  if (*at_ != ',') return error(std::string("',' or '") + close + "' was expected");
  ++at_;
  return true;
}

Result<bool> JsonReader::next_member(std::string_view* key) {
  SLUICE_ASSIGN(const bool more, next('}'));
  if (!more) return false;
  SLUICE_ASSIGN(*key, read_string());
  skip_space();
  if (at_ == end_ || *at_ != ':') return error("':' was expected");
  ++at_;
  return true;
}

Result<std::string_view> JsonReader::skip_value() {
  skip_space();
  const char* const from = at_;
  SLUICE_TRY(skip());
  return std::string_view(from, static_cast<size_t>(at_ - from));
}

Status JsonReader::skip() {
  SLUICE_ASSIGN(const JsonType type, peek());
  switch (type) {
    case JsonType::kNull: return read_null();
    case JsonType::kBoolean: SLUICE_TRY(read_boolean()); return ok();
    case JsonType::kNumber: SLUICE_TRY(read_number()); return ok();
    case JsonType::kString: SLUICE_TRY(read_string()); return ok();
    case JsonType::kArray:
      SLUICE_TRY(enter_array());
      for (;;) {
        SLUICE_ASSIGN(const bool more, next_element());
        if (!more) return ok();
        SLUICE_TRY(skip());
      }
    case JsonType::kObject:
      SLUICE_TRY(enter_object());
      for (std::string_view key;;) {
        SLUICE_ASSIGN(const bool more, next_member(&key));
        if (!more) return ok();
        SLUICE_TRY(skip());
      }
  }
  std::abort();
}

Status JsonReader::finish() {
  skip_space();
  if (at_ != end_) return error("more than one JSON value: text goes on");
  return ok();
}

}  // namespace sluice::record
