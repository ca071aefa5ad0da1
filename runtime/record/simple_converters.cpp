// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "runtime/record/arena.hpp"
#include "runtime/record/bad_record.hpp"
#include "runtime/record/builtin_converters.hpp"
#include "runtime/record/schema.hpp"
#include "runtime/record/to_text.hpp"
#include "runtime/record/utf8.hpp"
#include "runtime/record/value.hpp"

namespace sluice::record {
namespace {

// org.apache.kafka.connect.storage.StringConverter. Text passes through untouched in both
// directions.
class StringConverter final : public Converter {
 public:
  Result<std::optional<ByteView>> from_connect(std::string_view, const sluice_schema* schema,
                                               const sluice_value& value, Arena& arena) override {
    if (value.type == SLUICE_STRING) return std::optional<ByteView>(as_bytes(text(value)));
    if (value.type == SLUICE_NULL) return std::optional<ByteView>();
    text_.clear();
    SLUICE_TRY(append_java_string(text_, schema, value));
    auto copied = arena.copy(text_);
    if (!copied.data())
      return bad("Failed to serialize to a string: larger than the memory bound of a batch");
    return std::optional<ByteView>(as_bytes(copied));
  }

  Result<SchemaAndValue> to_connect(std::string_view, std::optional<ByteView> bytes,
                                    Arena& arena) override {
    if (!bytes) return SchemaAndValue{optional_string_schema(), null_value()};
    std::string_view text = as_text(*bytes);
    if (!is_utf8(text)) {  // plugins get UTF-8 only; Java decodes in the same way
      text = arena.copy(replace_invalid_utf8(text));
      if (!text.data())
        return bad("Failed to deserialize string: larger than the memory bound of a batch");
    }
    return SchemaAndValue{optional_string_schema(), string_value(text)};
  }

 private:
  std::string text_;
};

// org.apache.kafka.connect.converters.ByteArrayConverter.
class ByteArrayConverter final : public Converter {
 public:
  Result<std::optional<ByteView>> from_connect(std::string_view, const sluice_schema* schema,
                                               const sluice_value& value, Arena&) override {
    if (schema && schema->type != SLUICE_BYTES) {
      return bad(std::string("Invalid schema type for ByteArrayConverter: ") +
                 type_name(schema->type));
    }
    if (value.type == SLUICE_NULL) return std::optional<ByteView>();
    if (value.type != SLUICE_BYTES) {
      return bad(std::string("ByteArrayConverter is not compatible with objects of type ") +
                 type_name(value.type));
    }
    return std::optional<ByteView>(as_bytes(text(value)));
  }

  Result<SchemaAndValue> to_connect(std::string_view, std::optional<ByteView> bytes,
                                    Arena&) override {
    return SchemaAndValue{optional_bytes_schema(), bytes ? bytes_value(*bytes) : null_value()};
  }
};

// org.apache.kafka.connect.converters.BooleanConverter: one byte, 0 or 1.
class BooleanConverter final : public Converter {
 public:
  Result<std::optional<ByteView>> from_connect(std::string_view, const sluice_schema* schema,
                                               const sluice_value& value, Arena&) override {
    if (schema && schema->type != SLUICE_BOOLEAN) {
      return bad(std::string("Invalid schema type for BooleanConverter: ") +
                 type_name(schema->type));
    }
    if (value.type == SLUICE_NULL) return std::optional<ByteView>();
    if (value.type != SLUICE_BOOLEAN) {
      return bad(std::string("BooleanConverter is not compatible with objects of type ") +
                 type_name(value.type));
    }
    static constexpr std::string_view kBytes("\0\1", 2);
    return std::optional<ByteView>(as_bytes(kBytes.substr(value.as.i64 ? 1 : 0, 1)));
  }

  Result<SchemaAndValue> to_connect(std::string_view, std::optional<ByteView> bytes,
                                    Arena&) override {
    const sluice_schema* schema = primitive_schema(SLUICE_BOOLEAN, true);
    if (!bytes) return SchemaAndValue{schema, null_value()};
    if (bytes->size() != 1) {
      return bad(
          "Failed to deserialize boolean: Size of data received by BooleanDeserializer is not 1");
    }
    const auto byte = static_cast<int8_t>((*bytes)[0]);
    if (byte != 0 && byte != 1) {
      return bad(
          "Failed to deserialize boolean: Unexpected byte received by BooleanDeserializer: " +
          std::to_string(byte));
    }
    return SchemaAndValue{schema, bool_value(byte == 1)};
  }
};

// The converters of org.apache.kafka.connect.converters for one kind of number each: big-endian, of
// fixed size.
class NumberConverter final : public Converter {
 public:
  explicit NumberConverter(uint8_t type) : type_(type) {}

  Result<std::optional<ByteView>> from_connect(std::string_view, const sluice_schema*,
                                               const sluice_value& value, Arena& arena) override {
    if (value.type == SLUICE_NULL) return std::optional<ByteView>();
    if (value.type != type_) {
      return bad("Failed to serialize to " + name() + " (was " + type_name(value.type) + "): ");
    }
    auto* out = static_cast<std::byte*>(arena.alloc(size(), 1));
    if (!out) return bad("Failed to serialize to " + name() + ": no memory left in the batch");
    const uint64_t raw = to_bits(value);
    for (size_t i = 0; i < size(); ++i)
      out[i] = static_cast<std::byte>(raw >> (8 * (size() - 1 - i)) & 0xff);
    return std::optional<ByteView>(ByteView(out, size()));
  }

  Result<SchemaAndValue> to_connect(std::string_view, std::optional<ByteView> bytes,
                                    Arena&) override {
    const sluice_schema* schema = primitive_schema(type_, true);
    if (!bytes) return SchemaAndValue{schema, null_value()};
    if (bytes->size() != size()) {
      return bad("Failed to deserialize " + name() + ": Size of data received by " + java_name() +
                 "Deserializer is not " + std::to_string(size()));
    }
    uint64_t raw = 0;
    for (std::byte byte : *bytes) raw = raw << 8 | static_cast<uint8_t>(byte);
    return SchemaAndValue{schema, from_bits(raw)};
  }

 private:
  size_t size() const {
    return type_ == SLUICE_INT16 ? 2 : type_ == SLUICE_INT32 || type_ == SLUICE_FLOAT32 ? 4 : 8;
  }

  std::string java_name() const {
    switch (type_) {
      case SLUICE_INT16:
        return "Short";
      case SLUICE_INT32:
        return "Integer";
      case SLUICE_INT64:
        return "Long";
      case SLUICE_FLOAT32:
        return "Float";
      default:
        return "Double";
    }
  }
  std::string name() const {
    std::string lower = java_name();
    lower[0] = static_cast<char>(lower[0] | 0x20);
    return lower;
  }

  uint64_t to_bits(const sluice_value& value) const {
    if (type_ == SLUICE_FLOAT32) {
      const auto number = static_cast<float>(value.as.f64);
      uint32_t raw;
      std::memcpy(&raw, &number, 4);
      return raw;
    }
    uint64_t raw;
    std::memcpy(&raw, &value.as, 8);
    return raw;
  }

  sluice_value from_bits(uint64_t raw) const {
    if (type_ == SLUICE_FLOAT32) {
      const auto narrow = static_cast<uint32_t>(raw);
      float number;
      std::memcpy(&number, &narrow, 4);
      return float_value(static_cast<double>(number), type_);
    }
    if (type_ == SLUICE_FLOAT64) {
      double number;
      std::memcpy(&number, &raw, 8);
      return float_value(number);
    }
    const unsigned unused = static_cast<unsigned>(64 - 8 * size());
    return int_value(static_cast<int64_t>(raw << unused) >> unused, type_);
  }

  const uint8_t type_;
};

class WrappedHeaderConverter final : public HeaderConverter {
 public:
  explicit WrappedHeaderConverter(std::unique_ptr<Converter> converter)
      : converter_(std::move(converter)) {}
  Result<std::optional<ByteView>> from_connect(std::string_view topic, std::string_view,
                                               const sluice_schema* schema,
                                               const sluice_value& value, Arena& arena) override {
    return converter_->from_connect(topic, schema, value, arena);
  }
  Result<SchemaAndValue> to_connect(std::string_view topic, std::string_view,
                                    std::optional<ByteView> bytes, Arena& arena) override {
    return converter_->to_connect(topic, bytes, arena);
  }

 private:
  std::unique_ptr<Converter> converter_;
};

}  // namespace

config::ConfigDef converter_base_config() {
  config::ConfigKey type;
  type.name = "converter.type";
  type.required = true;
  type.allowed = {"key", "value", "header"};
  type.importance = config::Importance::kLow;
  type.documentation = "What the converter is used for; set by the worker.";
  config::ConfigDef def;
  def.define(std::move(type));
  return def;
}

const config::ConfigDef& plain_converter_config() {
  static const config::ConfigDef def(converter_base_config());
  return def;
}

const config::ConfigDef& string_converter_config() {
  static const config::ConfigDef def = [] {
    config::ConfigDef built(converter_base_config());
    config::ConfigKey encoding;
    encoding.name = "converter.encoding";
    encoding.default_value = "UTF-8";
    encoding.importance = config::Importance::kHigh;
    encoding.documentation = "The character set of the bytes. Only UTF-8 is supported.";
    encoding.width = config::Width::kMedium;
    encoding.display_name = "Encoding";
    encoding.allowed = {"UTF-8", "UTF8"};
    encoding.ignore_case = true;
    built.define(std::move(encoding));
    return built;
  }();
  return def;
}

std::unique_ptr<Converter> make_string_converter() {
  return std::make_unique<StringConverter>();
}
std::unique_ptr<Converter> make_byte_array_converter() {
  return std::make_unique<ByteArrayConverter>();
}
std::unique_ptr<Converter> make_boolean_converter() {
  return std::make_unique<BooleanConverter>();
}
std::unique_ptr<Converter> make_number_converter(uint8_t type) {
  return std::make_unique<NumberConverter>(type);
}
std::unique_ptr<HeaderConverter> wrap_as_header_converter(std::unique_ptr<Converter> converter) {
  return std::make_unique<WrappedHeaderConverter>(std::move(converter));
}

}  // namespace sluice::record
