// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "plugins/file/path_pattern.hpp"
#include "plugins/file/path_template.hpp"
#include "plugins/file/rotation_name.hpp"

namespace sluice::file_plugin {
namespace {

TEST(RotationNameTest, TheLiveNameIsWithoutWhatRotationAppends) {
  for (const char* name :
       {"a/app.log", "a/app.log.1", "a/app.log.12.gz", "a/app.log-20260131", "a/app.log.gz",
        "a/app.log.2026-01-31-23", "a/app.log-20260131-1700000000.gz", "a/app.log_3"}) {
    EXPECT_EQ(live_name(name), "a/app.log") << name;
  }
  EXPECT_EQ(live_name("data-0001.csv"), "data-0001.csv");
  EXPECT_EQ(live_name("a/.1"), "a/.1");
  EXPECT_EQ(live_name("2026"), "2026");
  EXPECT_EQ(live_name(".gz"), ".gz");
}

TEST(RotationNameTest, OnlyForward) {
  EXPECT_TRUE(can_become("app.log", "app.log.1"));
  EXPECT_TRUE(can_become("app.log", "old/app.log.1.gz"));
  EXPECT_TRUE(can_become("app.log.1", "app.log.2.gz"));
  EXPECT_TRUE(can_become("app.log.1", "app.log.1.gz"));
  EXPECT_TRUE(can_become("app.log", "app.log-20260131"));
  EXPECT_FALSE(can_become("app.log.1", "app.log"));
  EXPECT_FALSE(can_become("app.log.2", "app.log.1"));
  EXPECT_FALSE(can_become("app.log.1.gz", "app.log.2"));
  EXPECT_FALSE(can_become("app.log", "other.log.1"));
  EXPECT_FALSE(can_become("app.log", "app.log"));
}

TEST(PathPatternTest, MatchesAsShellsDo) {
  EXPECT_TRUE(PathPattern("log/*.log").matches("log/a.log"));
  EXPECT_FALSE(PathPattern("log/*.log").matches("log/sub/a.log"));
  EXPECT_FALSE(PathPattern("log/*.log").matches("log/.a.log"));
  EXPECT_TRUE(PathPattern("/v/**/a?[0-9]").matches("/v/x/y/ab7"));
  EXPECT_TRUE(PathPattern("/v/**/a").matches("/v/a"));
  EXPECT_FALSE(PathPattern("/v/**/a").matches("/v/.git/a"));
  EXPECT_FALSE(PathPattern("/v/**/a").matches("v/a"));
  EXPECT_TRUE(PathPattern("log/").matches("log/x"));
  EXPECT_FALSE(PathPattern("log/").literal());
  EXPECT_TRUE(PathPattern("a b.log").literal());
}

TEST(PathTemplateTest, FillsAndFindsItsNumber) {
  const auto path =
      PathTemplate::parse("out/${topic}/${partition}/%Y%m%d-%H%M%S-${seq}.txt").value();
  const int64_t time = 1'769'904'000'000;  // 2026-02-01T00:00:00Z
  EXPECT_EQ(path.fill("t", 3, time + 3'661'000, 7), "out/t/3/20260201-010101-000007.txt");
  EXPECT_EQ(path.active("t", 3), "out/t/3/.___-___-_.txt.active");
  EXPECT_EQ(path.pattern("t", 3), "out/t/3/*-*-*.txt");
  EXPECT_EQ(path.number_of("out/t/3/20260201-010101-000007.txt", "t", 3), 7u);
  EXPECT_EQ(path.number_of("out/t/3/20260201-010101-1234567.txt", "t", 3), 1'234'567u);
  EXPECT_FALSE(path.number_of("out/t/3/20260201-010101-7.txt", "t", 3).has_value());
  EXPECT_FALSE(path.number_of("out/t/4/20260201-010101-000007.txt", "t", 3).has_value());
  EXPECT_EQ(path.time_unit_s(), 1);
  const auto other = PathTemplate::parse("/o/${topic}-${seq}%%").value();
  EXPECT_EQ(other.fill("t", 0, 0, 1'000'000), "/o/t-1000000%");
  EXPECT_EQ(other.active("t", 0), "/o/.t-_%.active");
  EXPECT_FALSE(other.number_of("/o/t-1-000001%", "t", 0).has_value());
}

TEST(PathTemplateTest, WhatItDoesNotKnowIsNamed) {
  for (const auto& [text, named] :
       {std::pair("${offset}.txt", "'${offset}'"), std::pair("%j.txt", "'%j'"),
        std::pair("100%", "'%'"), std::pair("a${topic", "'${topic'")}) {
    const auto path = PathTemplate::parse(text);
    ASSERT_FALSE(path.ok()) << text;
    EXPECT_NE(path.error().message.find(named), std::string::npos) << path.error().message;
    EXPECT_NE(path.error().message.find("${seq}"), std::string::npos);
  }
}

}  // namespace
}  // namespace sluice::file_plugin
