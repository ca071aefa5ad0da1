// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "runtime/record/value.hpp"

namespace sluice::record {
namespace {

using ::testing::HasSubstr;

sluice_schema definition(uint8_t type) {
  sluice_schema schema{};
  schema.struct_size = sizeof schema;
  schema.type = type;
  return schema;
}

TEST(Schema, EqualDefinitionsAreOnePointer) {
  const size_t before = interned_schemas();
  {
    std::string name = "com.example.Row";
    sluice_schema_field fields[] = {{str("id"), int64_schema()}, {str("text"), optional_string_schema()}};
    sluice_pair parameters[] = {{str("k"), str("v")}};
    auto d = definition(SLUICE_STRUCT);
    d.fields = fields;
    d.field_count = 2;
    d.name = str(name);
    d.has_version = 1;
    d.version = 3;
    d.parameters = parameters;
    d.parameter_count = 1;
    auto a = SchemaRef::adopt(intern_schema(d).value());
    std::string same = name;
    name = "xxx";
    d.name = str(same);
    auto b = SchemaRef::adopt(intern_schema(d).value());
    EXPECT_EQ(a.get(), b.get());
    EXPECT_EQ(text(a->name), "com.example.Row");
    EXPECT_EQ(text(a->fields[1].name), "text");
    d.optional = 1;
    auto c = SchemaRef::adopt(intern_schema(d).value());
    EXPECT_NE(a.get(), c.get());
    EXPECT_EQ(interned_schemas(), before + 2);
  }
  EXPECT_EQ(interned_schemas(), before);
}

TEST(Schema, PrimitivesAreConstants) {
  EXPECT_EQ(intern_schema(definition(SLUICE_STRING)).value(), string_schema());
  auto optional = definition(SLUICE_BYTES);
  optional.optional = 1;
  EXPECT_EQ(intern_schema(optional).value(), optional_bytes_schema());
  for (int i = 0; i < 10; ++i) release_schema(string_schema());
  EXPECT_EQ(string_schema()->type, SLUICE_STRING);
}

TEST(Schema, NullAndEmptyNamesDiffer) {
  auto d = definition(SLUICE_INT32);
  d.name = str("");
  auto ref = SchemaRef::adopt(intern_schema(d).value());
  EXPECT_NE(ref.get(), primitive_schema(SLUICE_INT32));
  EXPECT_NE(ref->name.data, nullptr);
}

TEST(Schema, ChildrenLiveAsLongAsTheirParent) {
  const size_t before = interned_schemas();
  auto inner = definition(SLUICE_INT32);
  inner.name = str("inner");
  auto child = SchemaRef::adopt(intern_schema(inner).value());
  auto outer = definition(SLUICE_ARRAY);
  outer.value_schema = child.get();
  auto parent = SchemaRef::adopt(intern_schema(outer).value());
  child = SchemaRef();
  EXPECT_EQ(interned_schemas(), before + 2);
  EXPECT_EQ(text(parent->value_schema->name), "inner");
  parent = SchemaRef();
  EXPECT_EQ(interned_schemas(), before);
}

TEST(Schema, DefaultValuesAreCopied) {
  std::string name = "abc";
  sluice_value items[] = {string_value(name), null_value()};
  auto d = definition(SLUICE_ARRAY);
  d.value_schema = optional_string_schema();
  auto value = items_value(SLUICE_ARRAY, items, 2);
  d.default_value = &value;
  auto a = SchemaRef::adopt(intern_schema(d).value());
  name = "xyz";
  EXPECT_EQ(text(a->default_value->as.items[0]), "abc");
  auto b = SchemaRef::adopt(intern_schema(d).value());
  EXPECT_NE(a.get(), b.get());
}

TEST(Schema, RefusesBadDefinitions) {
  auto expect_bad = [](const sluice_schema& d, const char* what) {
    auto made = intern_schema(d);
    ASSERT_FALSE(made.ok()) << what;
    EXPECT_EQ(made.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(made.error().message, HasSubstr(what));
  };
  expect_bad(definition(SLUICE_NULL), "unknown type 0");
  expect_bad(definition(13), "unknown type 13");
  expect_bad(definition(SLUICE_ARRAY), "value schema");
  auto map = definition(SLUICE_MAP);
  map.value_schema = string_schema();
  expect_bad(map, "key schema");
  sluice_schema foreign = definition(SLUICE_STRING);
  auto array = definition(SLUICE_ARRAY);
  array.value_schema = &foreign;
  expect_bad(array, "was not made by schema_make");
  sluice_schema_field twice[] = {{str("a"), string_schema()}, {str("a"), string_schema()}};
  auto row = definition(SLUICE_STRUCT);
  row.fields = twice;
  row.field_count = 2;
  expect_bad(row, "field a is there twice");
  auto small = definition(SLUICE_STRING);
  small.struct_size = 8;
  expect_bad(small, "struct_size");
}

TEST(Schema, DepthIsBounded) {
  const size_t before = interned_schemas();
  auto current = SchemaRef::retain(string_schema());
  uint32_t depth = 1;
  for (;; ++depth) {
    auto d = definition(SLUICE_ARRAY);
    d.value_schema = current.get();
    auto made = intern_schema(d);
    if (!made.ok()) break;
    current = SchemaRef::adopt(*made);
    ASSERT_LT(depth, 1000u);
  }
  EXPECT_EQ(depth, kMaxSchemaDepth);
  current = SchemaRef();
  EXPECT_EQ(interned_schemas(), before);
}

TEST(Schema, ManyThreadsInternAndRelease) {
  const size_t before = interned_schemas();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 5000; ++i) {
        auto d = definition(SLUICE_INT32);
        std::string name = "n" + std::to_string(i % 3);
        d.name = str(name);
        auto child = SchemaRef::adopt(intern_schema(d).value());
        auto outer = definition(SLUICE_ARRAY);
        outer.value_schema = child.get();
        auto a = SchemaRef::adopt(intern_schema(outer).value());
        auto b = a;
        if (text(b->value_schema->name) != name) __builtin_trap();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(interned_schemas(), before);
}

}  // namespace
}  // namespace sluice::record
