// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <sluice/sdk.hpp>

#include <vector>

namespace sluice::sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConfigTest : public ::testing::Test {
 protected:
  Config config(std::vector<std::pair<std::string_view, std::string_view>> entries) {
    pairs_.clear();
    for (const auto& [key, value] : entries) pairs_.push_back({to_str(key), to_str(value)});
    raw_ = {sizeof(sluice_config), static_cast<uint32_t>(pairs_.size()), pairs_.data()};
    return Config(&raw_);
  }

 private:
  std::vector<sluice_pair> pairs_;
  sluice_config raw_ = {};
};

TEST_F(ConfigTest, ReadsEachType) {
  const Config c = config({{"b", " TRUE "}, {"d", "2.5"}, {"i", "+42"}, {"l", " a, b ,,c"}, {"s", "text"}});
  EXPECT_EQ(*c.get_bool("b"), true);
  EXPECT_EQ(*c.get_double("d"), 2.5);
  EXPECT_EQ(*c.get_int("i"), 42);
  EXPECT_THAT(c.get_list("l"), ElementsAre("a", "b", "", "c"));
  EXPECT_EQ(c.get_string("s"), "text");
}

TEST_F(ConfigTest, AbsentAndNullAreTheSame) {
  sluice_pair entry = {to_str("k"), {nullptr, 0}};
  const sluice_config raw = {sizeof(sluice_config), 1, &entry};
  const Config c(&raw);
  EXPECT_FALSE(c.has("k"));
  EXPECT_EQ(c.get_string("k"), "");
  EXPECT_THAT(c.get_list("other"), IsEmpty());
}

TEST_F(ConfigTest, AWrongValueIsAConfigErrorThatNamesKeyAndValue) {
  const Config c = config({{"i", "12x"}, {"big", "4294967296"}, {"b", "yes"}});
  for (const Error& error : {c.get_long("i").error(), c.get_int("big").error(), c.get_bool("b").error()}) {
    EXPECT_EQ(error.kind, SLUICE_CONFIG_ERROR);
  }
  EXPECT_THAT(c.get_long("i").error().message, HasSubstr("'i' must be a number, not '12x'"));
  EXPECT_THAT(c.get_int("big").error().message, HasSubstr("4294967296"));
  EXPECT_THAT(c.get_long("none").error().message, HasSubstr("'none' is not set"));
}

}  // namespace
}  // namespace sluice::sdk
