// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace sluice::plugin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A manifest around one key's members, one class's members, or its own.
std::string around_key(const std::string& members) {
  return R"({"abi":[0,1],"name":"l","version":"1","classes":[{"name":"a.B","kind":"sink","capabilities":[],)"
         R"("config":[{)" +
         members + "}]}]}";
}
std::string around_class(const std::string& members) {
  return R"({"abi":[0,1],"name":"l","version":"1","classes":[{)" + members + "}]}";
}
const std::string kKey = R"("name":"k","type":"INT","importance":"LOW","width":"LONG","flags":[])";

std::string error_of(const std::string& json) {
  auto parsed = parse_manifest(json);
  return parsed.ok() ? "" : parsed.error().message;
}

TEST(Manifest, TakesEveryField) {
  auto parsed = parse_manifest(R"({"abi":[0,1],"name":"lib","version":"2.1","classes":[
    {"name":"a.Source","kind":"source","version":"3","documentation":"Doc.","capabilities":["non_blocking","one_task"],
     "config":[{"name":"k","type":"LIST","importance":"HIGH","width":"SHORT","flags":["has_min","has_max","non_empty",
       "ignore_case","no_effect"],"default":"x","documentation":"d","group":"g","display_name":"K","reason":"r",
       "order":3,"allowed":["x","y"],"dependents":["z"],"min":1,"max":2.5},
      {"name":"z","type":"PASSWORD","importance":"MEDIUM","width":"NONE","flags":["required","refused"]}]}]})");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->name, "lib");
  EXPECT_EQ(parsed->version, "2.1");
  ASSERT_EQ(parsed->classes.size(), 1u);
  const auto& cls = parsed->classes[0];
  EXPECT_EQ(cls.kind, Kind::kSource);
  EXPECT_EQ(cls.capabilities, SLUICE_CAP_NON_BLOCKING | SLUICE_CAP_ONE_TASK);
  ASSERT_EQ(cls.config.keys().size(), 2u);
  const auto& key = cls.config.keys()[0];
  EXPECT_EQ(key.type, config::Type::kList);
  EXPECT_EQ(key.importance, config::Importance::kHigh);
  EXPECT_EQ(key.width, config::Width::kShort);
  EXPECT_EQ(key.default_value, "x");
  EXPECT_EQ(key.group, "g");
  EXPECT_EQ(key.display_name, "K");
  EXPECT_EQ(key.reason, "r");
  EXPECT_EQ(key.order, 3);
  EXPECT_THAT(key.allowed, ElementsAre("x", "y"));
  EXPECT_THAT(key.dependents, ElementsAre("z"));
  EXPECT_EQ(key.min, 1);
  EXPECT_EQ(key.max, 2.5);
  EXPECT_TRUE(key.non_empty && key.ignore_case && key.no_effect && !key.required && !key.refused);
  const auto& second = cls.config.keys()[1];
  EXPECT_TRUE(second.required && second.refused && !second.default_value);
  EXPECT_EQ(second.order, -1);
  EXPECT_TRUE(std::isinf(second.min) && std::isinf(second.max));
}

TEST(Manifest, NamesThePlaceOfWhatIsWrong) {
  EXPECT_THAT(error_of("{"), HasSubstr("no valid JSON"));
  EXPECT_THAT(error_of("[]"), HasSubstr("expected an object"));
  EXPECT_THAT(error_of("{}"), HasSubstr("expected [major, minor]"));
  EXPECT_THAT(error_of(R"({"abi":[0,1],"name":"l","version":"1","classes":[]})"),
              HasSubstr("1 to 256 classes"));
  EXPECT_THAT(error_of(R"({"abi":[0,1],"version":"1"})"), HasSubstr("note: name is missing"));
  EXPECT_EQ(error_of(around_key(kKey)), "");
  EXPECT_EQ(error_of(around_key(kKey + R"(,"colour":"red")")),
            "manifest: a.B, key 0: unknown member 'colour'");
  EXPECT_EQ(error_of(around_key(R"("name":"k","type":"TEXT")")),
            "manifest: a.B, key 0: type has the unknown value 'TEXT'");
  EXPECT_EQ(error_of(around_key(kKey + R"(,"min":1)")),
            "manifest: a.B, key 0: flag has_min and min disagree");
  EXPECT_EQ(error_of(around_key(kKey + R"(,"default":5)")),
            "manifest: a.B, key 0: default is no string");
  EXPECT_EQ(error_of(around_key(kKey + R"(,"order":-2)")),
            "manifest: a.B, key 0: order is out of range");
  EXPECT_EQ(error_of(around_class(R"("name":"x","kind":"wheel")")),
            "manifest: class 0: kind has the unknown value 'wheel'");
  EXPECT_THAT(error_of(around_class(R"("name":"x\u0000","kind":"sink")")),
              HasSubstr("control characters"));
  EXPECT_THAT(error_of(around_class(R"("name":")" + std::string(300, 'x') + R"(","kind":"sink")")),
              HasSubstr("longer than 255"));
  EXPECT_THAT(
      error_of(around_class(
          R"("name":"x","kind":"sink","capabilities":[]},{"name":"x","kind":"sink","capabilities":[])")),
      HasSubstr("x: is declared twice"));
}

TEST(Manifest, JudgesTheVersionBeforeAnythingElse) {
  auto later = parse_manifest(R"({"abi":[1,0],"shape":"of another time"})");
  ASSERT_FALSE(later.ok());
  EXPECT_EQ(later.error().kind, ErrorKind::kUnsupported);
  EXPECT_EQ(later.error().message,
            "built for version 1.0 of the plugin ABI, this worker accepts 0.1 to 0.1; build it "
            "with the SDK of this worker");
}

sluice_str str(const char* text) {
  return {text, std::strlen(text)};
}

// Tables by hand, as a C plugin has them.
struct Tables {
  sluice_config_key key{};
  sluice_config_def def{sizeof(def), sizeof(key), &key, 1, 0};
  int api = 0;
  sluice_class cls{};
  const sluice_class* classes[1] = {&cls};
  sluice_plugin plugin{};
  Tables() {
    key.name = str("k");
    key.order_in_group = -1;
    cls.struct_size = sizeof(cls);
    cls.kind = SLUICE_KIND_SINK;
    cls.name = str("a.B");
    cls.version = str("1");
    cls.config = &def;
    cls.api = &api;
    plugin = {sizeof(plugin), SLUICE_ABI_VERSION, str("l"), str("1"), classes, 1, 0};
  }
};

TEST(Describe, ReadsTablesAndFindsWhatDiffers) {
  Tables tables;
  auto first = describe_plugin(&tables.plugin);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(first->classes[0].config.keys()[0].name, "k");
  EXPECT_EQ(difference(*first, *describe_plugin(&tables.plugin)), std::nullopt);
  tables.key.importance = SLUICE_IMPORTANCE_LOW;
  EXPECT_EQ(difference(*first, *describe_plugin(&tables.plugin)),
            "a.B: different definitions of config key 'k'");
  tables.cls.kind = SLUICE_KIND_SOURCE;
  EXPECT_EQ(difference(*first, *describe_plugin(&tables.plugin)), "classes a.B and a.B");
}

TEST(Describe, TakesOnlyWhatAShortTableHas) {
  Tables tables;
  tables.cls.struct_size = offsetof(sluice_class, connector);
  auto described = describe_plugin(&tables.plugin);
  ASSERT_FALSE(described.ok());
  EXPECT_EQ(described.error().message, "the plugin's tables: a.B has no functions");
}

TEST(Describe, RefusesBrokenTables) {
  Tables tables;
  EXPECT_EQ(describe_plugin(nullptr).error().kind, ErrorKind::kUnsupported);
  tables.cls.kind = 99;
  EXPECT_THAT(describe_plugin(&tables.plugin).error().message, HasSubstr("unknown kind 99"));
  tables.cls.kind = SLUICE_KIND_SINK;
  tables.def.key_size = 8;
  EXPECT_THAT(describe_plugin(&tables.plugin).error().message,
              HasSubstr("no valid config definition"));
  tables.def.key_size = sizeof(sluice_config_key);
  tables.key.type = 77;
  EXPECT_THAT(describe_plugin(&tables.plugin).error().message, HasSubstr("unknown type"));
  tables.plugin.class_count = 5000;
  EXPECT_THAT(describe_plugin(&tables.plugin).error().message, HasSubstr("no classes"));
}

}  // namespace
}  // namespace sluice::plugin
