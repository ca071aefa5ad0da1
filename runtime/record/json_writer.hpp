// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

#include "broker-core/base/result.hpp"
#include "runtime/record/arena.hpp"
#include "sdk/include/sluice/plugin.h"

namespace sluice::record {

// Appends JSON text to a string or to an arena, byte for byte as Jackson's UTF8JsonGenerator writes it: compact,
// only what must be escaped is escaped, characters beyond the BMP as two \uXXXX. It places no commas and checks no
// nesting: its callers know the shape. One thread; lives for one text.
class JsonWriter {
 public:
  explicit JsonWriter(std::string* out) : string_(out), base_(out->size()) {}
  explicit JsonWriter(Arena& arena) : arena_(&arena) {}
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  void raw(std::string_view text) {
    if (!reserve(text.size())) return;
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void raw(char c) {
    if (reserve(1)) *at_++ = c;
  }
  void null() { raw("null"); }
  void boolean(bool value) { raw(value ? std::string_view("true") : std::string_view("false")); }
  void integer(int64_t value) {
    if (reserve(24)) at_ = std::to_chars(at_, at_ + 24, value).ptr;
  }
  void float64(double value);   // NaN and the infinities as strings
  void float32(float value);
  void string(std::string_view text);  // bytes that are not UTF-8 become U+FFFD, as when Java decodes them
  void base64(std::string_view bytes); // a string of standard base64 with padding
  // "name":
  void name(std::string_view text) {
    string(text);
    raw(':');
  }

  bool failed() const { return failed_; }  // the arena's limit was reached
  // The whole text (of this writer). The writer must not be used any more.
  std::string_view finish();

 private:
  bool reserve(size_t size) { return static_cast<size_t>(end_ - at_) >= size || grow(size); }
  bool grow(size_t size);
  bool plain_string(std::string_view text);
  char* escape(char* to, std::string_view text);
  void repaired(std::string_view text);

  char* begin_ = nullptr;
  char* at_ = nullptr;
  char* end_ = nullptr;
  std::string* string_ = nullptr;
  size_t base_ = 0;
  Arena* arena_ = nullptr;
  bool failed_ = false;
};

// Schemaless Connect data as JSON, as JsonConverter with schemas.enable=false writes it (maps in their own order).
Status append_json(JsonWriter& out, const sluice_value& value);
Result<std::string> value_to_json(const sluice_value& value);
// The reverse: integers INT64, other numbers FLOAT64, objects MAP of STRING (the last of equal keys counts).
// Strings without escapes are borrowed from `json`, the rest lives in the arena.
Result<sluice_value> json_to_value(std::string_view json, Arena& arena);

}  // namespace sluice::record
