// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "broker-core/base/result.hpp"
#include "runtime/record/arena.hpp"

namespace sluice::record {

enum class JsonType { kNull, kBoolean, kNumber, kString, kArray, kObject };
const char* to_string(JsonType type);  // Jackson's JsonNodeType: NULL, BOOLEAN, NUMBER, ...

// A number as it stands in the text.
struct JsonNumber {
  std::string_view text;
  bool integral = false;                  // no fraction and no exponent
  std::optional<int64_t> as_int64() const;  // the exact value, also of 3.0 or 1e2; nullopt if it is none
  double as_double() const;
  float as_float() const;
};

// Walks over one JSON text (RFC 8259: UTF-8, no comments, no NaN) from left to right, without a tree. Strings
// without escapes are borrowed from the text, others are made in the arena. Nesting is bounded by kMaxDepth. After
// an error the reader stands at the offending byte. One thread, one text.
//
//   object:  SLUICE_TRY(reader.enter_object()); while (next_key(&key)) { value } ; check failed()
class JsonReader {
 public:
  static constexpr int kMaxDepth = 64;
  static constexpr size_t kMaxNumber = 1000;  // characters, as in Jackson

  JsonReader(std::string_view text, Arena& arena)
      : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()), arena_(arena) {}

  // The type of the value that stands next.
  Result<JsonType> peek();
  Status read_null();
  Result<bool> read_boolean();
  Result<JsonNumber> read_number();
  Result<std::string_view> read_string();

  Status enter_array() { return enter('['); }
  Status enter_object() { return enter('{'); }
  // True: an element follows and must be read. False: the array is closed.
  Result<bool> next_element() { return next(']'); }
  // The same for an object; *key is the member's name and its value follows.
  Result<bool> next_member(std::string_view* key);

  // Steps over one whole (well-formed) value and returns its text.
  Result<std::string_view> skip_value();
  // Nothing but white space may be left.
  Status finish();

  // Steps over bytes that the caller knows already.
  void advance(size_t bytes) { at_ += bytes; }
  size_t position() const { return static_cast<size_t>(at_ - begin_); }
  Error error(const std::string& what) const;

 private:
  void skip_space() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  Status enter(char open);
  Result<bool> next(char close);
  Status literal(std::string_view word);
  Result<std::string_view> unescape(const char* from);
  Result<uint32_t> hex4();
  Status skip();

  const char* begin_;
  const char* at_;
  const char* end_;
  Arena& arena_;
  int depth_ = 0;
  bool first_ = false;  // just after an opening bracket
};

}  // namespace sluice::record
