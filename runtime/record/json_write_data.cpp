// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "runtime/record/bad_record.hpp"
#include "runtime/record/decimal.hpp"
#include "runtime/record/json_data.hpp"
#include "runtime/record/value.hpp"

namespace sluice::record {
namespace {

constexpr int64_t kDayMs = 86400000;

Error wrong_type(const sluice_schema* schema, const sluice_value& value) {
  return bad(std::string("Invalid type for ") +
             (schema ? type_name(schema->type) : "unknown schema") + ": " + type_name(value.type));
}

// One pass over one value; the depth bound is that of all values.
class Writer {
 public:
  Writer(JsonWriter& out, const JsonOptions& options) : out_(out), options_(options) {}

  Status write(const sluice_schema* schema, const sluice_value& value, uint32_t depth) {
    if (value.type == SLUICE_NULL) return write_null(schema, depth);
    if (depth > kMaxValueDepth) return bad("nested deeper than " + std::to_string(kMaxValueDepth));
    if (schema) {
      if (value.type != schema->type) return wrong_type(schema, value);
      if (schema->name.data) {
        const Logical logical = logical_type(schema);
        if (logical != Logical::kNone) return write_logical(logical, *schema, value);
      }
    }
    switch (value.type) {
      case SLUICE_BOOLEAN:
        out_.boolean(value.as.i64 != 0);
        return ok();
      case SLUICE_INT8:
      case SLUICE_INT16:
      case SLUICE_INT32:
      case SLUICE_INT64:
        out_.integer(value.as.i64);
        return ok();
      case SLUICE_FLOAT32:
        out_.float32(static_cast<float>(value.as.f64));
        return ok();
      case SLUICE_FLOAT64:
        out_.float64(value.as.f64);
        return ok();
      case SLUICE_STRING:
        out_.string(text(value));
        return ok();
      case SLUICE_BYTES:
        out_.base64(text(value));
        return ok();
      case SLUICE_ARRAY:
        return write_array(schema, value, depth);
      case SLUICE_MAP:
        return write_map(schema, value, depth);
      case SLUICE_STRUCT:
        return write_struct(schema, value, depth);
      default:
        return bad("value of unknown type " + std::to_string(value.type));
    }
  }

 private:
  Status write_null(const sluice_schema* schema, uint32_t depth) {
    if (!schema) {
      out_.null();
      return ok();
    }
    if (schema->default_value && options_.replace_null_with_default) {
      return write(schema, *schema->default_value, depth);
    }
    if (!schema->optional) {
      return bad(
          "Conversion error: null value for field that is required and has no default value");
    }
    out_.null();
    return ok();
  }

  Status write_logical(Logical logical, const sluice_schema& schema, const sluice_value& value) {
    const uint8_t wanted = logical == Logical::kDecimal     ? SLUICE_BYTES
                           : logical == Logical::kTimestamp ? SLUICE_INT64
                                                            : SLUICE_INT32;
    if (value.type != wanted) return wrong_type(&schema, value);
    if (logical != Logical::kDecimal) {
      if (logical == Logical::kTime && (value.as.i64 < 0 || value.as.i64 >= kDayMs)) {
        return bad(
            "Kafka Connect Time type should not have any date fields set to non-zero values.");
      }
      out_.integer(value.as.i64);
      return ok();
    }
    SLUICE_ASSIGN(const int32_t scale, decimal_scale(schema));
    if (text(value).empty()) return bad("Invalid bytes for Decimal field: no bytes");
    if (!options_.decimal_numeric) {
      out_.base64(shortest_integer(text(value)));
      return ok();
    }
    SLUICE_ASSIGN(const std::string number, decimal_to_text(text(value), scale));
    out_.raw(number);
    return ok();
  }

  Status write_array(const sluice_schema* schema, const sluice_value& value, uint32_t depth) {
    const sluice_schema* element = schema ? schema->value_schema : nullptr;
    char separator = '[';
    for (const auto& item : items(value)) {
      out_.raw(separator);
      separator = ',';
      SLUICE_TRY(write(element, item, depth + 1));
    }
    if (value.size == 0) out_.raw('[');
    out_.raw(']');
    return ok();
  }

  // An object when all keys are text, else an array of pairs.
  Status write_map(const sluice_schema* schema, const sluice_value& value, uint32_t depth) {
    const auto all = items(value);
    bool object = schema && schema->key_schema->type == SLUICE_STRING;
    if (!schema) {
      object = true;
      for (size_t i = 0; i < all.size(); i += 2) object = object && all[i].type == SLUICE_STRING;
    }
    const sluice_schema* keys = schema ? schema->key_schema : nullptr;
    const sluice_schema* values = schema ? schema->value_schema : nullptr;
    out_.raw(object ? '{' : '[');
    for (size_t i = 0; i < all.size(); i += 2) {
      if (i) out_.raw(',');
      if (object) {
        SLUICE_TRY(write_object_key(keys, all[i]));
        SLUICE_TRY(write(values, all[i + 1], depth + 1));
      } else {
        out_.raw('[');
        SLUICE_TRY(write(keys, all[i], depth + 1));
        out_.raw(',');
        SLUICE_TRY(write(values, all[i + 1], depth + 1));
        out_.raw(']');
      }
    }
    out_.raw(object ? '}' : ']');
    return ok();
  }

  Status write_object_key(const sluice_schema* schema, const sluice_value& key) {
    if (key.type == SLUICE_STRING) {
      out_.name(text(key));
      return ok();
    }
    if (key.type != SLUICE_NULL) return wrong_type(schema, key);
    if (schema && schema->default_value && options_.replace_null_with_default) {
      out_.name(text(*schema->default_value));
      return ok();
    }
    if (!schema || !schema->optional) {
      return bad(
          "Conversion error: null value for field that is required and has no default value");
    }
    out_.name("null");  // as Java's NullNode prints itself
    return ok();
  }

  Status write_struct(const sluice_schema* schema, const sluice_value& value, uint32_t depth) {
    if (!schema || value.size != schema->field_count) return bad("Mismatching schema.");
    out_.raw('{');
    for (uint32_t i = 0; i < value.size; ++i) {
      if (i) out_.raw(',');
      out_.name(text(schema->fields[i].name));
      auto written = write(schema->fields[i].schema, value.as.items[i], depth + 1);
      if (!written.ok()) {
        return bad(written.error().message + " (field " +
                   std::string(text(schema->fields[i].name)) + ")");
      }
    }
    out_.raw('}');
    return ok();
  }

  JsonWriter& out_;
  const JsonOptions& options_;
};

}  // namespace

Status write_json_data(JsonWriter& out, const sluice_schema* schema, const sluice_value& value,
                       const JsonOptions& options) {
  return Writer(out, options).write(schema, value, 0);
}

Status append_json(JsonWriter& out, const sluice_value& value) {
  return write_json_data(out, nullptr, value, JsonOptions());
}

Result<std::string> value_to_json(const sluice_value& value) {
  std::string json;
  JsonWriter out(&json);
  SLUICE_TRY(append_json(out, value));
  out.finish();
  return json;
}

}  // namespace sluice::record
