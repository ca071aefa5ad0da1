// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/control_lane.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/runtime/plugin/gate.hpp"

namespace sluice::plugin {
namespace {

using testing::Gate;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(ControlLanes, RunsOneCallOfALaneAtATimeAndGivesTheResult) {
  ControlLanes lanes({4, 60s, 64}, std::make_shared<AbandonedThreads>());
  std::atomic<int> inside{0}, sum{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 64; ++i) {
    callers.emplace_back([&, i] {
      auto result = lanes.call<int>("c", "connector c", "validate", 60s, [&, i] {
        EXPECT_EQ(inside.fetch_add(1), 0);
        inside.fetch_sub(1);
        return i;
      });
      sum += result.value();
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(sum, 64 * 63 / 2);
}

TEST(ControlLanes, AHangingLaneFailsItsOwnCallsAndNoOthers) {
  auto abandoned = std::make_shared<AbandonedThreads>();
  ControlLanes lanes({1, 20ms, 64}, abandoned);
  auto release = std::make_shared<Gate>();
  std::vector<std::thread> callers;
  std::atomic<int> busy{0}, unfinished{0};
  for (int i = 0; i < 64; ++i) {
    callers.emplace_back([&] {
      auto status = lanes.run("class:x", "class x", "validate", 2s, [release] { release->wait(); });
      ASSERT_FALSE(status.ok());
      EXPECT_EQ(status.error().kind, ErrorKind::kTimeout);
      if (status.error().message.find("class x has been busy in validate for") == 0) ++busy;
      if (status.error().message == "class x did not finish validate within 2000 ms") ++unfinished;
    });
  }
  testing::eventually([&] { return abandoned->count() == 1; });
  // The only thread is held, and another lane works all the same.
  EXPECT_EQ(lanes.call<int>("other", "connector o", "validate", 60s, [] { return 5; }).value(), 5);
  testing::eventually([&] { return lanes.hanging() == std::vector<std::string>{"class:x"}; });
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(busy, 63);
  EXPECT_EQ(unfinished, 1);
  EXPECT_EQ(abandoned->count(), 1u);  // one thread for 64 calls
  release->open();
  testing::eventually([&] { return abandoned->count() == 0; });
  EXPECT_TRUE(lanes.run("class:x", "class x", "validate", 60s, [] {}).ok());
  EXPECT_TRUE(lanes.hanging().empty());
}

TEST(ControlLanes, CallsThatWereGivenUpAreNeverBegun) {
  ControlLanes lanes({1, 60s, 64}, std::make_shared<AbandonedThreads>());
  auto release = std::make_shared<Gate>(), begun = std::make_shared<Gate>();
  std::thread holder([&] {
    EXPECT_TRUE(lanes
                    .run("c", "connector c", "stop", 60s,
                         [=] {
                           begun->open();
                           release->wait();
                         })
                    .ok());
  });
  begun->wait();
  auto late = lanes.run("c", "connector c", "validate", 10ms,
                        [] { ADD_FAILURE() << "begun after its caller left"; });
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().kind, ErrorKind::kTimeout);
  release->open();
  holder.join();
  EXPECT_TRUE(lanes.run("c", "connector c", "validate", 60s, [] {}).ok());
}

TEST(ControlLanes, TooManyWaitingCallsFailAtOnce) {
  ControlLanes lanes({1, 60s, 1}, std::make_shared<AbandonedThreads>());
  auto release = std::make_shared<Gate>(), begun = std::make_shared<Gate>();
  std::atomic<int> refused{0};
  std::thread holder([&] {
    (void)lanes.run("c", "connector c", "stop", 60s, [=] {
      begun->open();
      release->wait();
    });
  });
  begun->wait();
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      auto status = lanes.run("c", "connector c", "validate", 60s, [] {});
      if (status.ok()) return;
      EXPECT_EQ(status.error().kind, ErrorKind::kRetriable);
      EXPECT_THAT(status.error().message, HasSubstr("calls are waiting already"));
      if (++refused == 7) release->open();
    });
  }
  for (auto& caller : callers) caller.join();
  holder.join();
  EXPECT_EQ(refused, 7);
}

TEST(ControlLanes, EndWhileACallHangs) {
  auto abandoned = std::make_shared<AbandonedThreads>();
  auto release = std::make_shared<Gate>();
  {
    ControlLanes lanes({1, 10ms, 4}, abandoned);
    EXPECT_FALSE(
        lanes.run("c", "connector c", "validate", 20ms, [release] { release->wait(); }).ok());
  }
  // Threads that had no call may have been left behind as well, for a moment.
  testing::eventually([&] { return abandoned->count() == 1; });
  release->open();
  testing::eventually([&] { return abandoned->count() == 0; });
}

}  // namespace
}  // namespace sluice::plugin
