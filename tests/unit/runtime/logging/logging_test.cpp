// SPDX-License-Identifier: Apache-2.0
#include "runtime/logging/logging.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <thread>
#include <vector>

namespace sluice::logging {
namespace {

using ::testing::ElementsAre;

class LoggingTest : public ::testing::Test {
 protected:
  LoggingTest() {
    set_sink([this](Level level, std::string_view logger, std::string_view message) {
      std::lock_guard lock(mutex_);
      lines_.push_back(std::string(to_string(level)) + " " + std::string(logger) + " " +
                       std::string(message));
    });
  }
  ~LoggingTest() override {
    set_sink(nullptr);
    for (auto name : {"", "a", "a.b", "a.b.c"}) clear_level(name);
  }
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

TEST_F(LoggingTest, LevelComesFromTheNearestAncestor) {
  Logger abc("a.b.c"), ab("a.b"), abx("a.bx");
  EXPECT_EQ(abc.level(), Level::kInfo);
  set_level("a.b", Level::kDebug);
  EXPECT_EQ(abc.level(), Level::kDebug);
  EXPECT_EQ(ab.level(), Level::kDebug);
  EXPECT_EQ(abx.level(), Level::kInfo);
  set_level("a.b.c", Level::kError);
  EXPECT_EQ(abc.level(), Level::kError);
  clear_level("a.b.c");
  EXPECT_EQ(abc.level(), Level::kDebug);
  set_level("root", Level::kOff);
  EXPECT_EQ(abx.level(), Level::kOff);
  EXPECT_EQ(Logger("a.new").level(), Level::kOff);
  EXPECT_EQ(levels().at("root"), Level::kOff);
  EXPECT_EQ(levels().at("a.b.c"), Level::kDebug);
}

TEST_F(LoggingTest, WritesOnlyFromItsLevelUp) {
  Logger log("a");
  log.debug("no");
  log.info("yes");
  set_level("a", Level::kError);
  log.warn("no");
  log.error("really");
  EXPECT_THAT(lines_, ElementsAre("INFO a yes", "ERROR a really"));
}

TEST_F(LoggingTest, AMessageCannotForgeALineOrDriveATerminal) {
  Logger("a").info("one\n[2026] ERROR two\x1b[2J\r\n");
  EXPECT_THAT(lines_, ElementsAre("INFO a one\n    [2026] ERROR two?[2J"));
}

TEST_F(LoggingTest, AHugeMessageIsCut) {
  Logger("a").info(std::string(1 << 20, 'x'));
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_LT(lines_[0].size(), 70'000u);
  EXPECT_TRUE(lines_[0].ends_with("(cut)"));
}

TEST_F(LoggingTest, ThreadsMayLogAndChangeLevelsAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      for (int n = 0; n < 200; ++n) {
        Logger("a.t" + std::to_string(n % 7)).info("x");
        set_level("a", i % 2 ? Level::kInfo : Level::kTrace);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(lines_.size(), 800u);
}

TEST(Level, ParsesAnyCaseAndListsTheLevelsOtherwise) {
  EXPECT_EQ(*parse_level("warn"), Level::kWarn);
  EXPECT_EQ(*parse_level("Trace"), Level::kTrace);
  auto bad = parse_level("loud");
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().message,
            "unknown log level 'loud', expected one of TRACE, DEBUG, INFO, WARN, ERROR, OFF");
}

TEST(Output, GoesToStandardErrorWithLevelAndName) {
  ::testing::internal::CaptureStderr();
  Logger("herder").warn("careful");
  flush();
  auto line = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(line,
              ::testing::MatchesRegex("\\[....-..-.. ..:..:..,...\\] WARN careful \\(herder\\)\n"));
}

}  // namespace
}  // namespace sluice::logging
