// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/context.hpp>

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::sdk {

// One reference to a schema that the worker made. Copies take another reference; the last one gone frees it.
// Usable from any thread, each object by one at a time. All references end before the task is destroyed.
class Schema {
 public:
  Schema() = default;
  // Takes over one reference.
  Schema(const sluice_host* host, const sluice_schema* raw) : host_(host), raw_(raw) {}
  Schema(const Schema& other) : host_(other.host_), raw_(other.raw_) {
    if (raw_ != nullptr) host_->schema_retain(raw_);
  }
  Schema(Schema&& other) noexcept
      : host_(other.host_), raw_(std::exchange(other.raw_, nullptr)) {}
  Schema& operator=(Schema other) noexcept {
    std::swap(host_, other.host_);
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Schema() { if (raw_ != nullptr) host_->schema_release(raw_); }

  const sluice_schema* raw() const { return raw_; }
  explicit operator bool() const { return raw_ != nullptr; }

 private:
  const sluice_host* host_ = nullptr;
  const sluice_schema* raw_ = nullptr;
};

// Describes a schema, then has the worker make it:
//   SchemaBuilder::structure().name("point").field("x", int32).field("y", int32).make(context)
// Lives on the stack of whoever builds. Equal definitions give the same schema.
class SchemaBuilder {
 public:
  static SchemaBuilder primitive(uint8_t type) { return SchemaBuilder(type); }
  static SchemaBuilder structure() { return SchemaBuilder(SLUICE_STRUCT); }
  static SchemaBuilder array(Schema element) {
    SchemaBuilder builder(SLUICE_ARRAY);
    builder.value_ = std::move(element);
    return builder;
  }
  static SchemaBuilder map(Schema key, Schema value) {
    SchemaBuilder builder(SLUICE_MAP);
    builder.key_ = std::move(key);
    builder.value_ = std::move(value);
    return builder;
  }

  SchemaBuilder& optional() { optional_ = true; return *this; }
  SchemaBuilder& name(std::string_view text) { name_ = text; return *this; }
  SchemaBuilder& doc(std::string_view text) { doc_ = text; return *this; }
  SchemaBuilder& version(int32_t number) { has_version_ = true; version_ = number; return *this; }
  SchemaBuilder& parameter(std::string_view key, std::string_view value) {
    parameters_.emplace_back(key, value);
    return *this;
  }
  SchemaBuilder& field(std::string_view name, Schema schema) {
    fields_.emplace_back(name, std::move(schema));
    return *this;
  }
  // Borrowed until make().
  SchemaBuilder& default_value(Value value) { has_default_ = true; default_ = value; return *this; }

  Result<Schema> make(const Context& context) const {
    std::vector<sluice_schema_field> fields;
    for (const auto& [name, schema] : fields_) fields.push_back({to_str(name), schema.raw()});
    std::vector<sluice_pair> parameters;
    for (const auto& [key, value] : parameters_) parameters.push_back({to_str(key), to_str(value)});
    sluice_schema raw = {};
    raw.struct_size = sizeof(raw);
    raw.type = type_;
    raw.optional = optional_ ? 1 : 0;
    raw.has_version = has_version_ ? 1 : 0;
    raw.version = version_;
    if (!name_.empty()) raw.name = to_str(name_);
    if (!doc_.empty()) raw.doc = to_str(doc_);
    raw.fields = fields.data();
    raw.field_count = static_cast<uint32_t>(fields.size());
    raw.key_schema = key_.raw();
    raw.value_schema = value_.raw();
    raw.parameters = parameters.data();
    raw.parameter_count = static_cast<uint32_t>(parameters.size());
    raw.default_value = has_default_ ? &default_ : nullptr;
    const sluice_schema* made = nullptr;
    sluice_error error = detail::empty_error();
    const sluice_status status = context.host()->schema_make(context.raw(), &raw, &made, &error);
    if (status != SLUICE_OK) return detail::from_host(status, error);
    return Schema(context.host(), made);
  }

 private:
  explicit SchemaBuilder(uint8_t type) : type_(type) {}
  uint8_t type_;
  bool optional_ = false;
  bool has_version_ = false;
  bool has_default_ = false;
  int32_t version_ = 0;
  std::string name_;
  std::string doc_;
  std::vector<std::pair<std::string, Schema>> fields_;
  std::vector<std::pair<std::string, std::string>> parameters_;
  Schema key_;
  Schema value_;
  Value default_;
};

}  // namespace sluice::sdk
