// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace sluice::mqtt_plugin {

// Walks over the fields of one protobuf message. Reads no byte past its end; groups, which no
// proto3 message has, and everything malformed end it with failed().
class ProtoReader {
 public:
  enum Wire : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

  explicit ProtoReader(std::string_view message) : rest_(message) {}

  // False: the message has ended, or it is malformed.
  bool next() {
    if (rest_.empty() || failed_) return false;
    uint64_t tag = 0;
    if (!varint(&tag) || tag >> 3 == 0 || tag >> 3 > 536870911) return fail();
    field_ = static_cast<uint32_t>(tag >> 3);
    wire_ = static_cast<uint8_t>(tag & 7);
    switch (wire_) {
      case kVarint:
        return varint(&number_) || fail();
      case kFixed64:
        return fixed(8);
      case kFixed32:
        return fixed(4);
      case kBytes: {
        uint64_t size = 0;
        if (!varint(&size) || size > rest_.size()) return fail();
        bytes_ = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return true;
      }
      default:
        return fail();
    }
  }
  bool failed() const { return failed_; }

  // Whether it is this field, in the form that its type has.
  bool is(uint32_t field, Wire wire) const { return field_ == field && wire_ == wire; }
  uint64_t number() const { return number_; }  // of varints and fixed fields
  std::string_view bytes() const { return bytes_; }
  float as_float() const {
    const auto low = static_cast<uint32_t>(number_);
    float value = 0;
    std::memcpy(&value, &low, sizeof(value));
    return value;
  }
  double as_double() const {
    double value = 0;
    std::memcpy(&value, &number_, sizeof(value));
    return value;
  }

 private:
  bool fail() {
    failed_ = true;
    return false;
  }
  bool varint(uint64_t* value) {
    *value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      if (rest_.empty()) return false;
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) return false;
      *value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  bool fixed(size_t size) {
    if (rest_.size() < size) return fail();
    number_ = 0;
    std::memcpy(&number_, rest_.data(), size);  // both little-endian
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest_;
  uint32_t field_ = 0;
  uint8_t wire_ = 0;
  bool failed_ = false;
  uint64_t number_ = 0;
  std::string_view bytes_;
};

}  // namespace sluice::mqtt_plugin
