// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/to_text.hpp"

#include "runtime/config/java_format.hpp"
#include "runtime/record/bad_record.hpp"
#include "runtime/record/base64.hpp"
#include "runtime/record/calendar.hpp"
#include "runtime/record/decimal.hpp"
#include "runtime/record/schema.hpp"
#include "runtime/record/value.hpp"

namespace sluice::record {
namespace {

// Milliseconds since the epoch of a Date, Time or Timestamp.
int64_t to_ms(Logical logical, const sluice_value& value) {
  return logical == Logical::kDate ? value.as.i64 * kMsPerDay : value.as.i64;
}

void append_base64(std::string& out, std::string_view bytes) {
  const size_t before = out.size();
  out.resize(before + base64_size(bytes.size()));
  encode_base64(out.data() + before, bytes);
}

// True if the value was a number, a boolean or null, which print alike everywhere.
bool append_simple(std::string& out, const sluice_value& value) {
  if (value.type == SLUICE_NULL) {
    out += "null";
  } else if (value.type == SLUICE_BOOLEAN) {
    out += value.as.i64 ? "true" : "false";
  } else if (is_integer(value.type)) {
    out += std::to_string(value.as.i64);
  } else if (value.type == SLUICE_FLOAT32) {
    out += config::java_float(static_cast<float>(value.as.f64));
  } else if (value.type == SLUICE_FLOAT64) {
    out += config::java_double(value.as.f64);
  } else {
    return false;
  }
  return true;
}

Status append_decimal(std::string& out, const sluice_schema& schema, const sluice_value& value) {
  if (value.type != SLUICE_BYTES)
    return bad("Invalid type for Decimal: " + std::string(type_name(value.type)));
  SLUICE_ASSIGN(const int32_t scale, decimal_scale(schema));
  SLUICE_ASSIGN(const std::string number, decimal_to_text(text(value), scale));
  out += number;
  return ok();
}

const sluice_schema* key_of(const sluice_schema* schema) {
  return schema ? schema->key_schema : nullptr;
}
const sluice_schema* element_of(const sluice_schema* schema) {
  return schema ? schema->value_schema : nullptr;
}

Status java_string(std::string& out, const sluice_schema* schema, const sluice_value& value,
                   uint32_t depth) {
  if (depth > kMaxValueDepth) return bad("nested deeper than " + std::to_string(kMaxValueDepth));
  const Logical logical = value.type == SLUICE_NULL ? Logical::kNone : logical_type(schema);
  if (logical == Logical::kDecimal) return append_decimal(out, *schema, value);
  if (logical != Logical::kNone && is_integer(value.type)) {
    out += java_date(to_ms(logical, value));
    return ok();
  }
  if (append_simple(out, value)) return ok();
  if (value.type == SLUICE_STRING) {
    out += text(value);
    return ok();
  }
  if (value.type == SLUICE_BYTES) {
    append_base64(out, text(value));
    return ok();
  }
  const auto all = items(value);
  if (value.type == SLUICE_ARRAY) {
    out += '[';
    for (size_t i = 0; i < all.size(); ++i) {
      if (i) out += ", ";
      SLUICE_TRY(java_string(out, element_of(schema), all[i], depth + 1));
    }
    out += ']';
  } else if (value.type == SLUICE_MAP) {
    out += '{';
    for (size_t i = 0; i < all.size(); i += 2) {
      if (i) out += ", ";
      SLUICE_TRY(java_string(out, key_of(schema), all[i], depth + 1));
      out += '=';
      SLUICE_TRY(java_string(out, element_of(schema), all[i + 1], depth + 1));
    }
    out += '}';
  } else if (value.type == SLUICE_STRUCT && schema && schema->field_count == value.size) {
    const char* separator = "Struct{";
    for (size_t i = 0; i < all.size(); ++i) {
      if (is_null(all[i])) continue;
      out += separator;
      separator = ",";
      out += text(schema->fields[i].name);
      out += '=';
      SLUICE_TRY(java_string(out, schema->fields[i].schema, all[i], depth + 1));
    }
    out += separator[0] == 'S' ? "Struct{}" : "}";
  } else {
    return bad("Mismatching schema.");
  }
  return ok();
}

void append_quoted(std::string& out, std::string_view text, bool embedded) {
  if (!embedded) {
    out += text;
    return;
  }
  out += '"';
  for (char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  out += '"';
}

Status values_string(std::string& out, const sluice_schema* schema, const sluice_value& value,
                     bool embedded, uint32_t depth) {
  if (depth > kMaxValueDepth) return bad("nested deeper than " + std::to_string(kMaxValueDepth));
  const Logical logical = value.type == SLUICE_NULL ? Logical::kNone : logical_type(schema);
  if (logical == Logical::kDecimal) return append_decimal(out, *schema, value);
  if (logical != Logical::kNone && is_integer(value.type)) {
    const int64_t ms = to_ms(logical, value);
    out += ms < kMsPerDay ? iso_time(ms) : ms % kMsPerDay == 0 ? iso_date(ms) : iso_timestamp(ms);
    return ok();
  }
  if (append_simple(out, value)) return ok();
  if (value.type == SLUICE_STRING) {
    append_quoted(out, text(value), embedded);
    return ok();
  }
  if (value.type == SLUICE_BYTES) {
    if (embedded) out += '"';
    append_base64(out, text(value));
    if (embedded) out += '"';
    return ok();
  }
  const auto all = items(value);
  if (value.type == SLUICE_ARRAY) {
    out += '[';
    for (size_t i = 0; i < all.size(); ++i) {
      if (i) out += ',';
      SLUICE_TRY(values_string(out, element_of(schema), all[i], true, depth + 1));
    }
    out += ']';
    return ok();
  }
  const bool is_struct = value.type == SLUICE_STRUCT;
  if (is_struct && (!schema || schema->field_count != value.size))
    return bad("Mismatching schema.");
  out += '{';
  for (size_t i = 0; i < all.size(); i += is_struct ? 1 : 2) {
    if (i) out += ',';
    if (is_struct) {
      append_quoted(out, text(schema->fields[i].name), true);
    } else {
      SLUICE_TRY(values_string(out, key_of(schema), all[i], true, depth + 1));
    }
    out += ':';
    const sluice_schema* inner = is_struct ? schema->fields[i].schema : element_of(schema);
    const sluice_value* shown = &all[is_struct ? i : i + 1];
    if (is_struct && is_null(*shown) && inner->default_value) shown = inner->default_value;
    SLUICE_TRY(values_string(out, inner, *shown, true, depth + 1));
  }
  out += '}';
  return ok();
}

}  // namespace

Status append_java_string(std::string& out, const sluice_schema* schema,
                          const sluice_value& value) {
  return java_string(out, schema, value, 0);
}

Status append_values_string(std::string& out, const sluice_schema* schema,
                            const sluice_value& value) {
  return values_string(out, schema, value, false, 0);
}

}  // namespace sluice::record
