// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>

#include "broker-core/base/types.hpp"
#include "broker-core/model/endian.hpp"

// Kafka's primitive types as its messages and our own files use them: big-endian integers, STRING
// (int16 length), BYTES (int32 length), both nullable with length -1, and ARRAY (int32 count).
namespace sluice::model {

inline constexpr size_t kStringMax = 32767;

// Appends to a buffer. Strings longer than kStringMax mark the writer as failed.
class PrimitiveWriter {
 public:
  template <std::integral T>
  PrimitiveWriter& number(T value) {
    const size_t at = out_.size();
    out_.resize(at + sizeof(T));
    store_big(out_.data() + at, value);
    return *this;
  }
  PrimitiveWriter& raw(ByteView bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  PrimitiveWriter& string(std::string_view text) {
    if (text.size() > kStringMax) {
      failed_ = true;
      return *this;
    }
    return number(static_cast<int16_t>(text.size())).raw(as_bytes(text));
  }
  PrimitiveWriter& nullable_string(const std::optional<std::string>& text) {
    return text ? string(*text) : number(int16_t{-1});
  }
  PrimitiveWriter& bytes(ByteView bytes) {
    if (bytes.size() > INT32_MAX) {
      failed_ = true;
      return *this;
    }
    return number(static_cast<int32_t>(bytes.size())).raw(bytes);
  }

  bool ok() const { return !failed_; }
  size_t size() const { return out_.size(); }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
  bool failed_ = false;
};

// Reads the same. After the first read beyond the end (or malformed length) everything reads as
// zero or empty and ok() is false, so that a whole message can be read before looking. Views point
// into the given bytes.
class PrimitiveReader {
 public:
  explicit PrimitiveReader(ByteView bytes) : rest_(bytes) {}

  template <std::integral T>
  T number() {
    if (rest_.size() < sizeof(T)) return fail<T>();
    T value = load_big<T>(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }
  ByteView raw(size_t size) {
    if (failed_ || size > rest_.size()) return fail<ByteView>();
    ByteView out = rest_.first(size);
    rest_ = rest_.subspan(size);
    return out;
  }
  std::optional<std::string_view> nullable_string() {
    const auto size = number<int16_t>();
    if (size == -1 || failed_) return std::nullopt;
    if (size < 0) return fail<std::optional<std::string_view>>();
    return as_text(raw(static_cast<size_t>(size)));
  }
  std::string string() {
    auto text = nullable_string();
    return text ? std::string(*text) : fail<std::string>();
  }
  ByteView bytes() {
    const auto size = number<int32_t>();
    if (size < 0) return fail<ByteView>();
    return raw(static_cast<size_t>(size));
  }
  // The count of an array whose elements take at least `element_min` bytes each: never more than
  // can be there.
  size_t array(size_t element_min) {
    const auto count = number<int32_t>();
    if (count < 0 || static_cast<size_t>(count) > rest_.size() / element_min) return fail<size_t>();
    return static_cast<size_t>(count);
  }

  bool ok() const { return !failed_; }
  bool done() const { return !failed_ && rest_.empty(); }
  size_t left() const { return rest_.size(); }

 private:
  template <class T>
  T fail() {
    failed_ = true;
    rest_ = {};
    return T{};
  }
  ByteView rest_;
  bool failed_ = false;
};

}  // namespace sluice::model
