// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <vector>

#include "runtime/config/java_format.hpp"
#include "runtime/record/bad_record.hpp"
#include "runtime/record/base64.hpp"
#include "runtime/record/decimal.hpp"
#include "runtime/record/json_data.hpp"
#include "runtime/record/value.hpp"

namespace sluice::record {
namespace {

constexpr int64_t kDayMs = 86400000;

Error no_memory() {
  return bad("the data is larger than the memory bound of a batch");
}

// Collects the items of an array or map before their number is known.
class Items {
 public:
  void add(const sluice_value& value) { items_.push_back(value); }
  size_t size() const { return items_.size(); }
  sluice_value& operator[](size_t i) { return items_[i]; }

  Result<sluice_value> build(uint8_t type, Arena& arena) {
    auto* copied = arena.array<sluice_value>(items_.size());
    if (!copied) return no_memory();
    std::copy(items_.begin(), items_.end(), copied);
    return items_value(type, copied, type == SLUICE_MAP ? items_.size() / 2 : items_.size());
  }

 private:
  std::vector<sluice_value> items_;
};

// Where each text key of a map stands, so that the last of equal keys counts. Small maps are
// searched through.
class KeyIndex {
 public:
  // The position of an equal key seen before, or `fresh`, which is then remembered.
  size_t find_or_add(std::string_view key, size_t fresh, Items& items) {
    if (index_.empty() && fresh < 2 * kSmall) {
      for (size_t i = 0; i < fresh; i += 2) {
        if (text(items[i]) == key) return i;
      }
      return fresh;
    }
    if (index_.empty()) {
      for (size_t i = 0; i < fresh; i += 2) index_.emplace(text(items[i]), i);
    }
    return index_.emplace(key, fresh).first->second;
  }

 private:
  static constexpr size_t kSmall = 16;
  std::unordered_map<std::string_view, size_t> index_;
};

class Reader {
 public:
  Reader(JsonReader& json, Arena& arena, const JsonOptions& options)
      : json_(json), arena_(arena), options_(options) {}

  Result<sluice_value> read(const sluice_schema* schema) {
    SLUICE_ASSIGN(const JsonType type, json_.peek());
    if (type == JsonType::kNull) {
      SLUICE_TRY(json_.read_null());
      return null_for_schema(schema, options_);
    }
    if (!schema) return read_schemaless(type);
    if (schema->name.data) {
      const Logical logical = logical_type(schema);
      if (logical != Logical::kNone) return read_logical(logical, *schema, type);
    }
    switch (schema->type) {
      case SLUICE_BOOLEAN: {
        if (type != JsonType::kBoolean) return mismatch(*schema, type);
        SLUICE_ASSIGN(const bool value, json_.read_boolean());
        return bool_value(value);
      }
      case SLUICE_INT8:
        return read_integer(*schema, type, INT8_MIN, INT8_MAX);
      case SLUICE_INT16:
        return read_integer(*schema, type, INT16_MIN, INT16_MAX);
      case SLUICE_INT32:
        return read_integer(*schema, type, INT32_MIN, INT32_MAX);
      case SLUICE_INT64:
        return read_integer(*schema, type, INT64_MIN, INT64_MAX);
      case SLUICE_FLOAT32:
      case SLUICE_FLOAT64:
        return read_float(*schema, type);
      case SLUICE_STRING: {
        if (type != JsonType::kString) return mismatch(*schema, type);
        SLUICE_ASSIGN(const std::string_view value, json_.read_string());
        return string_value(value);
      }
      case SLUICE_BYTES:
        if (type != JsonType::kString) return mismatch(*schema, type);
        return read_bytes("Invalid bytes field");
      case SLUICE_ARRAY:
        if (type != JsonType::kArray) return mismatch(*schema, type);
        return read_array(schema->value_schema);
      case SLUICE_MAP:
        return read_map(*schema, type);
      case SLUICE_STRUCT:
        return read_struct(*schema, type);
      default:
        return bad("Unknown schema type: " + std::to_string(schema->type));
    }
  }

 private:
  Error mismatch(const sluice_schema& schema, JsonType found) {
    return bad(std::string("Invalid type for ") + type_name(schema.type) + ": " + to_string(found));
  }

  Result<sluice_value> read_schemaless(JsonType type) {
    switch (type) {
      case JsonType::kBoolean: {
        SLUICE_ASSIGN(const bool value, json_.read_boolean());
        return bool_value(value);
      }
      case JsonType::kNumber: {
        SLUICE_ASSIGN(const JsonNumber number, json_.read_number());
        if (!number.integral) return float_value(number.as_double());
        const auto value = number.as_int64();
        if (!value) return bad("Number " + std::string(number.text) + " does not fit into INT64");
        return int_value(*value);
      }
      case JsonType::kString: {
        SLUICE_ASSIGN(const std::string_view value, json_.read_string());
        return string_value(value);
      }
      case JsonType::kArray:
        return read_array(nullptr);
      default:
        return read_object(nullptr);
    }
  }

  Result<sluice_value> read_integer(const sluice_schema& schema, JsonType type, int64_t min,
                                    int64_t max) {
    if (type != JsonType::kNumber) return mismatch(schema, type);
    SLUICE_ASSIGN(const JsonNumber number, json_.read_number());
    const auto value = number.as_int64();
    if (!value || *value < min || *value > max) {
      return bad("Number " + std::string(number.text) + " does not fit into " +
                 type_name(schema.type));
    }
    return int_value(*value, schema.type);
  }

  Result<sluice_value> read_float(const sluice_schema& schema, JsonType type) {
    if (type == JsonType::kString) {  // JsonConverter writes what JSON has no number for as text
      SLUICE_ASSIGN(const std::string_view word, json_.read_string());
      if (word != "NaN" && word != "Infinity" && word != "-Infinity") return mismatch(schema, type);
      return float_value(*config::parse_java_double(word), schema.type);
    }
    if (type != JsonType::kNumber) return mismatch(schema, type);
    SLUICE_ASSIGN(const JsonNumber number, json_.read_number());
    const bool narrow = schema.type == SLUICE_FLOAT32;
    return float_value(narrow ? static_cast<double>(number.as_float()) : number.as_double(),
                       schema.type);
  }

  Result<sluice_value> read_bytes(const char* complaint) {
    SLUICE_ASSIGN(const std::string_view encoded, json_.read_string());
    const size_t room = encoded.size() / 4 * 3 + 1;
    auto* out = static_cast<char*>(arena_.alloc(room, 1));
    if (!out) return no_memory();
    const auto size = decode_base64(out, encoded);
    if (!size) return bad(std::string(complaint) + ": not base64");
    arena_.shrink(out, room, *size);
    return bytes_value(std::string_view(out, *size));
  }

  Result<sluice_value> read_array(const sluice_schema* element) {
    Items found;
    SLUICE_TRY(json_.enter_array());
    for (;;) {
      SLUICE_ASSIGN(const bool more, json_.next_element());
      if (!more) return found.build(SLUICE_ARRAY, arena_);
      SLUICE_ASSIGN(const sluice_value item, read(element));
      found.add(item);
    }
  }

  Result<sluice_value> read_object(const sluice_schema* values) {
    Items found;
    KeyIndex index;
    SLUICE_TRY(json_.enter_object());
    for (std::string_view key;;) {
      SLUICE_ASSIGN(const bool more, json_.next_member(&key));
      if (!more) return found.build(SLUICE_MAP, arena_);
      SLUICE_ASSIGN(const sluice_value value, read(values));
      const size_t at = index.find_or_add(key, found.size(), found);
      if (at < found.size()) {
        found[at + 1] = value;
      } else {
        found.add(string_value(key));
        found.add(value);
      }
    }
  }

  Result<sluice_value> read_map(const sluice_schema& schema, JsonType type) {
    if (schema.key_schema->type == SLUICE_STRING) {
      if (type == JsonType::kObject) return read_object(schema.value_schema);
      return bad(
          std::string("Maps with string fields should be encoded as JSON objects, but found ") +
          to_string(type));
    }
    if (type != JsonType::kArray) {
      return bad(
          std::string(
              "Maps with non-string fields should be encoded as JSON array of tuples, but found ") +
          to_string(type));
    }
    Items found;
    SLUICE_TRY(json_.enter_array());
    for (;;) {
      SLUICE_ASSIGN(const bool more, json_.next_element());
      if (!more) return found.build(SLUICE_MAP, arena_);
      SLUICE_TRY(read_pair(schema, found));
    }
  }

  Status read_pair(const sluice_schema& schema, Items& found) {
    SLUICE_ASSIGN(const JsonType type, json_.peek());
    if (type != JsonType::kArray) {
      return bad(std::string("Found invalid map entry instead of array tuple: ") + to_string(type));
    }
    SLUICE_TRY(json_.enter_array());
    int count = 0;
    for (;; ++count) {
      SLUICE_ASSIGN(const bool more, json_.next_element());
      if (!more) break;
      if (count >= 2) {
        SLUICE_TRY(json_.skip_value());
        continue;
      }
      SLUICE_ASSIGN(const sluice_value value,
                    read(count == 0 ? schema.key_schema : schema.value_schema));
      found.add(value);
    }
    if (count != 2)
      return bad("Found invalid map entry, expected length 2 but found :" + std::to_string(count));
    return ok();
  }

  // The field named `key`; members mostly come in the order of the fields, so `hint` is looked at
  // first.
  static uint32_t field_index(const sluice_schema& schema, std::string_view key, uint32_t hint) {
    if (hint < schema.field_count && text(schema.fields[hint].name) == key) return hint;
    for (uint32_t i = 0; i < schema.field_count; ++i) {
      if (text(schema.fields[i].name) == key) return i;
    }
    return schema.field_count;
  }

  Result<sluice_value> read_struct(const sluice_schema& schema, JsonType type) {
    if (type != JsonType::kObject) {
      return bad(std::string("Structs should be encoded as JSON objects, but found ") +
                 to_string(type));
    }
    auto* fields = arena_.array<sluice_value>(schema.field_count);
    if (!fields) return no_memory();
    constexpr uint8_t kMissing = 0xff;
    for (uint32_t i = 0; i < schema.field_count; ++i) fields[i] = make_value(kMissing);
    SLUICE_TRY(json_.enter_object());
    uint32_t hint = 0;
    for (std::string_view key;;) {
      SLUICE_ASSIGN(const bool more, json_.next_member(&key));
      if (!more) break;
      const uint32_t i = field_index(schema, key, hint);
      if (i == schema.field_count) {
        SLUICE_TRY(json_.skip_value());
        continue;
      }
      auto value = read(schema.fields[i].schema);
      if (!value.ok()) return bad(value.error().message + " (field " + std::string(key) + ")");
      fields[i] = *value;
      hint = i + 1;
    }
    for (uint32_t i = 0; i < schema.field_count; ++i) {
      if (fields[i].type != kMissing) continue;
      auto value = null_for_schema(schema.fields[i].schema, options_);
      if (!value.ok()) {
        return bad(value.error().message + " (field " + std::string(text(schema.fields[i].name)) +
                   ")");
      }
      fields[i] = *value;
    }
    return items_value(SLUICE_STRUCT, fields, schema.field_count);
  }

  Result<sluice_value> read_logical(Logical logical, const sluice_schema& schema, JsonType type) {
    if (logical == Logical::kDecimal) return read_decimal(schema, type);
    const char* const name = logical == Logical::kDate   ? "Date"
                             : logical == Logical::kTime ? "Time"
                                                         : "Timestamp";
    const bool wide = logical == Logical::kTimestamp;
    auto complain = [&]() {
      return bad(std::string("Invalid type for ") + name +
                 ", underlying representation should be " + (wide ? "integral" : "integer") +
                 " but was " + to_string(type));
    };
    if (schema.type != (wide ? SLUICE_INT64 : SLUICE_INT32)) {
      return bad(std::string("Requested conversion of ") + name +
                 " object but the schema does not match.");
    }
    if (type != JsonType::kNumber) return complain();
    SLUICE_ASSIGN(const JsonNumber number, json_.read_number());
    const auto value = number.as_int64();
    if (!number.integral || !value) return complain();
    if (!wide && (*value < INT32_MIN || *value > INT32_MAX)) return complain();
    if (logical == Logical::kTime && (*value < 0 || *value > kDayMs)) {
      return bad(
          "Time values must use number of milliseconds greater than 0 and less than 86400000");
    }
    return int_value(*value, schema.type);
  }

  Result<sluice_value> read_decimal(const sluice_schema& schema, JsonType type) {
    if (schema.type != SLUICE_BYTES) {
      return bad("Requested conversion of Decimal object but the schema does not match.");
    }
    SLUICE_ASSIGN(const int32_t scale, decimal_scale(schema));
    if (type == JsonType::kString) {
      SLUICE_ASSIGN(sluice_value bytes, read_bytes("Invalid bytes for Decimal field"));
      if (bytes.size == 0) return bad("Invalid bytes for Decimal field: no bytes");
      return bytes;
    }
    if (type != JsonType::kNumber) {
      return bad(std::string("Invalid type for Decimal, underlying representation should be "
                             "numeric or bytes but was ") +
                 to_string(type));
    }
    SLUICE_ASSIGN(const JsonNumber number, json_.read_number());
    SLUICE_ASSIGN(const std::string unscaled, decimal_from_text(number.text, scale));
    auto copied = arena_.copy(unscaled);
    if (!copied.data()) return no_memory();
    return bytes_value(copied);
  }

  JsonReader& json_;
  Arena& arena_;
  const JsonOptions& options_;
};

}  // namespace

Result<sluice_value> null_for_schema(const sluice_schema* schema, const JsonOptions& options) {
  if (!schema) return null_value();
  if (schema->default_value && options.replace_null_with_default) return *schema->default_value;
  if (schema->optional) return null_value();
  return bad(std::string("Invalid null value for required ") + type_name(schema->type) + " field");
}

Result<sluice_value> read_json_data(JsonReader& reader, Arena& arena, const sluice_schema* schema,
                                    const JsonOptions& options) {
  return Reader(reader, arena, options).read(schema);
}

Result<sluice_value> json_to_value(std::string_view json, Arena& arena) {
  JsonReader reader(json, arena);
  SLUICE_ASSIGN(const sluice_value value, read_json_data(reader, arena, nullptr, JsonOptions()));
  SLUICE_TRY(reader.finish());
  return value;
}

}  // namespace sluice::record
