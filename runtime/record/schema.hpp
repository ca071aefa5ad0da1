// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "broker-core/base/result.hpp"
#include "sdk/include/sluice/plugin.h"

// Schemas of the worker: immutable, interned (equal definitions are one pointer, so that comparing schemas is
// comparing pointers) and reference-counted. One table per process; every function here may be called from any
// thread. A schema holds references to those it is made of.
namespace sluice::record {

inline constexpr uint32_t kMaxSchemaDepth = 64;
inline constexpr uint32_t kMaxSchemaFields = 16 * 1024;
inline constexpr size_t kMaxSchemaText = size_t{1} << 20;  // names, docs, parameters and default of one schema

// The schema equal to `definition` (deep copied; its sub-schemas must come from here), retained for the caller.
// kInvalid names what is wrong with the definition.
Result<const sluice_schema*> intern_schema(const sluice_schema& definition);
void retain_schema(const sluice_schema* schema);   // NULL is allowed
void release_schema(const sluice_schema* schema);  // NULL is allowed
size_t interned_schemas();                         // how many live now, the constants included

// One reference to a schema.
class SchemaRef {
 public:
  SchemaRef() = default;
  // Takes over a reference that the caller holds.
  static SchemaRef adopt(const sluice_schema* schema) {
    SchemaRef ref;
    ref.schema_ = schema;
    return ref;
  }
  static SchemaRef retain(const sluice_schema* schema) {
    retain_schema(schema);
    return adopt(schema);
  }
  SchemaRef(const SchemaRef& other) : schema_(other.schema_) { retain_schema(schema_); }
  SchemaRef(SchemaRef&& other) noexcept : schema_(std::exchange(other.schema_, nullptr)) {}
  SchemaRef& operator=(SchemaRef other) noexcept {
    std::swap(schema_, other.schema_);
    return *this;
  }
  ~SchemaRef() { release_schema(schema_); }

  const sluice_schema* get() const { return schema_; }
  const sluice_schema* operator->() const { return schema_; }
  explicit operator bool() const { return schema_ != nullptr; }
  const sluice_schema* leak() { return std::exchange(schema_, nullptr); }

 private:
  const sluice_schema* schema_ = nullptr;
};

// Kafka's Schema.STRING_SCHEMA, Schema.OPTIONAL_STRING_SCHEMA and so on: no name, no version. They live for ever.
// `type` is one of SLUICE_BOOLEAN .. SLUICE_BYTES.
const sluice_schema* primitive_schema(uint8_t type, bool optional = false);
inline const sluice_schema* string_schema() { return primitive_schema(SLUICE_STRING); }
inline const sluice_schema* optional_string_schema() { return primitive_schema(SLUICE_STRING, true); }
inline const sluice_schema* bytes_schema() { return primitive_schema(SLUICE_BYTES); }
inline const sluice_schema* optional_bytes_schema() { return primitive_schema(SLUICE_BYTES, true); }
inline const sluice_schema* int64_schema() { return primitive_schema(SLUICE_INT64); }

// Kafka's logical types.
inline constexpr std::string_view kDecimalName = "org.apache.kafka.connect.data.Decimal";
inline constexpr std::string_view kDateName = "org.apache.kafka.connect.data.Date";
inline constexpr std::string_view kTimeName = "org.apache.kafka.connect.data.Time";
inline constexpr std::string_view kTimestampName = "org.apache.kafka.connect.data.Timestamp";
enum class Logical { kNone, kDecimal, kDate, kTime, kTimestamp };
Logical logical_type(const sluice_schema* schema);

const char* type_name(uint8_t type);  // Kafka's Schema.Type: "INT8", "STRUCT", ...; "NULL"

inline sluice_str str(std::string_view text) { return {text.data() ? text.data() : "", text.size()}; }
inline sluice_str null_str() { return {nullptr, 0}; }
inline std::string_view text(const sluice_str& value) { return {value.data, value.size}; }

}  // namespace sluice::record
