// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/values_parser.hpp"

#include <cmath>
#include <optional>
#include <vector>

#include "runtime/config/java_format.hpp"
#include "runtime/record/arena.hpp"
#include "runtime/record/builtin_converters.hpp"
#include "runtime/record/calendar.hpp"
#include "runtime/record/decimal.hpp"
#include "runtime/record/json_reader.hpp"
#include "runtime/record/schema.hpp"
#include "runtime/record/to_text.hpp"
#include "runtime/record/utf8.hpp"
#include "runtime/record/value.hpp"

namespace sluice::record {
namespace {

using config::trim;

struct Parsed {
  SchemaRef schema;  // empty = null or schemaless
  sluice_value value = null_value();
};
using Maybe = std::optional<Parsed>;  // nullopt: not of this kind

Maybe make(uint8_t type, const sluice_value& value) {
  return Parsed{SchemaRef::retain(primitive_schema(type)), value};
}

SchemaRef logical_schema(uint8_t type, std::string_view name, std::string_view scale = {}) {
  sluice_schema d{};
  d.struct_size = sizeof d;
  d.type = type;
  d.has_version = 1;
  d.version = 1;
  d.name = str(name);
  sluice_pair parameter{str("scale"), str(scale)};
  if (!scale.empty()) {
    d.parameters = &parameter;
    d.parameter_count = 1;
  }
  auto made = intern_schema(d);
  return made.ok() ? SchemaRef::adopt(*made) : SchemaRef();
}

bool digit(char c) { return c >= '0' && c <= '9'; }

Maybe parse_temporal(std::string_view token) {
  if (token.size() < 10 || token.size() > 24) return std::nullopt;
  if (auto ms = parse_iso_date(token)) {
    return Parsed{logical_schema(SLUICE_INT32, kDateName), int_value(*ms / kMsPerDay, SLUICE_INT32)};
  }
  if (auto ms = parse_iso_time(token)) {
    return Parsed{logical_schema(SLUICE_INT32, kTimeName), int_value(*ms, SLUICE_INT32)};
  }
  if (auto ms = parse_iso_timestamp(token)) {
    return Parsed{logical_schema(SLUICE_INT64, kTimestampName), int_value(*ms)};
  }
  return std::nullopt;
}

// java.math.BigDecimal's grammar; sets `scale` to the digits after the point minus the exponent.
bool is_big_decimal(std::string_view token, int64_t* scale) {
  size_t i = !token.empty() && (token[0] == '+' || token[0] == '-') ? 1 : 0;
  size_t digits = 0, fraction = 0;
  for (; i < token.size() && digit(token[i]); ++i) ++digits;
  if (i < token.size() && token[i] == '.') {
    for (++i; i < token.size() && digit(token[i]); ++i) ++fraction;
  }
  if (digits + fraction == 0) return false;
  int64_t exponent = 0;
  if (i < token.size() && (token[i] == 'e' || token[i] == 'E')) {
    auto value = config::parse_java_integer(token.substr(i + 1), -100000, 100000);
    if (!value) return false;
    exponent = *value;
    i = token.size();
  }
  *scale = static_cast<int64_t>(fraction) - exponent;
  return i == token.size();
}

Maybe parse_number(std::string_view token, Arena& arena) {
  int64_t scale = 0;
  if (token.size() > JsonReader::kMaxNumber || !is_big_decimal(token, &scale)) return std::nullopt;
  auto exact = decimal_from_text(token, 0);
  if (exact.ok() && exact->size() <= 8) {
    int64_t number = static_cast<signed char>((*exact)[0]);
    for (size_t i = 1; i < exact->size(); ++i) number = number * 256 + static_cast<unsigned char>((*exact)[i]);
    const uint8_t type = number == static_cast<int8_t>(number)    ? SLUICE_INT8
                         : number == static_cast<int16_t>(number) ? SLUICE_INT16
                         : number == static_cast<int32_t>(number) ? SLUICE_INT32
                                                                  : SLUICE_INT64;
    return make(type, int_value(number, type));
  }
  const JsonNumber number{token[0] == '+' ? token.substr(1) : token, false};
  const float narrow = number.as_float();
  const double wide = number.as_double();
  if (scale != 0 && std::isfinite(narrow)) return make(SLUICE_FLOAT32, float_value(double{narrow}, SLUICE_FLOAT32));
  if (scale != 0 && std::isfinite(wide)) return make(SLUICE_FLOAT64, float_value(wide));
  if (scale < -kMaxDecimalScale || scale > kMaxDecimalScale) return std::nullopt;
  auto unscaled = decimal_from_text(token, static_cast<int32_t>(scale));
  if (!unscaled.ok()) return std::nullopt;
  auto copied = arena.copy(*unscaled);
  if (!copied.data()) return std::nullopt;
  return Parsed{logical_schema(SLUICE_BYTES, kDecimalName, std::to_string(scale)), bytes_value(copied)};
}

Maybe parse_scalar(std::string_view token, Arena& arena) {
  if (token == "null") return Parsed{};
  if (token == "true") return make(SLUICE_BOOLEAN, bool_value(true));
  if (token == "false") return make(SLUICE_BOOLEAN, bool_value(false));
  if (token.empty() || !(digit(token[0]) || token[0] == '+' || token[0] == '-')) return std::nullopt;
  if (auto temporal = parse_temporal(token)) return temporal;
  return parse_number(token, arena);
}

// The type that elements of both types can have, as a rank on INT8 < .. < INT64 < FLOAT32 < FLOAT64.
bool is_number(uint8_t type) { return type >= SLUICE_INT8 && type <= SLUICE_FLOAT64; }

// What the elements (or keys, or values) of a container have in common.
class Common {
 public:
  void add(const Parsed& element) {
    if (is_null(element.value)) {
      nulls_ = true;
    } else if (!element.schema) {
      mixed_ = true;
    } else if (!schema_ || schema_.get() == element.schema.get()) {
      schema_ = element.schema;
    } else if (is_plain_number(schema_) && is_plain_number(element.schema)) {
      if (element.schema->type > schema_->type) schema_ = element.schema;
    } else {
      mixed_ = true;
    }
  }
  // One schema for all of them; empty if there is none.
  SchemaRef schema() const { return mixed_ ? SchemaRef() : schema_; }
  bool null_without_room() const { return nulls_ && !mixed_ && schema_; }

  sluice_value align(sluice_value value) const {
    if (mixed_ || !schema_ || value.type == schema_->type || !is_number(value.type)) return value;
    if (is_float(schema_->type) && is_integer(value.type)) {
      return float_value(static_cast<double>(value.as.i64), schema_->type);
    }
    value.type = schema_->type;
    return value;
  }

 private:
  static bool is_plain_number(const SchemaRef& schema) { return is_number(schema->type) && !schema->name.data; }

  SchemaRef schema_;
  bool mixed_ = false;
  bool nulls_ = false;
};

class ContainerParser {
 public:
  ContainerParser(std::string_view text, Arena& arena) : text_(text), arena_(arena) {}

  Maybe parse() {
    Maybe parsed = value(0);
    space();
    return at_ == text_.size() ? parsed : std::nullopt;
  }

 private:
  static constexpr int kMaxDepth = 64;

  void space() {
    while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) <= ' ') ++at_;
  }
  bool stands(char c) {
    space();
    return at_ < text_.size() && text_[at_] == c;
  }
  bool consume(char c) {
    if (!stands(c)) return false;
    ++at_;
    return true;
  }

  Maybe value(int depth) {
    if (depth > kMaxDepth) return std::nullopt;
    if (consume('"')) return quoted();
    if (consume('[')) return array(depth);
    if (consume('{')) return map(depth);
    // Times hold unescaped colons, so they are tried before the token is cut at one.
    const std::string_view rest = text_.substr(at_);
    for (size_t size : {size_t{24}, size_t{13}}) {
      if (auto temporal = parse_temporal(rest.substr(0, size))) {
        at_ += size;
        return temporal;
      }
    }
    const size_t end = text_.find_first_of(":,{}[]\"", at_);
    const auto token = trim(text_.substr(at_, end == std::string_view::npos ? end : end - at_));
    at_ = end == std::string_view::npos ? text_.size() : end;
    return parse_scalar(token, arena_);
  }

  Maybe quoted() {
    const size_t from = at_;
    bool escaped = false;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"' && !escaped) break;
      escaped = text_[at_] == '\\' && !escaped;
    }
    if (at_ == text_.size()) return std::nullopt;
    const auto content = text_.substr(from, at_ - from);
    ++at_;
    if (auto temporal = parse_temporal(content)) return temporal;
    return make(SLUICE_STRING, string_value(content));
  }

  Maybe array(int depth) {
    std::vector<Parsed> elements;
    Common common;
    if (!consume(']')) {
      do {
        Maybe element = value(depth + 1);
        if (!element) return std::nullopt;
        common.add(*element);
        elements.push_back(std::move(*element));
      } while (consume(',') && !stands(']'));
      if (!consume(']')) return std::nullopt;
    }
    if (common.null_without_room()) return std::nullopt;
    auto* items = arena_.array<sluice_value>(elements.size());
    if (!items) return std::nullopt;
    for (size_t i = 0; i < elements.size(); ++i) items[i] = common.align(elements[i].value);
    return finish(SLUICE_ARRAY, SchemaRef(), common.schema(), items_value(SLUICE_ARRAY, items, elements.size()));
  }

  Maybe map(int depth) {
    std::vector<std::pair<Parsed, Parsed>> entries;
    Common keys, values;
    if (!consume('}')) {
      do {
        Maybe key = value(depth + 1);
        if (!key || is_null(key->value) || !consume(':')) return std::nullopt;
        Maybe entry = value(depth + 1);
        if (!entry) return std::nullopt;
        keys.add(*key);
        values.add(*entry);
        entries.emplace_back(std::move(*key), std::move(*entry));
      } while (consume(',') && !stands('}'));
      if (!consume('}')) return std::nullopt;
    }
    if (values.null_without_room()) return std::nullopt;
    auto* items = arena_.array<sluice_value>(entries.size() * 2);
    if (!items) return std::nullopt;
    for (size_t i = 0; i < entries.size(); ++i) {
      items[2 * i] = keys.align(entries[i].first.value);
      items[2 * i + 1] = values.align(entries[i].second.value);
    }
    return finish(SLUICE_MAP, keys.schema(), values.schema(), items_value(SLUICE_MAP, items, entries.size()));
  }

  Maybe finish(uint8_t type, const SchemaRef& keys, const SchemaRef& values, const sluice_value& value) {
    Parsed parsed{SchemaRef(), value};
    if (!values || (type == SLUICE_MAP && !keys)) return parsed;
    sluice_schema d{};
    d.struct_size = sizeof d;
    d.type = type;
    d.key_schema = type == SLUICE_MAP ? keys.get() : nullptr;
    d.value_schema = values.get();
    auto made = intern_schema(d);
    if (made.ok()) parsed.schema = SchemaRef::adopt(*made);
    return parsed;
  }

  std::string_view text_;
  Arena& arena_;
  size_t at_ = 0;
};

// org.apache.kafka.connect.storage.SimpleHeaderConverter.
class SimpleHeaderConverter final : public HeaderConverter {
 public:
  Result<std::optional<ByteView>> from_connect(std::string_view, std::string_view, const sluice_schema* schema,
                                               const sluice_value& value, Arena& arena) override {
    if (value.type == SLUICE_NULL) return std::optional<ByteView>();
    if (value.type == SLUICE_STRING) return std::optional<ByteView>(as_bytes(text(value)));
    text_.clear();
    SLUICE_TRY(append_values_string(text_, schema, value));
    auto copied = arena.copy(text_);
    if (!copied.data()) return Error{ErrorKind::kRecord, "a header larger than the memory bound of a batch"};
    return std::optional<ByteView>(as_bytes(copied));
  }

  Result<SchemaAndValue> to_connect(std::string_view, std::string_view, std::optional<ByteView> bytes,
                                    Arena& arena) override {
    if (!bytes) return SchemaAndValue{nullptr, null_value()};
    if (!is_utf8(as_text(*bytes))) return SchemaAndValue{bytes_schema(), bytes_value(*bytes)};
    return parse_values_string(as_text(*bytes), arena);
  }

 private:
  std::string text_;
};

}  // namespace

Result<SchemaAndValue> parse_values_string(std::string_view text, Arena& arena) {
  const std::string_view token = trim(text);
  Maybe parsed;
  if (!token.empty() && (token[0] == '[' || token[0] == '{')) {
    parsed = ContainerParser(token, arena).parse();
  } else {
    parsed = parse_scalar(token, arena);
  }
  if (!parsed) return SchemaAndValue{string_schema(), string_value(text)};
  if (parsed->schema) arena.keep(parsed->schema.get());
  return SchemaAndValue{parsed->schema.get(), parsed->value};
}

std::unique_ptr<HeaderConverter> make_simple_header_converter() { return std::make_unique<SimpleHeaderConverter>(); }

}  // namespace sluice::record
