// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/sink/value_payload.hpp"

#include <charconv>
#include <cmath>

#include "plugins/mqtt/mapping/json_document.hpp"
#include "plugins/mqtt/mapping/number_text.hpp"

namespace sluice::mqtt_plugin {

namespace {

void append_float(double number, bool single, std::string& out) {
  if (!std::isfinite(number)) {
    out += std::isnan(number) ? "\"NaN\"" : (number > 0 ? "\"Infinity\"" : "\"-Infinity\"");
  } else if (single) {
    append_number(static_cast<float>(number), out);
  } else {
    append_number(number, out);
  }
}

void append_string(std::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += kHex[(c >> 4) & 15];
      out += kHex[c & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_base64(std::string_view bytes, std::string& out) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out += '"';
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k) {
      word = word << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    }
    for (size_t k = 0; k < 4; ++k)
      out += i + k > bytes.size() ? '=' : kDigits[word >> (18 - 6 * k) & 63];
  }
  out += '"';
}

bool append_json(const sluice_value& value, const sluice_schema* schema, std::string& out,
                 int depth) {
  if (depth > kMaxJsonDepth) return false;
  const std::string_view bytes(
      value.type == SLUICE_STRING || value.type == SLUICE_BYTES ? value.as.bytes : "",
      value.type == SLUICE_STRING || value.type == SLUICE_BYTES ? value.size : 0);
  const sluice_schema* const inner = schema == nullptr ? nullptr : schema->value_schema;
  switch (value.type) {
    case SLUICE_NULL:
      out += "null";
      return true;
    case SLUICE_BOOLEAN:
      out += value.as.i64 != 0 ? "true" : "false";
      return true;
    case SLUICE_INT8:
    case SLUICE_INT16:
    case SLUICE_INT32:
    case SLUICE_INT64:
      append_number(value.as.i64, out);
      return true;
    case SLUICE_FLOAT32:
      append_float(value.as.f64, true, out);
      return true;
    case SLUICE_FLOAT64:
      append_float(value.as.f64, false, out);
      return true;
    case SLUICE_STRING:
      append_string(bytes, out);
      return true;
    case SLUICE_BYTES:
      append_base64(bytes, out);
      return true;
    case SLUICE_ARRAY:
      out += '[';
      for (uint32_t i = 0; i < value.size; ++i) {
        if (i > 0) out += ',';
        if (!append_json(value.as.items[i], inner, out, depth + 1)) return false;
      }
      out += ']';
      return true;
    case SLUICE_MAP:
      out += '{';
      for (uint32_t i = 0; i < value.size; ++i) {
        const auto key = sdk::Value(value.as.items[2 * i]).as_string();
        if (!key) return false;
        if (i > 0) out += ',';
        append_string(*key, out);
        out += ':';
        if (!append_json(value.as.items[2 * i + 1], inner, out, depth + 1)) return false;
      }
      out += '}';
      return true;
    case SLUICE_STRUCT:
      if (schema == nullptr || schema->field_count < value.size) return false;
      out += '{';
      for (uint32_t i = 0; i < value.size; ++i) {
        if (i > 0) out += ',';
        append_string(sdk::view(schema->fields[i].name), out);
        out += ':';
        if (!append_json(value.as.items[i], schema->fields[i].schema, out, depth + 1)) return false;
      }
      out += '}';
      return true;
    default:
      return false;
  }
}

// The next name of a pointer, which is cut off it.
std::string next_name(std::string_view& pointer) {
  pointer.remove_prefix(1);
  const std::string_view raw = pointer.substr(0, pointer.find('/'));
  pointer.remove_prefix(raw.size());
  std::string name;
  for (size_t i = 0; i < raw.size(); ++i) {
    const bool escaped = raw[i] == '~' && i + 1 < raw.size();
    name += !escaped ? raw[i] : (raw[++i] == '1' ? '/' : '~');
  }
  return name;
}

}  // namespace

bool append_payload(const sluice_value& value, const sluice_schema* schema, std::string& out) {
  if (value.type == SLUICE_NULL) return true;
  if (value.type == SLUICE_STRING || value.type == SLUICE_BYTES) {
    out.append(value.as.bytes, value.size);
    return true;
  }
  return append_json(value, schema, out, 1);
}

sdk::Value value_at(const sluice_value& value, const sluice_schema* schema,
                    std::string_view pointer) {
  sdk::Value at(value);
  while (!pointer.empty()) {
    const std::string name = next_name(pointer);
    const sluice_schema* inner = schema == nullptr ? nullptr : schema->value_schema;
    if (at.type == SLUICE_MAP) {
      at = at.get(name);
    } else if (at.type == SLUICE_STRUCT && schema != nullptr) {
      sdk::Value found;
      for (uint32_t i = 0; i < schema->field_count; ++i) {
        if (sdk::view(schema->fields[i].name) != name) continue;
        found = at.at(i);
        inner = schema->fields[i].schema;
      }
      at = found;
    } else if (at.type == SLUICE_ARRAY) {
      uint32_t index = 0;
      const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), index);
      at = code == std::errc() && end == name.data() + name.size() ? at.at(index) : sdk::Value();
    } else {
      return {};
    }
    schema = inner;
  }
  return at;
}

}  // namespace sluice::mqtt_plugin
