// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/arena.hpp>
#include <sluice/sdk/value.hpp>

namespace sluice::testkit {

// A value with all that it points to. Owned by whoever made it.
class ValueCopy {
 public:
  explicit ValueCopy(const sluice_value& from) : value_(copy(from, arena_)) {}
  ValueCopy(const ValueCopy&) = delete;
  ValueCopy& operator=(const ValueCopy&) = delete;
  const sdk::Value& value() const { return value_; }

  // Copies into memory of any kind that has allocate(size, alignment).
  template <class Memory>
  static sdk::Value copy(const sluice_value& from, Memory& memory) {
    sdk::Value to(from);
    if (from.type == SLUICE_STRING || from.type == SLUICE_BYTES) {
      auto* bytes = static_cast<char*>(memory.allocate(from.size, 1));
      if (from.size > 0) std::memcpy(bytes, from.as.bytes, from.size);
      to.as.bytes = bytes;
    } else if (from.type == SLUICE_ARRAY || from.type == SLUICE_STRUCT || from.type == SLUICE_MAP) {
      const size_t count = size_t{from.size} * (from.type == SLUICE_MAP ? 2 : 1);
      auto* items = static_cast<sluice_value*>(
          memory.allocate(count * sizeof(sluice_value), alignof(sluice_value)));
      for (size_t i = 0; i < count; ++i) items[i] = copy(from.as.items[i], memory);
      to.as.items = items;
    }
    return to;
  }

 private:
  sdk::detail::Arena arena_;
  sdk::Value value_;
};

}  // namespace sluice::testkit
