// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "broker-core/base/types.hpp"
#include "runtime/record/arena.hpp"
#include "sdk/include/sluice/plugin.h"

// Making, reading, comparing and copying of sluice_value. Values borrow all that they point to.
namespace sluice::record {

inline sluice_value make_value(uint8_t type, uint32_t size = 0) {
  sluice_value value{};
  value.type = type;
  value.size = size;
  return value;
}
inline sluice_value null_value() { return make_value(SLUICE_NULL); }
inline sluice_value bool_value(bool b) {
  auto value = make_value(SLUICE_BOOLEAN);
  value.as.i64 = b ? 1 : 0;
  return value;
}
// `type` is SLUICE_INT8 .. SLUICE_INT64.
inline sluice_value int_value(int64_t number, uint8_t type = SLUICE_INT64) {
  auto value = make_value(type);
  value.as.i64 = number;
  return value;
}
inline sluice_value float_value(double number, uint8_t type = SLUICE_FLOAT64) {
  auto value = make_value(type);
  value.as.f64 = number;
  return value;
}
inline sluice_value string_value(std::string_view text) {
  auto value = make_value(SLUICE_STRING, static_cast<uint32_t>(text.size()));
  value.as.bytes = text.data() ? text.data() : "";
  return value;
}
inline sluice_value bytes_value(std::string_view bytes) {
  auto value = string_value(bytes);
  value.type = SLUICE_BYTES;
  return value;
}
inline sluice_value bytes_value(ByteView bytes) { return bytes_value(as_text(bytes)); }
// `items` has `size` elements for arrays and structs, 2 * `size` for maps.
inline sluice_value items_value(uint8_t type, const sluice_value* items, size_t size) {
  auto value = make_value(type, static_cast<uint32_t>(size));
  value.as.items = items;
  return value;
}

inline bool is_null(const sluice_value& value) { return value.type == SLUICE_NULL; }
inline bool is_integer(uint8_t type) { return type >= SLUICE_INT8 && type <= SLUICE_INT64; }
inline bool is_float(uint8_t type) { return type == SLUICE_FLOAT32 || type == SLUICE_FLOAT64; }
inline bool has_bytes(uint8_t type) { return type == SLUICE_STRING || type == SLUICE_BYTES; }
inline bool has_items(uint8_t type) { return type >= SLUICE_ARRAY && type <= SLUICE_STRUCT; }
// The bytes of a STRING or BYTES.
inline std::string_view text(const sluice_value& value) { return {value.as.bytes, value.size}; }
// The elements of an ARRAY or STRUCT; of a MAP keys and values in turns.
inline std::span<const sluice_value> items(const sluice_value& value) {
  const size_t count = value.type == SLUICE_MAP ? size_t{value.size} * 2 : value.size;
  return {value.as.items, count};
}

inline constexpr uint32_t kMaxValueDepth = 64;

// Deep comparison; type and content must be the same, map entries in the same order. NaN equals NaN.
bool equal_values(const sluice_value& a, const sluice_value& b);
size_t hash_value(const sluice_value& value);
// Bytes that a deep copy takes besides the value itself; SIZE_MAX for one deeper than kMaxValueDepth or of an
// unknown type.
size_t deep_size(const sluice_value& value);
// A deep copy in `arena`; false beyond the arena's limit or for a value that deep_size refuses.
bool copy_value(const sluice_value& from, Arena& arena, sluice_value* to);

}  // namespace sluice::record
