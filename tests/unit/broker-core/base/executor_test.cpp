// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/executor.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace sluice {
namespace {

TEST(ThreadExecutor, RunsEverythingPosted) {
  std::atomic<int> ran{0};
  std::promise<void> last;
  {
    auto executor = thread_executor("test", 3);
    for (int i = 0; i < 1000; ++i) {
      executor->post([&] {
        if (++ran == 1000) last.set_value();
      });
    }
    last.get_future().wait();
  }
  EXPECT_EQ(ran, 1000);
}

TEST(ThreadExecutor, TimersRunInOrderOfTime) {
  auto executor = thread_executor("test", 1);
  std::vector<int> order;
  std::promise<void> go, done;
  executor->post([&] { go.get_future().wait(); });  // until all three are given
  executor->post_after(std::chrono::milliseconds(20), [&] {
    order.push_back(2);
    done.set_value();
  });
  executor->post_after(std::chrono::milliseconds(1), [&] { order.push_back(1); });
  executor->post([&] { order.push_back(0); });
  go.set_value();
  done.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(ThreadExecutor, DropsWaitingTimersAtTheEnd) {
  std::atomic<bool> ran{false};
  {
    thread_executor("test", 1)->post_after(std::chrono::hours(1), [&] { ran = true; });
  }
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace sluice
