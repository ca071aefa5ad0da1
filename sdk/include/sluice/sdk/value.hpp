// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/result.hpp>

#include <bit>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::sdk {

struct MapEntry;

// One value of Connect's data model: sluice_value with a constructor per type and typed reads. It borrows:
// bytes, items and entries belong to whoever made them (RecordBatch copies what has to live longer). A read
// of the wrong type gives nullopt, a read of an absent map entry a null value.
struct Value : sluice_value {
  Value() : Value(SLUICE_NULL, 0) {}
  explicit Value(const sluice_value& raw) : sluice_value(raw) {}

  static Value null() { return Value(); }
  static Value boolean(bool b) { return integer(SLUICE_BOOLEAN, b ? 1 : 0); }
  static Value int8(int8_t v) { return integer(SLUICE_INT8, v); }
  static Value int16(int16_t v) { return integer(SLUICE_INT16, v); }
  static Value int32(int32_t v) { return integer(SLUICE_INT32, v); }
  static Value int64(int64_t v) { return integer(SLUICE_INT64, v); }
  static Value float32(float v) { return floating(SLUICE_FLOAT32, static_cast<double>(v)); }
  static Value float64(double v) { return floating(SLUICE_FLOAT64, v); }
  static Value string(std::string_view borrowed) { return slice(SLUICE_STRING, borrowed); }
  static Value bytes(std::string_view borrowed) { return slice(SLUICE_BYTES, borrowed); }
  static Value array(std::span<const Value> borrowed) {
    return items(SLUICE_ARRAY, borrowed, borrowed.size());
  }
  // One value per field, in the order of the schema.
  static Value structure(std::span<const Value> borrowed) {
    return items(SLUICE_STRUCT, borrowed, borrowed.size());
  }
  // key, value, key, value ...
  static Value map(std::span<const Value> borrowed) {
    return items(SLUICE_MAP, borrowed, borrowed.size() / 2);
  }

  bool is_null() const { return type == SLUICE_NULL; }
  std::optional<bool> as_bool() const {
    if (type != SLUICE_BOOLEAN) return std::nullopt;
    return as.i64 != 0;
  }
  std::optional<int64_t> as_int() const {
    if (type < SLUICE_INT8 || type > SLUICE_INT64) return std::nullopt;
    return as.i64;
  }
  std::optional<double> as_double() const {
    if (type == SLUICE_FLOAT32 || type == SLUICE_FLOAT64) return as.f64;
    if (const auto whole = as_int()) return static_cast<double>(*whole);
    return std::nullopt;
  }
  std::optional<std::string_view> as_string() const { return as_slice(SLUICE_STRING); }
  std::optional<std::string_view> as_bytes() const { return as_slice(SLUICE_BYTES); }
  // Number of items, pairs or bytes.
  uint32_t count() const { return size; }
  // ARRAY and STRUCT; null past the end.
  Value at(uint32_t index) const {
    if ((type != SLUICE_ARRAY && type != SLUICE_STRUCT) || index >= size) return null();
    return Value(as.items[index]);
  }
  // MAP; null if `key` is not there.
  Value get(std::string_view key) const {
    if (type != SLUICE_MAP) return null();
    for (uint32_t i = 0; i < size; ++i) {
      const auto name = Value(as.items[2 * i]).as_string();
      if (name && *name == key) return Value(as.items[2 * i + 1]);
    }
    return null();
  }

 private:
  // Written as one word: the copy that follows would wait for a byte and a number stored apart.
  Value(uint8_t t, uint32_t n) : sluice_value{} {
    static_assert(std::endian::native == std::endian::little && offsetof(sluice_value, size) == 4);
    const uint64_t head = uint64_t{n} << 32 | t;
    std::memcpy(static_cast<sluice_value*>(this), &head, sizeof(head));
  }
  static Value integer(uint8_t t, int64_t v) { Value r(t, 0); r.as.i64 = v; return r; }
  static Value floating(uint8_t t, double v) { Value r(t, 0); r.as.f64 = v; return r; }
  static Value slice(uint8_t t, std::string_view b) {
    Value r(t, static_cast<uint32_t>(b.size()));
    r.as.bytes = b.data() == nullptr ? "" : b.data();
    return r;
  }
  static Value items(uint8_t t, std::span<const Value> v, size_t n) {
    Value r(t, static_cast<uint32_t>(n));
    r.as.items = v.data();
    return r;
  }
  std::optional<std::string_view> as_slice(uint8_t wanted) const {
    if (type != wanted) return std::nullopt;
    return std::string_view(as.bytes, size);
  }
};
static_assert(sizeof(Value) == sizeof(sluice_value) && sizeof(Value) == 16);
static_assert(std::is_trivially_copyable_v<Value>);

// One entry of a map with string keys, as offsets and source partitions are.
struct MapEntry {
  std::string_view key;
  Value value;

  MapEntry(std::string_view k, Value v) : key(k), value(v) {}
  MapEntry(std::string_view k, std::string_view v) : key(k), value(Value::string(v)) {}
  MapEntry(std::string_view k, const char* v) : key(k), value(Value::string(v)) {}
  MapEntry(std::string_view k, int64_t v) : key(k), value(Value::int64(v)) {}
};
using MapEntries = std::initializer_list<MapEntry>;

namespace detail {

// A map of borrowed entries for the length of one call.
class TemporaryMap {
 public:
  explicit TemporaryMap(MapEntries entries) {
    items_.reserve(entries.size() * 2);
    for (const MapEntry& entry : entries) {
      items_.push_back(Value::string(entry.key));
      items_.push_back(entry.value);
    }
  }
  Value value() const { return Value::map(items_); }

 private:
  std::vector<Value> items_;
};

}  // namespace detail
}  // namespace sluice::sdk
