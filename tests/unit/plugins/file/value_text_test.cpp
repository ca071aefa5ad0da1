// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/value_text.hpp"

#include <gtest/gtest.h>

#include <sluice/sdk/value.hpp>

#include <array>
#include <string>
#include <vector>

namespace sluice::file_plugin {
namespace {

using sdk::Value;

std::string text_of(const sluice_value& value, const sluice_schema* schema = nullptr) {
  TextBuffer out;
  EXPECT_TRUE(append_value_text(value, schema, out));
  return std::string(out.view());
}

sluice_schema named(uint8_t type, std::string_view name) {
  sluice_schema schema = {};
  schema.struct_size = sizeof(schema);
  schema.type = type;
  schema.name = sdk::to_str(name);
  return schema;
}

TEST(ValueText, Primitives) {
  EXPECT_EQ(text_of(Value::null()), "null");
  EXPECT_EQ(text_of(Value::boolean(true)), "true");
  EXPECT_EQ(text_of(Value::boolean(false)), "false");
  EXPECT_EQ(text_of(Value::int8(-7)), "-7");
  EXPECT_EQ(text_of(Value::int64(INT64_MIN)), "-9223372036854775808");
  EXPECT_EQ(text_of(Value::float32(0.1f)), "0.1");
  EXPECT_EQ(text_of(Value::float64(1e10)), "1.0E10");
  EXPECT_EQ(text_of(Value::string("as it is\n")), "as it is\n");
  EXPECT_EQ(text_of(Value::bytes("raw")), "raw");
  EXPECT_EQ(text_of(Value::string("")), "");
}

TEST(ValueText, CollectionsAsJavaPrintsThem) {
  const std::array items = {Value::int32(1), Value::null(), Value::string("x")};
  EXPECT_EQ(text_of(Value::array(items)), "[1, null, x]");
  EXPECT_EQ(text_of(Value::array({})), "[]");
  const std::array pairs = {Value::string("a"), Value::int32(1), Value::string("b"), Value::array(items)};
  EXPECT_EQ(text_of(Value::map(pairs)), "{a=1, b=[1, null, x]}");
}

TEST(ValueText, StructsLeaveNullFieldsOut) {
  const sluice_schema number = named(SLUICE_INT32, "");
  const sluice_schema date = named(SLUICE_INT32, "org.apache.kafka.connect.data.Date");
  const std::array<sluice_schema_field, 3> fields = {
      {{sdk::to_str("id"), &number}, {sdk::to_str("gone"), &number}, {sdk::to_str("day"), &date}}};
  sluice_schema schema = named(SLUICE_STRUCT, "Row");
  schema.fields = fields.data();
  schema.field_count = fields.size();
  const std::array values = {Value::int32(5), Value::null(), Value::int32(1)};
  EXPECT_EQ(text_of(Value::structure(values), &schema), "Struct{id=5,day=Fri Jan 02 00:00:00 UTC 1970}");
}

TEST(ValueText, LogicalTypes) {
  const sluice_schema timestamp = named(SLUICE_INT64, "org.apache.kafka.connect.data.Timestamp");
  EXPECT_EQ(text_of(Value::int64(1234567890123), &timestamp), "Fri Feb 13 23:31:30 UTC 2009");
  const sluice_pair scale = {sdk::to_str("scale"), sdk::to_str("2")};
  sluice_schema decimal = named(SLUICE_BYTES, "org.apache.kafka.connect.data.Decimal");
  decimal.parameters = &scale;
  decimal.parameter_count = 1;
  EXPECT_EQ(text_of(Value::bytes("\x30\x39"), &decimal), "123.45");
}

TEST(ValueText, BoundsItsWork) {
  std::vector<Value> nested(200);
  nested[0] = Value::int32(1);
  for (size_t i = 1; i < nested.size(); ++i) nested[i] = Value::array({&nested[i - 1], 1});
  TextBuffer out;
  EXPECT_FALSE(append_value_text(nested.back(), nullptr, out));
  EXPECT_EQ(text_of(nested[2]), "[[1]]");

  const sluice_schema decimal = named(SLUICE_BYTES, "org.apache.kafka.connect.data.Decimal");
  EXPECT_FALSE(append_value_text(Value::bytes(std::string(5000, '\x7F')), &decimal, out));
  sluice_value unknown = {};
  unknown.type = 99;
  EXPECT_FALSE(append_value_text(unknown, nullptr, out));
}

}  // namespace
}  // namespace sluice::file_plugin
