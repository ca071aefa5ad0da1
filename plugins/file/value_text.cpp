// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/value_text.hpp"

#include <array>
#include <charconv>

#include "plugins/file/java_text.hpp"

namespace sluice::file_plugin {

namespace {

constexpr int kMaxDepth = 100;
constexpr int64_t kMsPerDay = 86'400'000;

std::string_view text_of(sluice_str text) {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}

bool is_named(const sluice_schema* schema, std::string_view name) {
  return schema != nullptr && schema->name.data != nullptr && text_of(schema->name) == name;
}

// Connect's time types, which Java prints as java.util.Date.
bool append_date(const sluice_value& value, const sluice_schema* schema, TextBuffer& out) {
  if (schema == nullptr || schema->name.data == nullptr) return false;
  if (is_named(schema, "org.apache.kafka.connect.data.Timestamp") ||
      is_named(schema, "org.apache.kafka.connect.data.Time")) {
    out.append(java_date(value.as.i64));
    return true;
  }
  if (is_named(schema, "org.apache.kafka.connect.data.Date")) {
    out.append(java_date(value.as.i64 * kMsPerDay));
    return true;
  }
  return false;
}

void append_integer(int64_t number, TextBuffer& out) {
  std::array<char, 24> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  out.append(std::string_view(text.data(), static_cast<size_t>(end - text.data())));
}

bool append_bytes(const sluice_value& value, const sluice_schema* schema, TextBuffer& out) {
  const std::string_view bytes(value.as.bytes, value.size);
  if (!is_named(schema, "org.apache.kafka.connect.data.Decimal")) {
    out.append(bytes);
    return true;
  }
  if (bytes.size() > kMaxDecimalBytes) return false;
  int32_t scale = 0;
  for (uint32_t i = 0; i < schema->parameter_count; ++i) {
    if (text_of(schema->parameters[i].key) != "scale") continue;
    const std::string_view text = text_of(schema->parameters[i].value);
    std::from_chars(text.data(), text.data() + text.size(), scale);
  }
  if (scale > 100'000 || scale < -100'000) return false;
  out.append(java_decimal(bytes, scale));
  return true;
}

bool append(const sluice_value& value, const sluice_schema* schema, TextBuffer& out, int depth);

bool append_array(const sluice_value& value, const sluice_schema* schema, TextBuffer& out, int depth) {
  const sluice_schema* element = schema == nullptr ? nullptr : schema->value_schema;
  out.append('[');
  for (uint32_t i = 0; i < value.size; ++i) {
    if (i > 0) out.append(std::string_view(", "));
    if (!append(value.as.items[i], element, out, depth + 1)) return false;
  }
  out.append(']');
  return true;
}

bool append_map(const sluice_value& value, const sluice_schema* schema, TextBuffer& out, int depth) {
  out.append('{');
  for (uint32_t i = 0; i < value.size; ++i) {
    if (i > 0) out.append(std::string_view(", "));
    if (!append(value.as.items[2 * i], schema == nullptr ? nullptr : schema->key_schema, out, depth + 1)) return false;
    out.append('=');
    if (!append(value.as.items[2 * i + 1], schema == nullptr ? nullptr : schema->value_schema, out, depth + 1)) {
      return false;
    }
  }
  out.append('}');
  return true;
}

bool append_struct(const sluice_value& value, const sluice_schema* schema, TextBuffer& out, int depth) {
  out.append(std::string_view("Struct{"));
  bool first = true;
  for (uint32_t i = 0; i < value.size; ++i) {
    const sluice_value& item = value.as.items[i];
    if (item.type == SLUICE_NULL) continue;
    if (!first) out.append(',');
    first = false;
    const sluice_schema* item_schema = nullptr;
    if (schema != nullptr && i < schema->field_count) {
      out.append(text_of(schema->fields[i].name));
      item_schema = schema->fields[i].schema;
    }
    out.append('=');
    if (!append(item, item_schema, out, depth + 1)) return false;
  }
  out.append('}');
  return true;
}

bool append(const sluice_value& value, const sluice_schema* schema, TextBuffer& out, int depth) {
  if (depth > kMaxDepth) return false;
  switch (value.type) {
    case SLUICE_NULL:
      out.append(std::string_view("null"));
      return true;
    case SLUICE_BOOLEAN:
      out.append(std::string_view(value.as.i64 != 0 ? "true" : "false"));
      return true;
    case SLUICE_INT8:
    case SLUICE_INT16:
    case SLUICE_INT32:
    case SLUICE_INT64:
      if (!append_date(value, schema, out)) append_integer(value.as.i64, out);
      return true;
    case SLUICE_FLOAT32:
      out.append(java_float(static_cast<float>(value.as.f64)));
      return true;
    case SLUICE_FLOAT64:
      out.append(java_double(value.as.f64));
      return true;
    case SLUICE_STRING:
      out.append(std::string_view(value.as.bytes, value.size));
      return true;
    case SLUICE_BYTES: return append_bytes(value, schema, out);
    case SLUICE_ARRAY: return append_array(value, schema, out, depth);
    case SLUICE_MAP: return append_map(value, schema, out, depth);
    case SLUICE_STRUCT: return append_struct(value, schema, out, depth);
    default: return false;
  }
}

}  // namespace

bool append_value_text(const sluice_value& value, const sluice_schema* schema, TextBuffer& out) {
  return append(value, schema, out, 0);
}

}  // namespace sluice::file_plugin
