// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <sluice/sdk.hpp>

#include <fstream>

namespace sluice::sdk {
namespace {

using nlohmann::json;

class Nothing : public SourceTask {
 public:
  Status start(const Config&) override { return ok(); }
  Status poll(const PollLimits&, RecordBatch&) override { return ok(); }
};

constexpr auto kConfig = config_def(
    define("a", Type::kString, Importance::kHigh, "Quote \" slash \\ line \n end, umlaut \xc3\xa4."),
    define("b", Type::kList, Importance::kLow, "")
        .default_value("x,y")
        .valid_strings<"x", "y">()
        .ignore_case()
        .dependents<"a">()
        .group("Group", 3)
        .width(Width::kMedium)
        .display_name("B"),
    define("c", Type::kDouble, Importance::kMedium, "").default_value("1").min(-0.25).max(1e9),
    define("d", Type::kLong, Importance::kLow, "")
        .optional()
        .min(-9007199254740992.0)
        .max(9223372036854775807.0),
    define("e", Type::kPassword, Importance::kLow, "").refused("use f"),
    define("f", Type::kBoolean, Importance::kLow, "").no_effect("nothing to tune"));

constexpr auto kDefs = std::array{
    source<Nothing>("one.Source", "1.2", "Does nothing. At all.", kConfig)
        .capabilities(kNonBlocking | kOneTask)};
constexpr auto kConfigs = detail::config_tables(kDefs);
constexpr auto kClasses = detail::class_tables(kDefs, kConfigs);
constexpr auto kPointers = detail::class_pointers(kClasses);
constexpr sluice_plugin kPlugin = detail::plugin_table("lib", "2.0", kPointers);
constexpr size_t kSize = detail::write_manifest(nullptr, kPlugin, kClasses.data());
constexpr auto kNote = detail::make_note<kSize>(kPlugin, kClasses.data());

json manifest() { return json::parse(std::string_view(kNote.text, kNote.text_size)); }

TEST(Manifest, IsAnElfNote) {
  EXPECT_EQ(kNote.name_size, 7u);
  EXPECT_EQ(kNote.type, SLUICE_NOTE_TYPE);
  EXPECT_EQ(std::string_view(kNote.name, 8), std::string_view("Sluice\0\0", 8));
  EXPECT_EQ(offsetof(decltype(kNote), text), 20u);
  EXPECT_EQ(sizeof(kNote) % 4, 0u);
  EXPECT_LT(sizeof(kNote), 20 + kSize + 4);
}

TEST(Manifest, HasTheClass) {
  const json m = manifest();
  EXPECT_EQ(m["abi"], (json{SLUICE_ABI_MAJOR, SLUICE_ABI_MINOR}));
  EXPECT_EQ(m["abi"], json::parse("[" SLUICE_ABI_TEXT "]"));
  EXPECT_EQ(m["name"], "lib");
  EXPECT_EQ(m["version"], "2.0");
  const json& entry = m["classes"].at(0);
  EXPECT_EQ(entry["name"], "one.Source");
  EXPECT_EQ(entry["kind"], "source");
  EXPECT_EQ(entry["version"], "1.2");
  EXPECT_EQ(entry["capabilities"], (json{"non_blocking", "one_task"}));
}

TEST(Manifest, HasEveryPropertyOfAKey) {
  const json keys = manifest()["classes"].at(0)["config"];
  ASSERT_EQ(keys.size(), 6u);
  EXPECT_EQ(keys[0], (json{{"name", "a"}, {"type", "STRING"}, {"importance", "HIGH"}, {"width", "NONE"},
                           {"flags", {"required"}},
                           {"documentation", "Quote \" slash \\ line \n end, umlaut \xc3\xa4."}}));
  EXPECT_EQ(keys[1], (json{{"name", "b"}, {"type", "LIST"}, {"importance", "LOW"}, {"width", "MEDIUM"},
                           {"flags", {"ignore_case"}}, {"default", "x,y"}, {"documentation", ""},
                           {"group", "Group"}, {"display_name", "B"}, {"order", 3}, {"allowed", {"x", "y"}},
                           {"dependents", {"a"}}}));
  EXPECT_EQ(keys[4]["flags"], json{"refused"});
  EXPECT_EQ(keys[4]["reason"], "use f");
  EXPECT_EQ(keys[5]["flags"], json{"no_effect"});
}

TEST(Manifest, BoundsComeBackExactly) {
  const json keys = manifest()["classes"].at(0)["config"];
  EXPECT_EQ(keys[2]["min"].get<double>(), -0.25);
  EXPECT_EQ(keys[2]["max"].get<double>(), 1e9);
  EXPECT_EQ(keys[3]["min"].get<double>(), -9007199254740992.0);
  EXPECT_EQ(keys[3]["max"].get<double>(), 9223372036854775807.0);
  EXPECT_FALSE(keys[1].contains("min"));
}

TEST(Manifest, AMinimalSourceFitsOnAPage) {
  std::ifstream file(MINIMAL_SOURCE);
  ASSERT_TRUE(file);
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) EXPECT_LE(line.size(), 110u) << line;
  EXPECT_GT(lines, 20);
  EXPECT_LE(lines, 60);
}

}  // namespace
}  // namespace sluice::sdk
