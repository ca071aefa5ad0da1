// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/converter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "runtime/record/arena.hpp"
#include "runtime/record/schema.hpp"
#include "runtime/record/value.hpp"

namespace sluice::record {
namespace {

using ::testing::HasSubstr;

class Converters : public ::testing::Test {
 protected:
  std::string write(Converter& converter, const sluice_schema* schema, const sluice_value& value) {
    auto bytes = converter.from_connect("t", schema, value, arena_);
    if (!bytes.ok()) return "error: " + bytes.error().message;
    return *bytes ? std::string(as_text(**bytes)) : "tombstone";
  }
  Result<SchemaAndValue> read(Converter& converter, std::string_view bytes) {
    kept_.emplace_back(bytes);  // what is read borrows from its input
    return converter.to_connect("t", as_bytes(kept_.back()), arena_);
  }
  std::string read_error(Converter& converter, std::string_view bytes) {
    auto result = read(converter, bytes);
    if (result.ok()) return "no error";
    EXPECT_EQ(result.error().kind, ErrorKind::kRecord);
    return result.error().message;
  }
  static std::unique_ptr<Converter> make(const std::string& name, const config::ConfigMap& config = {}) {
    return make_converter(name, config, false).value();
  }
  std::deque<std::string> kept_;
  Arena arena_;
};

TEST_F(Converters, AreFoundByTheirNames) {
  for (const auto& name : converter_classes()) {
    EXPECT_TRUE(make_converter(name, {}, true).ok()) << name;
    EXPECT_TRUE(make_header_converter(name, {}).ok()) << name;
    EXPECT_NE(converter_config(name), nullptr);
  }
  EXPECT_TRUE(make_converter("JsonConverter", {}, true).ok());
  EXPECT_TRUE(make_converter("Json", {}, true).ok());
  EXPECT_TRUE(make_header_converter("SimpleHeaderConverter", {}).ok());
  EXPECT_EQ(converter_config("x.Y"), nullptr);
  auto unknown = make_converter("org.apache.kafka.connect.json.JsonConvertor", {}, true);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(unknown.error().message,
            "Class org.apache.kafka.connect.json.JsonConvertor could not be found. Did you mean "
            "org.apache.kafka.connect.json.JsonConverter?");
  auto wrong = make_converter("SimpleHeaderConverter", {}, true);
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().kind, ErrorKind::kInvalid);
  auto config = make_converter("JsonConverter", {{"schemas.enable", "maybe"}}, true);
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(config.error().message, HasSubstr("Invalid value maybe for configuration schemas.enable"));
}

TEST_F(Converters, JsonEnvelope) {
  auto json = make("JsonConverter");
  EXPECT_EQ(write(*json, string_schema(), string_value("a\"b")),
            R"({"schema":{"type":"string","optional":false},"payload":"a\"b"})");
  EXPECT_EQ(write(*json, nullptr, int_value(5)), R"({"schema":null,"payload":5})");
  EXPECT_EQ(write(*json, nullptr, null_value()), "tombstone");
  EXPECT_EQ(write(*json, optional_string_schema(), null_value()),
            R"({"schema":{"type":"string","optional":true},"payload":null})");
  EXPECT_EQ(write(*json, string_schema(), int_value(5)), "error: Invalid type for STRING: INT64");
  EXPECT_EQ(write(*json, string_schema(), null_value()),
            "error: Conversion error: null value for field that is required and has no default value");
}

TEST_F(Converters, JsonReadsBackThroughTheCacheOfSchemas) {
  auto json = make("JsonConverter");
  for (int i = 0; i < 3; ++i) {
    arena_.reset();
    auto result =
        read(*json, R"({"schema":{"type":"string","optional":false},"payload":"x)" + std::to_string(i) + "\"}");
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(result->schema, string_schema());
    EXPECT_EQ(text(result->value), "x" + std::to_string(i));
  }
  auto spaced = read(*json, R"( { "payload" : 7 , "schema" : {"type":"int32"} } )");
  ASSERT_TRUE(spaced.ok()) << spaced.error().message;
  EXPECT_EQ(spaced->schema, primitive_schema(SLUICE_INT32));
  EXPECT_EQ(spaced->value.as.i64, 7);
  auto tombstone = json->to_connect("t", std::nullopt, arena_);
  ASSERT_TRUE(tombstone.ok());
  EXPECT_TRUE(is_null(tombstone->value));
}

TEST_F(Converters, JsonErrors) {
  auto json = make("JsonConverter");
  const std::string envelope =
      "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not "
      "contain additional fields. If you are trying to deserialize plain JSON data, set "
      "schemas.enable=false in your converter configuration.";
  EXPECT_EQ(read_error(*json, "5"), envelope);
  EXPECT_EQ(read_error(*json, ""), envelope);
  EXPECT_EQ(read_error(*json, R"({"schema":null})"), envelope);
  EXPECT_EQ(read_error(*json, R"({"schema":null,"payload":1,"x":2})"), envelope);
  const std::string syntax = "Converting byte[] to Kafka Connect data failed due to serialization error: ";
  EXPECT_THAT(read_error(*json, R"({"schema":null,"payload":1)"), ::testing::StartsWith(syntax));
  EXPECT_THAT(read_error(*json, R"({"schema":null,"payload":1} x)"), ::testing::StartsWith(syntax));
  EXPECT_EQ(read_error(*json, R"({"schema":{"type":"int33"},"payload":1})"), "Unknown schema type: int33");
  EXPECT_EQ(read_error(*json, R"({"schema":{},"payload":1})"), "Schema must contain 'type' field");
  EXPECT_EQ(read_error(*json, R"({"schema":{"type":"int8"},"payload":300})"), "Number 300 does not fit into INT8");
  EXPECT_EQ(read_error(*json, R"({"schema":{"type":"string"},"payload":1})"), "Invalid type for STRING: NUMBER");
  EXPECT_EQ(read_error(*json, R"({"schema":{"type":"string"},"payload":null})"),
            "Invalid null value for required STRING field");
  EXPECT_EQ(read_error(*json, R"({"schema":{"type":"array"},"payload":[]})"),
            "Array schema did not specify the element type");
  EXPECT_EQ(read_error(*json, R"({"schema":{"type":"struct","fields":[{"type":"int8"}]},"payload":{}})"),
            "Struct schema's field name not specified properly");
}

TEST_F(Converters, JsonWithoutSchemas) {
  auto json = make("JsonConverter", {{"schemas.enable", "false"}});
  for (std::string text : {R"({"a":[1,2.5,"x",null,true],"b":{}})", "[]", "\"\"", "-5", "false"}) {
    auto result = read(*json, text);
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(result->schema, nullptr);
    EXPECT_EQ(write(*json, nullptr, result->value), text);
  }
  EXPECT_THAT(read_error(*json, "{]"), HasSubstr("serialization error"));
  EXPECT_THAT(read_error(*json, "99999999999999999999"), HasSubstr("does not fit into INT64"));
  auto twice = read(*json, R"({"a":1,"b":2,"a":3})");
  ASSERT_TRUE(twice.ok());
  EXPECT_EQ(write(*json, nullptr, twice->value), R"({"a":3,"b":2})");
}

TEST_F(Converters, SchemasOfReadRecordsLiveUntilTheArenaIsReset) {
  const size_t before = interned_schemas();
  auto json = make("JsonConverter", {{"schemas.cache.size", "1"}});
  const sluice_schema* first = nullptr;
  for (int i = 0; i < 5; ++i) {
    auto result = read(*json, R"({"schema":{"type":"int32","name":"n)" + std::to_string(i) + R"("},"payload":1})");
    ASSERT_TRUE(result.ok());
    if (i == 0) first = result->schema;
  }
  EXPECT_EQ(text(first->name), "n0");
  EXPECT_EQ(interned_schemas(), before + 5);
  arena_.reset();
  EXPECT_EQ(interned_schemas(), before + 1);
}

TEST_F(Converters, Strings) {
  auto string = make("StringConverter");
  EXPECT_EQ(write(*string, string_schema(), string_value("abc")), "abc");
  EXPECT_EQ(write(*string, nullptr, null_value()), "tombstone");
  EXPECT_EQ(write(*string, nullptr, float_value(1)), "1.0");
  sluice_value items[] = {string_value("k"), int_value(1), string_value("l"), null_value()};
  EXPECT_EQ(write(*string, nullptr, items_value(SLUICE_MAP, items, 2)), "{k=1, l=null}");
  EXPECT_EQ(write(*string, nullptr, items_value(SLUICE_ARRAY, items, 4)), "[k, 1, l, null]");
  auto result = read(*string,
                     "a\xff"
                     "b");
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->schema, optional_string_schema());
  EXPECT_EQ(text(result->value),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_FALSE(make_converter("StringConverter", {{"converter.encoding", "UTF-16"}}, true).ok());
}

TEST_F(Converters, NumbersAndBytes) {
  auto integer = make("IntegerConverter");
  EXPECT_EQ(write(*integer, nullptr, int_value(-2, SLUICE_INT32)), std::string("\xff\xff\xff\xfe", 4));
  EXPECT_EQ(read(*integer, std::string_view("\xff\xff\xff\xfe", 4))->value.as.i64, -2);
  EXPECT_EQ(read_error(*integer, "abc"),
            "Failed to deserialize integer: Size of data received by IntegerDeserializer is not 4");
  auto real = make("DoubleConverter");
  EXPECT_EQ(read(*real, write(*real, nullptr, float_value(2.5)))->value.as.f64, 2.5);
  auto narrow = make("FloatConverter");
  EXPECT_EQ(read(*narrow, write(*narrow, nullptr, float_value(2.5, SLUICE_FLOAT32)))->value.as.f64, 2.5);
  EXPECT_EQ(write(*narrow, nullptr, float_value(2.5)), "error: Failed to serialize to float (was FLOAT64): ");
  auto boolean = make("BooleanConverter");
  EXPECT_EQ(write(*boolean, nullptr, bool_value(true)), "\1");
  EXPECT_EQ(read_error(*boolean, "\2"),
            "Failed to deserialize boolean: Unexpected byte received by BooleanDeserializer: 2");
  auto bytes = make("ByteArrayConverter");
  EXPECT_EQ(write(*bytes, bytes_schema(), bytes_value(std::string_view("x\0y", 3))), std::string("x\0y", 3));
  EXPECT_EQ(write(*bytes, string_schema(), string_value("x")),
            "error: Invalid schema type for ByteArrayConverter: STRING");
}

TEST_F(Converters, SimpleHeaders) {
  auto simple = make_header_converter("SimpleHeaderConverter", {}).value();
  auto type_of = [&](std::string_view text) {
    auto result = simple->to_connect("t", "h", as_bytes(text), arena_);
    std::string type = type_name(result->value.type);
    if (result->schema && result->schema->name.data) type += " " + std::string(record::text(result->schema->name));
    auto back = simple->from_connect("t", "h", result->schema, result->value, arena_);
    return type + " " + (*back ? std::string(as_text(**back)) : "-");
  };
  EXPECT_EQ(type_of("hello"), "STRING hello");
  EXPECT_EQ(type_of(""), "STRING ");
  EXPECT_EQ(type_of("null"), "NULL -");
  EXPECT_EQ(type_of("true"), "BOOLEAN true");
  EXPECT_EQ(type_of("true}"), "STRING true}");
  EXPECT_EQ(type_of("12"), "INT8 12");
  EXPECT_EQ(type_of("-300"), "INT16 -300");
  EXPECT_EQ(type_of("70000"), "INT32 70000");
  EXPECT_EQ(type_of("9223372036854775807"), "INT64 9223372036854775807");
  EXPECT_EQ(type_of("1.5"), "FLOAT32 1.5");
  EXPECT_EQ(type_of("1e60"), "FLOAT64 1.0E60");
  EXPECT_EQ(type_of("1.5e60"), "FLOAT64 1.5E60");
  EXPECT_EQ(type_of("9223372036854775808"), "BYTES org.apache.kafka.connect.data.Decimal 9223372036854775808");
  EXPECT_EQ(type_of("12abc"), "STRING 12abc");
  EXPECT_EQ(type_of("2024-02-29"), "INT32 org.apache.kafka.connect.data.Date 2024-02-29");
  EXPECT_EQ(type_of("2024-02-30"), "STRING 2024-02-30");
  EXPECT_EQ(type_of("10:20:30.400Z"), "INT32 org.apache.kafka.connect.data.Time 10:20:30.400Z");
  EXPECT_EQ(type_of("2024-02-29T10:20:30.400Z"),
            "INT64 org.apache.kafka.connect.data.Timestamp 2024-02-29T10:20:30.400Z");
  EXPECT_EQ(type_of("[1, 2, 300]"), "ARRAY [1,2,300]");
  EXPECT_EQ(type_of("[1, 2"), "STRING [1, 2");
  EXPECT_EQ(type_of(R"({"a": 1, "b": 2})"), R"(MAP {"a":1,"b":2})");
  EXPECT_EQ(type_of("[]"), "ARRAY []");
  EXPECT_EQ(type_of("[1,\"a\"]"), "ARRAY [1,\"a\"]");
}

}  // namespace
}  // namespace sluice::record
