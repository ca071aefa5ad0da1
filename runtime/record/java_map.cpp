// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/java_map.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "runtime/config/java_format.hpp"
#include "runtime/json/json.hpp"
#include "runtime/record/value.hpp"

namespace sluice::record {
namespace {

constexpr size_t kMaxEntries = 1000;

Error bad_map(const std::string& what) {
  return {ErrorKind::kInvalid, what};
}

// One code point of valid UTF-8 at `at`, which moves past it. Broken bytes count as themselves.
uint32_t next_code_point(std::string_view text, size_t& at) {
  auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  uint32_t first = byte(at);
  if (first < 0x80 || first < 0xC0) return at += 1, first;
  if (first < 0xE0) {
    at += 2;
    return (first & 0x1F) << 6 | (byte(at - 1) & 0x3F);
  }
  if (first < 0xF0) {
    at += 3;
    return (first & 0x0F) << 12 | (byte(at - 2) & 0x3F) << 6 | (byte(at - 1) & 0x3F);
  }
  at += 4;
  return (first & 0x07) << 18 | (byte(at - 3) & 0x3F) << 12 | (byte(at - 2) & 0x3F) << 6 |
         (byte(at - 1) & 0x3F);
}

// As Jackson writes strings: the short escapes, \u00XX with capital digits for other control
// characters, all else raw.
void write_string(std::string& out, std::string_view text) {
  constexpr const char* kHex = "0123456789ABCDEF";
  out += '"';
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kHex[static_cast<unsigned char>(c) >> 4];
          out += kHex[static_cast<unsigned char>(c) & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void write_base64(std::string& out, std::string_view bytes) {
  constexpr const char* kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out += '"';
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    size_t have = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k) out += k <= have ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  out += '"';
}

Status write_primitive(std::string& out, const sluice_value& value) {
  switch (value.type) {
    case SLUICE_NULL:
      out += "null";
      return ok();
    case SLUICE_BOOLEAN:
      out += value.as.i64 != 0 ? "true" : "false";
      return ok();
    case SLUICE_INT8:
    case SLUICE_INT16:
    case SLUICE_INT32:
    case SLUICE_INT64:
      out += std::to_string(value.as.i64);
      return ok();
    case SLUICE_FLOAT32:
    case SLUICE_FLOAT64: {
      auto number = value.type == SLUICE_FLOAT32
                        ? config::java_float(static_cast<float>(value.as.f64))
                        : config::java_double(value.as.f64);
      bool finite = value.as.f64 - value.as.f64 == 0;
      out += finite ? number : "\"" + number + "\"";  // Jackson quotes NaN and the infinities
      return ok();
    }
    case SLUICE_STRING:
      write_string(out, text(value));
      return ok();
    case SLUICE_BYTES:
      write_base64(out, text(value));
      return ok();
    default:
      return bad_map("a source partition or offset may hold primitive values only");
  }
}

Result<sluice_value> primitive(const Json& json, Arena& arena) {
  if (json.is_null()) return null_value();
  if (json.is_boolean()) return bool_value(json.get<bool>());
  if (json.is_number_unsigned() &&
      json.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return bad_map("a number in a stored offset is too large");
  }
  if (json.is_number_integer()) return int_value(json.get<int64_t>());
  if (json.is_number()) return float_value(json.get<double>());
  if (!json.is_string()) return bad_map("a stored offset may hold primitive values only");
  auto copy = arena.copy(json.get_ref<const std::string&>());
  if (copy.data() == nullptr) return bad_map("a stored offset is too large");
  return string_value(copy);
}

}  // namespace

int32_t java_hash_code(std::string_view utf8) {
  uint32_t hash = 0;
  for (size_t at = 0; at < utf8.size();) {
    uint32_t point = next_code_point(utf8, at);
    if (point < 0x10000) {
      hash = hash * 31 + point;
    } else {
      hash = hash * 31 + (0xD800 + ((point - 0x10000) >> 10));
      hash = hash * 31 + (0xDC00 + ((point - 0x10000) & 0x3FF));
    }
  }
  return static_cast<int32_t>(hash);
}

std::vector<size_t> java_hash_map_order(std::span<const std::string_view> keys) {
  // A table of 16 that doubles when more than three quarters are in use. Splitting a bucket keeps
  // the order in it, so the last size alone decides.
  size_t capacity = 16;
  while (keys.size() * 4 > capacity * 3) capacity *= 2;
  std::vector<size_t> bucket(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    auto hash = static_cast<uint32_t>(java_hash_code(keys[i]));
    bucket[i] = (hash ^ hash >> 16) & (capacity - 1);
  }
  std::vector<size_t> order(keys.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return bucket[a] < bucket[b]; });
  return order;
}

Result<std::string> java_map_json(const sluice_value& map) {
  if (is_null(map)) return std::string("null");
  if (map.type != SLUICE_MAP || map.size > kMaxEntries ||
      (map.size > 0 && map.as.items == nullptr)) {
    return bad_map("a source partition or offset must be a map of at most " +
                   std::to_string(kMaxEntries) + " entries");
  }
  auto entries = items(map);
  std::vector<std::string_view> keys;
  for (size_t i = 0; i < entries.size(); i += 2) {
    if (entries[i].type != SLUICE_STRING ||
        (entries[i].as.bytes == nullptr && entries[i].size > 0)) {
      return bad_map("the keys of a source partition or offset must be strings");
    }
    keys.push_back(text(entries[i]));
  }
  auto sorted = keys;
  std::sort(sorted.begin(), sorted.end());
  if (auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end()) {
    return bad_map("the key '" + std::string(*twice) +
                   "' stands twice in a source partition or offset");
  }
  std::string out = "{";
  for (size_t index : java_hash_map_order(keys)) {
    if (out.size() > 1) out += ',';
    write_string(out, keys[index]);
    out += ':';
    SLUICE_TRY(write_primitive(out, entries[index * 2 + 1]));
  }
  return out + "}";
}

Result<sluice_value> java_map_value(std::string_view json, Arena& arena) {
  auto parsed = parse_json(json);
  if (parsed.is_null()) return null_value();
  if (!parsed.is_object() || parsed.size() > kMaxEntries)
    return bad_map("a stored offset is no JSON object: " + std::string(json.substr(0, 200)));
  auto* entries = arena.array<sluice_value>(std::max<size_t>(parsed.size() * 2, 1));
  if (entries == nullptr) return bad_map("a stored offset is too large");
  size_t count = 0;
  for (const auto& member : parsed.items()) {
    auto key = arena.copy(member.key());
    if (key.data() == nullptr) return bad_map("a stored offset is too large");
    SLUICE_ASSIGN(entries[count + 1], primitive(member.value(), arena));
    entries[count] = string_value(key);
    count += 2;
  }
  return items_value(SLUICE_MAP, entries, parsed.size());
}

}  // namespace sluice::record
