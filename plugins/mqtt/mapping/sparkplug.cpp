// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/mapping/sparkplug.hpp"

#include <simdjson.h>

#include <array>

#include "plugins/mqtt/mapping/proto_reader.hpp"

namespace sluice::mqtt_plugin {

using sdk::Result;
using sdk::Schema;
using sdk::SchemaBuilder;
using sdk::Value;

namespace {

constexpr std::array<std::string_view, 35> kTypes = {"Unknown",      "Int8",
                                                     "Int16",        "Int32",
                                                     "Int64",        "UInt8",
                                                     "UInt16",       "UInt32",
                                                     "UInt64",       "Float",
                                                     "Double",       "Boolean",
                                                     "String",       "DateTime",
                                                     "Text",         "UUID",
                                                     "DataSet",      "Bytes",
                                                     "File",         "Template",
                                                     "PropertySet",  "PropertySetList",
                                                     "Int8Array",    "Int16Array",
                                                     "Int32Array",   "Int64Array",
                                                     "UInt8Array",   "UInt16Array",
                                                     "UInt32Array",  "UInt64Array",
                                                     "FloatArray",   "DoubleArray",
                                                     "BooleanArray", "StringArray",
                                                     "DateTimeArray"};
constexpr uint64_t kInt8 = 1, kInt16 = 2, kInt32 = 3, kInt64 = 4;

enum Field : size_t {
  kName,
  kAlias,
  kTimestamp,
  kDatatype,
  kHistorical,
  kTransient,
  kNull,
  kLong,
  kDouble,
  kBoolean,
  kString,
  kBytes,
  kMetadata,
  kProperties,
  kFields
};

// Fails once and keeps the text.
struct Failure {
  std::optional<std::string> text;
  bool set(std::string why) {
    if (!text) text = "the payload is not Sparkplug B: " + std::move(why);
    return false;
  }
};

bool utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

bool put_text(std::string_view text, sdk::RecordBatch& batch, Value* value, Failure& failure) {
  if (!utf8(text)) return failure.set("a string in it is not UTF-8");
  *value = batch.string(text);
  return true;
}

bool put_time(uint64_t number, Value* value, Failure& failure) {
  if (number > static_cast<uint64_t>(INT64_MAX))
    return failure.set("a number in it is beyond INT64");
  *value = Value::int64(static_cast<int64_t>(number));
  return true;
}

// What an integer means by the metric's type. It comes as the two's complement of 32 or 64 bits.
int64_t signed_value(uint64_t bits, bool is_long, uint64_t type) {
  switch (type) {
    case kInt8:
      return static_cast<int8_t>(bits);
    case kInt16:
      return static_cast<int16_t>(bits);
    case kInt32:
      return static_cast<int32_t>(bits);
    case kInt64:
      return static_cast<int64_t>(bits);
    default:
      return is_long ? static_cast<int64_t>(bits)
                     : static_cast<int64_t>(static_cast<uint32_t>(bits));
  }
}

bool read_metric(std::string_view message, sdk::RecordBatch& batch, Value* value,
                 Failure& failure) {
  std::array<Value, kFields> fields;
  fields[kHistorical] = fields[kTransient] = fields[kNull] = Value::boolean(false);
  uint64_t type = 0;
  uint64_t bits = 0;
  bool is_int = false, is_long = false;
  const auto drop_value = [&] {  // the last value of a oneof counts
    is_int = false;
    for (const size_t at : {kLong, kDouble, kBoolean, kString, kBytes}) fields[at] = Value();
  };
  ProtoReader reader(message);
  while (reader.next()) {
    using R = ProtoReader;
    if (reader.is(1, R::kBytes)) {
      if (!put_text(reader.bytes(), batch, &fields[kName], failure)) return false;
    } else if (reader.is(2, R::kVarint)) {
      if (!put_time(reader.number(), &fields[kAlias], failure)) return false;
    } else if (reader.is(3, R::kVarint)) {
      if (!put_time(reader.number(), &fields[kTimestamp], failure)) return false;
    } else if (reader.is(4, R::kVarint)) {
      type = reader.number();
      fields[kDatatype] =
          type < kTypes.size() ? Value::string(kTypes[type]) : batch.string(std::to_string(type));
    } else if (reader.is(5, R::kVarint)) {
      fields[kHistorical] = Value::boolean(reader.number() != 0);
    } else if (reader.is(6, R::kVarint)) {
      fields[kTransient] = Value::boolean(reader.number() != 0);
    } else if (reader.is(7, R::kVarint)) {
      fields[kNull] = Value::boolean(reader.number() != 0);
    } else if (reader.is(8, R::kBytes)) {
      fields[kMetadata] = batch.bytes(reader.bytes());
    } else if (reader.is(9, R::kBytes)) {
      fields[kProperties] = batch.bytes(reader.bytes());
    } else if (reader.is(10, R::kVarint) || reader.is(11, R::kVarint)) {
      drop_value();
      is_int = true;
      is_long = reader.is(11, R::kVarint);
      bits = reader.number();
    } else if (reader.is(12, R::kFixed32)) {
      drop_value();
      fields[kDouble] = Value::float64(static_cast<double>(reader.as_float()));
    } else if (reader.is(13, R::kFixed64)) {
      drop_value();
      fields[kDouble] = Value::float64(reader.as_double());
    } else if (reader.is(14, R::kVarint)) {
      drop_value();
      fields[kBoolean] = Value::boolean(reader.number() != 0);
    } else if (reader.is(15, R::kBytes)) {
      drop_value();
      if (!put_text(reader.bytes(), batch, &fields[kString], failure)) return false;
    } else if (reader.is(16, R::kBytes) || reader.is(17, R::kBytes) || reader.is(18, R::kBytes) ||
               reader.is(19, R::kBytes)) {
      drop_value();
      fields[kBytes] = batch.bytes(reader.bytes());
    }
  }
  if (reader.failed()) return failure.set("a metric is malformed");
  if (is_int) {
    const bool is_signed = type >= kInt8 && type <= kInt64;
    if (is_long && !is_signed && bits > static_cast<uint64_t>(INT64_MAX)) {
      fields[kString] = batch.string(std::to_string(bits));
    } else {
      fields[kLong] = Value::int64(signed_value(bits, is_long, type));
    }
  }
  *value = batch.structure(fields);
  return true;
}

Result<Schema> metric_schema(const sdk::Context& context) {
  SchemaBuilder builder = SchemaBuilder::structure();
  builder.name("org.sluice.mqtt.SparkplugMetric");
  const auto optional = [&](std::string_view name, SchemaBuilder type) -> sdk::Status {
    SLUICE_SDK_ASSIGN(Schema schema, type.optional().make(context));
    builder.field(name, std::move(schema));
    return sdk::ok();
  };
  const auto flag = [&](std::string_view name) -> sdk::Status {
    SLUICE_SDK_ASSIGN(Schema schema, SchemaBuilder::primitive(SLUICE_BOOLEAN).make(context));
    builder.field(name, std::move(schema));
    return sdk::ok();
  };
  SLUICE_SDK_TRY(optional("name", SchemaBuilder::primitive(SLUICE_STRING)));
  SLUICE_SDK_TRY(optional("alias", SchemaBuilder::primitive(SLUICE_INT64)));
  SLUICE_SDK_TRY(optional("timestamp", SchemaBuilder::primitive(SLUICE_INT64)));
  SLUICE_SDK_TRY(optional("datatype", SchemaBuilder::primitive(SLUICE_STRING)));
  SLUICE_SDK_TRY(flag("is_historical"));
  SLUICE_SDK_TRY(flag("is_transient"));
  SLUICE_SDK_TRY(flag("is_null"));
  SLUICE_SDK_TRY(optional("long_value", SchemaBuilder::primitive(SLUICE_INT64)));
  SLUICE_SDK_TRY(optional("double_value", SchemaBuilder::primitive(SLUICE_FLOAT64)));
  SLUICE_SDK_TRY(optional("boolean_value", SchemaBuilder::primitive(SLUICE_BOOLEAN)));
  SLUICE_SDK_TRY(optional("string_value", SchemaBuilder::primitive(SLUICE_STRING)));
  SLUICE_SDK_TRY(optional("bytes_value", SchemaBuilder::primitive(SLUICE_BYTES)));
  SLUICE_SDK_TRY(optional("metadata", SchemaBuilder::primitive(SLUICE_BYTES)));
  SLUICE_SDK_TRY(optional("properties", SchemaBuilder::primitive(SLUICE_BYTES)));
  return builder.make(context);
}

}  // namespace

Result<SparkplugDecoder> SparkplugDecoder::make(const sdk::Context& context) {
  SLUICE_SDK_ASSIGN(Schema metric, metric_schema(context));
  SLUICE_SDK_ASSIGN(Schema metrics, SchemaBuilder::array(std::move(metric)).make(context));
  SLUICE_SDK_ASSIGN(Schema number, SchemaBuilder::primitive(SLUICE_INT64).optional().make(context));
  SLUICE_SDK_ASSIGN(Schema text, SchemaBuilder::primitive(SLUICE_STRING).optional().make(context));
  SLUICE_SDK_ASSIGN(Schema bytes, SchemaBuilder::primitive(SLUICE_BYTES).optional().make(context));
  SparkplugDecoder made;
  SLUICE_SDK_ASSIGN(made.payload_, SchemaBuilder::structure()
                                       .name("org.sluice.mqtt.SparkplugB")
                                       .field("timestamp", number)
                                       .field("seq", number)
                                       .field("uuid", text)
                                       .field("body", bytes)
                                       .field("metrics", std::move(metrics))
                                       .make(context));
  return made;
}

std::optional<std::string> SparkplugDecoder::decode(std::string_view payload,
                                                    sdk::RecordBatch& batch, Value* value) {
  std::array<Value, 5> fields;
  Failure failure;
  metrics_.clear();
  ProtoReader reader(payload);
  while (reader.next()) {
    using R = ProtoReader;
    bool good = true;
    if (reader.is(1, R::kVarint)) {
      good = put_time(reader.number(), &fields[0], failure);
    } else if (reader.is(2, R::kBytes)) {
      if (metrics_.size() == kMaxMetrics) {
        failure.set("it has more than " + std::to_string(kMaxMetrics) + " metrics");
        return failure.text;
      }
      good = read_metric(reader.bytes(), batch, &metrics_.emplace_back(), failure);
    } else if (reader.is(3, R::kVarint)) {
      good = put_time(reader.number(), &fields[1], failure);
    } else if (reader.is(4, R::kBytes)) {
      good = put_text(reader.bytes(), batch, &fields[2], failure);
    } else if (reader.is(5, R::kBytes)) {
      fields[3] = batch.bytes(reader.bytes());
    }
    if (!good) return failure.text;
  }
  if (reader.failed()) {
    failure.set("it is malformed");
    return failure.text;
  }
  fields[4] = batch.array(metrics_);
  *value = batch.structure(fields);
  return {};
}

}  // namespace sluice::mqtt_plugin
