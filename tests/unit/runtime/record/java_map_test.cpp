// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/java_map.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "runtime/record/value.hpp"

namespace sluice::record {
namespace {

using ::testing::ElementsAre;

sluice_value map_of(const std::vector<sluice_value>& entries) {
  return items_value(SLUICE_MAP, entries.data(), entries.size() / 2);
}

// Values as "..".hashCode() gives them.
TEST(JavaMap, HashesAsJavaDoes) {
  EXPECT_EQ(java_hash_code(""), 0);
  EXPECT_EQ(java_hash_code("a"), 97);
  EXPECT_EQ(java_hash_code("filename"), -734768633);
  EXPECT_EQ(java_hash_code("hello"), 99162322);
  EXPECT_EQ(java_hash_code("Aa"), java_hash_code("BB"));
  EXPECT_EQ(java_hash_code("\xC3\xA9"), 233);                           // U+00E9
  EXPECT_EQ(java_hash_code("\xF0\x9F\x98\x80"), 0xD83D * 31 + 0xDE00);  // a surrogate pair
  EXPECT_EQ(java_hash_code("polygenelubricants"), std::numeric_limits<int32_t>::min());
}

TEST(JavaMap, OrdersAsAHashMapDoes) {
  auto order = [](std::vector<std::string_view> keys) {
    std::vector<std::string> out;
    for (auto i : java_hash_map_order(keys)) out.emplace_back(keys[i]);
    return out;
  };
  // Single letters fall into buckets by their code: 'a' is 97, 97 & 15 = 1, 'p' is 112, 0.
  EXPECT_THAT(order({"b", "a", "p"}), ElementsAre("p", "a", "b"));
  EXPECT_THAT(order({"BB", "Aa"}), ElementsAre("BB", "Aa"));  // one bucket: in the order of put
  EXPECT_THAT(order({"Aa", "BB"}), ElementsAre("Aa", "BB"));
  // With 13 keys the table has 32 buckets: 'p' (112 & 31 = 16) comes after 'a' (1) .. 'o' (15).
  std::vector<std::string_view> many{"p", "a", "b", "c", "d", "e", "f",
                                     "g", "h", "i", "j", "k", "l"};
  EXPECT_EQ(order(many).front(), "a");
  EXPECT_EQ(order(many).back(), "p");
}

TEST(JavaMap, WritesJsonAsKafkaConnectStoresIt) {
  EXPECT_EQ(
      java_map_json(map_of({string_value("filename"), string_value("/tmp/a\"b\n\x01/\xC3\xA9")}))
          .value(),
      "{\"filename\":\"/tmp/a\\\"b\\n\\u0001/\xC3\xA9\"}");
  EXPECT_EQ(
      java_map_json(map_of({string_value("p"), int_value(-5), string_value("a"), bool_value(true),
                            string_value("b"), null_value(), string_value("c"), float_value(1e10),
                            string_value("d"), bytes_value("abcd")}))
          .value(),
      R"({"p":-5,"a":true,"b":null,"c":1.0E10,"d":"YWJjZA=="})");
  EXPECT_EQ(java_map_json(null_value()).value(), "null");
  EXPECT_EQ(java_map_json(map_of({})).value(), "{}");
}

TEST(JavaMap, RefusesWhatIsNoMapOfPrimitives) {
  std::vector<sluice_value> inner{int_value(1)};
  EXPECT_FALSE(java_map_json(int_value(1)).ok());
  EXPECT_FALSE(java_map_json(map_of({int_value(1), int_value(1)})).ok());
  EXPECT_FALSE(
      java_map_json(map_of({string_value("a"), items_value(SLUICE_ARRAY, inner.data(), 1)})).ok());
  EXPECT_EQ(
      java_map_json(map_of({string_value("a"), int_value(1), string_value("a"), int_value(2)}))
          .error()
          .message,
      "the key 'a' stands twice in a source partition or offset");
}

TEST(JavaMap, ReadsWhatItWrote) {
  Arena arena;
  for (std::string json :
       {R"({"position":12})", R"({"p":-5,"a":true,"b":null,"c":1.5,"d":"x"})", "null", "{}"}) {
    auto value = java_map_value(json, arena);
    ASSERT_TRUE(value.ok()) << value.error().message;
    EXPECT_EQ(java_map_json(*value).value(), json);
  }
  for (std::string json :
       {"", "[]", "5", "{", R"({"a":[1]})", R"({"a":{}})", R"({"a":18446744073709551615})"}) {
    EXPECT_FALSE(java_map_value(json, arena).ok()) << json;
  }
}

}  // namespace
}  // namespace sluice::record
