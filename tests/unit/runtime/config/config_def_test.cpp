// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/config_def.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

ConfigKey key(const std::string& name, Type type, std::optional<std::string> value = std::nullopt) {
  ConfigKey k;
  k.name = name;
  k.type = type;
  k.default_value = std::move(value);
  return k;
}

ConfigValue only(const ConfigKey& k, const ConfigMap& config) {
  ConfigDef def;
  def.define(k);
  return def.validate(config).at(0);
}

TEST(ConfigDef, TrimsAndNormalises) {
  EXPECT_EQ(only(key("s", Type::kString), {{"s", "  a b\t"}}).value, "a b");
  EXPECT_EQ(only(key("b", Type::kBoolean), {{"b", " TRUE "}}).value, "true");
  EXPECT_EQ(only(key("i", Type::kInt), {{"i", " +07 "}}).value, "7");
  EXPECT_EQ(only(key("d", Type::kDouble), {{"d", "3"}}).value, "3.0");
  EXPECT_EQ(only(key("l", Type::kList), {{"l", " a , b,c,, "}}).value, "a,b,c,,");
  EXPECT_EQ(only(key("l", Type::kList), {{"l", "  "}}).value, "");
  EXPECT_EQ(only(key("p", Type::kPassword), {{"p", "secret"}}).value, "[hidden]");
}

TEST(ConfigDef, ErrorTextsOfKafka) {
  auto required = key("x", Type::kString);
  required.required = true;
  EXPECT_THAT(only(required, {}).errors,
              ElementsAre("Missing required configuration \"x\" which has no default value."));
  auto number = key("tasks.max", Type::kInt, "1");
  number.min = 1;
  EXPECT_THAT(only(number, {{"tasks.max", "0"}}).errors,
              ElementsAre("Invalid value 0 for configuration tasks.max: Value must be at least 1"));
  EXPECT_THAT(only(number, {{"tasks.max", "abc "}}).errors,
              ElementsAre("Invalid value abc  for configuration tasks.max: Not a number of type INT",
                          "Invalid value null for configuration tasks.max: Value must be non-null"));
  number.max = 5;
  EXPECT_THAT(only(number, {{"tasks.max", "6"}}).errors,
              ElementsAre("Invalid value 6 for configuration tasks.max: Value must be no more than 5"));
  EXPECT_THAT(only(key("b", Type::kBoolean), {{"b", "yes"}}).errors,
              ElementsAre("Invalid value yes for configuration b: Expected value to be either true or false"));
  EXPECT_THAT(only(key("s", Type::kShort), {{"s", "40000"}}).errors,
              ElementsAre("Invalid value 40000 for configuration s: Not a number of type SHORT"));
  auto choice = key("c", Type::kString, "none");
  choice.allowed = {"none", "all"};
  EXPECT_THAT(only(choice, {{"c", "ALL"}}).errors,
              ElementsAre("Invalid value ALL for configuration c: String must be one of: none, all"));
  choice.ignore_case = true;
  EXPECT_THAT(only(choice, {{"c", "ALL"}}).errors, IsEmpty());
  EXPECT_THAT(only(choice, {{"c", "x"}}).errors,
              ElementsAre("Invalid value x for configuration c: String must be one of (case insensitive): NONE, ALL"));
  auto name = key("n", Type::kString);
  name.non_empty = true;
  EXPECT_THAT(only(name, {{"n", " "}}).errors,
              ElementsAre("Invalid value  for configuration n: String must be non-empty"));
}

TEST(ConfigDef, RefusedAndWithoutEffect) {
  ConfigDef def;
  auto refused = key("r", Type::kString);
  refused.refused = true;
  refused.reason = "use y";
  auto idle = key("i", Type::kInt, "1");
  idle.no_effect = true;
  idle.reason = "there is no JVM";
  def.define(refused).define(idle);
  EXPECT_TRUE(def.parse({}).ok());
  auto parsed = def.parse({{"r", "1"}});
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(parsed.error().message, "Invalid value 1 for configuration r: use y");
  EXPECT_THAT(def.no_effect({{"i", "2"}}),
              ElementsAre("Configuration i is accepted without effect: there is no JVM"));
  EXPECT_THAT(def.no_effect({}), IsEmpty());
}

TEST(ConfigDef, ParseFillsDefaultsAndKeepsTheRest) {
  ConfigDef def;
  def.define(key("a", Type::kInt, "5")).define(key("b", Type::kString)).define(key("l", Type::kList, ""));
  auto parsed = def.parse({{"other", " x "}});
  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(*parsed, ElementsAre(Pair("a", "5"), Pair("l", ""), Pair("other", " x ")));
  EXPECT_EQ(get_int(*parsed, "a"), 5);
  EXPECT_EQ(get_string(*parsed, "b"), "");
}

TEST(ConfigDef, ListChecksEachElementAndTheSize) {
  auto list = key("l", Type::kList);
  list.allowed = {"a", "b"};
  list.max = 2;
  EXPECT_THAT(only(list, {{"l", "a,c"}}).errors,
              ElementsAre("Invalid value c for configuration l: String must be one of: a, b"));
  EXPECT_THAT(only(list, {{"l", "a,b,a"}}).errors,
              ElementsAre("Invalid value [a, b, a] for configuration l: exceeds maximum list size of [2]."));
}

TEST(ConfigDef, EmbedPrefixesNamesGroupsAndDependents) {
  ConfigDef child;
  auto a = key("a", Type::kString);
  a.dependents = {"b"};
  auto b = key("b", Type::kString);
  b.group = "G";
  child.define(a).define(b);
  ConfigDef def;
  def.embed("t.x.", "Transforms: x", child, 3);
  ASSERT_EQ(def.keys().size(), 2u);
  EXPECT_EQ(def.keys()[0].name, "t.x.a");
  EXPECT_EQ(def.keys()[0].group, "Transforms: x");
  EXPECT_EQ(def.keys()[0].order, 3);
  EXPECT_THAT(def.keys()[0].dependents, ElementsAre("t.x.b"));
  EXPECT_EQ(def.keys()[1].group, "Transforms: x: G");
  EXPECT_EQ(def.keys()[1].order, 4);
}

TEST(ConfigDef, UnknownKeysNameTheNearest) {
  ConfigDef def;
  def.define(key("offset.flush.interval.ms", Type::kLong)).define(key("topics", Type::kList));
  EXPECT_THAT(def.unknown({{"offset.flush.intervall.ms", "1"}, {"Offset_Flush-Interval.ms", "1"}, {"topics", "x"},
                           {"something.else", "1"}, {"tpoics", "1"}}),
              ElementsAre(Pair("Offset_Flush-Interval.ms", "offset.flush.interval.ms"),
                          Pair("offset.flush.intervall.ms", "offset.flush.interval.ms"), Pair("something.else", ""),
                          Pair("tpoics", "topics")));
}

TEST(ConfigDef, Nearest) {
  EXPECT_EQ(nearest("topic", {"topics", "name"}), "topics");
  EXPECT_EQ(nearest("org.apache.kafka.connect.json.JsonConvertor", {"org.apache.kafka.connect.json.JsonConverter"}),
            "org.apache.kafka.connect.json.JsonConverter");
  EXPECT_EQ(nearest("zzz", {"topics", "name"}), std::nullopt);
  EXPECT_EQ(nearest("", {"topics"}), std::nullopt);
}

TEST(ConfigDef, SplitList) {
  EXPECT_THAT(split_list(""), IsEmpty());
  EXPECT_THAT(split_list("a"), ElementsAre("a"));
  EXPECT_THAT(split_list(" a ,\tb ,, "), ElementsAre("a", "b", "", ""));
}

}  // namespace
}  // namespace sluice::config
