// SPDX-License-Identifier: Apache-2.0
#include "tests/support/sim_executor.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace sluice::testing {
namespace {

using std::chrono::milliseconds;

std::string order_of(uint64_t seed) {
  SimClock clock;
  SimExecutor executor(seed, clock);
  std::string order;
  for (char c : {'a', 'b', 'c', 'd'}) executor.post([&order, c] { order += c; });
  executor.run_ready();
  return order;
}

TEST(SimExecutor, aSeedGivesOneOrderAndSeedsGiveMany) {
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    EXPECT_EQ(order_of(seed), order_of(seed));
    orders.insert(order_of(seed));
  }
  EXPECT_GT(orders.size(), 10u);
}

TEST(SimExecutor, timersFireInOrderOfTimeAndSeeTheirTime) {
  SimClock clock;
  SimExecutor executor(1, clock);
  std::string seen;
  executor.post_after(milliseconds(20), [&] { seen += "20@" + std::to_string(clock.steady() / milliseconds(1)); });
  executor.post_after(milliseconds(10), [&] {
    seen += "10@" + std::to_string(clock.steady() / milliseconds(1)) + " ";
    executor.post_after(milliseconds(100), [&] { seen += "late"; });
  });
  executor.advance(milliseconds(50));
  EXPECT_EQ(seen, "10@10 20@20");
  EXPECT_EQ(clock.steady(), milliseconds(50));
}

TEST(SimExecutor, runUntilJumpsOverIdleTime) {
  SimClock clock;
  SimExecutor executor(1, clock);
  bool done = false;
  executor.post_after(std::chrono::hours(5), [&] { done = true; });
  EXPECT_TRUE(executor.run_until([&] { return done; }));
  EXPECT_EQ(clock.steady(), std::chrono::hours(5));
  EXPECT_FALSE(executor.run_until([] { return false; }));
}

}  // namespace
}  // namespace sluice::testing
