// SPDX-License-Identifier: Apache-2.0
#include "runtime/herder/restart_policy.hpp"

#include <gmock/gmock.h>

namespace sluice::herder {
namespace {

using namespace std::chrono_literals;

class Zero : public Random {
 public:
  void fill(std::span<uint8_t> out) override { std::fill(out.begin(), out.end(), uint8_t(0)); }
};

TEST(RestartPolicy, DoublesUpToTheBoundAndStartsAnewAfterRunningLongEnough) {
  Zero random;
  RestartPolicy policy;
  RestartSettings settings;
  settings.backoff = 1s;
  settings.backoff_max = 5s;
  EXPECT_EQ(policy.on_failure(settings, true, 0s, random).delay, 1s);
  EXPECT_EQ(policy.on_failure(settings, true, 0s, random).delay, 2s);
  EXPECT_EQ(policy.on_failure(settings, true, 0s, random).delay, 4s);
  EXPECT_EQ(policy.on_failure(settings, true, 0s, random).delay, 5s);
  policy.on_started(10s);
  EXPECT_EQ(policy.on_failure(settings, true, 14s, random).delay, 5s);  // ran, but not for long
  policy.on_started(20s);
  EXPECT_EQ(policy.on_failure(settings, true, 25s, random).delay, 1s);
}

TEST(RestartPolicy, GivesUpAfterTheLastAttempt) {
  Zero random;
  RestartPolicy policy;
  RestartSettings settings;
  settings.max_attempts = 1;
  EXPECT_TRUE(policy.on_failure(settings, true, 0s, random).delay);
  auto last = policy.on_failure(settings, true, 0s, random);
  EXPECT_FALSE(last.delay);
  EXPECT_THAT(last.text, ::testing::HasSubstr("restart.max.attempts"));
  policy.reset();
  EXPECT_TRUE(policy.on_failure(settings, true, 0s, random).delay);
}

TEST(RestartPolicy, ExtremeValuesDoNotOverflow) {
  Zero random;
  RestartPolicy policy;
  RestartSettings settings;
  settings.backoff = std::chrono::milliseconds(1);
  settings.backoff_max = std::chrono::milliseconds(1'000'000'000'000);
  std::chrono::nanoseconds before{0};
  for (int i = 0; i < 100; ++i) {
    auto delay = policy.on_failure(settings, true, 0s, random).delay;
    ASSERT_TRUE(delay);
    EXPECT_GE(*delay, before);
    before = *delay;
  }
}

TEST(RestartPolicy, SettingsComeFromTheConfig) {
  auto settings =
      RestartSettings::from({{"restart.enable", "false"}, {"restart.backoff.ms", "7"}, {"x", "y"}});
  EXPECT_FALSE(settings.enabled);
  EXPECT_EQ(settings.backoff, 7ms);
  EXPECT_EQ(settings.backoff_max, 60s);
  EXPECT_TRUE(RestartSettings::from({{"restart.enable", "maybe"}}).enabled);
}

}  // namespace
}  // namespace sluice::herder
