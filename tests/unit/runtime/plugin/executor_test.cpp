// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/executor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/sim_executor.hpp"
#include "tests/unit/runtime/plugin/gate.hpp"

namespace sluice::plugin {
namespace {

using testing::Gate;
using namespace std::chrono_literals;

constexpr auto kForEver = std::chrono::nanoseconds::max();

TaskOwnerPtr owner(const std::string& name = "o") {
  return std::make_shared<TaskOwner>(name);
}

WatchdogOptions bound(std::chrono::milliseconds bound, int threads = 2) {
  return {"test", threads, bound};
}

// The same rules hold for both executors.
enum class Which { kWatchdog, kPlain };
class EachExecutor : public ::testing::TestWithParam<Which> {
 protected:
  EachExecutor() {
    if (GetParam() == Which::kWatchdog) {
      executor_ =
          std::make_unique<WatchdogExecutor>(bound(60s), std::make_shared<AbandonedThreads>());
    } else {
      base_ = thread_executor("base", 3);
      executor_ = std::make_unique<PlainTaskExecutor>(*base_);
    }
  }
  ~EachExecutor() override {
    base_.reset();
    executor_.reset();
  }
  std::unique_ptr<Executor> base_;
  std::unique_ptr<TaskExecutor> executor_;
};

TEST_P(EachExecutor, StepsOfOneOwnerRunInOrderAndNeverAtOnce) {
  auto one = owner();
  std::vector<int> order;  // no lock: the executor promises happens-before
  std::atomic<int> inside{0};
  Gate done;
  for (int i = 0; i < 500; ++i) {
    executor_->post(one, [&, i] {
      EXPECT_EQ(inside.fetch_add(1), 0);
      order.push_back(i);
      inside.fetch_sub(1);
      if (i == 499) done.open();
    });
  }
  done.wait();
  ASSERT_EQ(order.size(), 500u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_P(EachExecutor, OwnersRunBesideEachOther) {
  Gate first, second;
  auto a = owner("a"), b = owner("b");
  executor_->post(a, [&] {
    second.open();
    first.wait();
  });
  executor_->post(b, [&] {
    second.wait();
    first.open();
  });  // would wait for ever on one thread
  Gate done;
  executor_->post(a, [&] { done.open(); });
  done.wait();
}

TEST_P(EachExecutor, DelayedStepsRunAndAWakeBringsThemForward) {
  auto one = owner();
  Gate soon, woken;
  executor_->post_after(one, 1ms, [&] { soon.open(); });
  soon.wait();
  executor_->post_after(one, kForEver, [&] { woken.open(); });
  executor_->wake(one);
  woken.wait();
}

TEST_P(EachExecutor, AWakeBeforeTheSleepIsNotLost) {
  auto one = owner();
  Gate woken;
  executor_->wake(one);
  executor_->post_after(one, kForEver, [&] { woken.open(); });
  woken.wait();
}

TEST_P(EachExecutor, CancelDropsWhatWaits) {
  auto one = owner();
  auto held = std::make_shared<int>();
  executor_->post_after(one, kForEver, [held] { ADD_FAILURE(); });
  executor_->post_after(one, 1h, [held, one] { ADD_FAILURE(); });
  executor_->cancel(one);
  EXPECT_EQ(held.use_count(), 1);
  Gate done;
  executor_->post(one, [&] { done.open(); });
  done.wait();
}

TEST_P(EachExecutor, ManySleepersAndWakersLoseNothing) {
  constexpr int kOwners = 50, kRounds = 200;
  struct Task {
    TaskOwnerPtr owner = std::make_shared<TaskOwner>("t");
    std::atomic<int> wanted{0};
    int seen = 0;
  };
  std::vector<Task> tasks(kOwners);
  std::atomic<int> finished{0};
  Gate done;
  std::function<void(Task&)> step = [&](Task& task) {
    task.seen = task.wanted.load();
    if (task.seen == kRounds) {
      if (++finished == kOwners) done.open();
      return;
    }
    executor_->post_after(task.owner, kForEver, [&] { step(task); });
  };
  for (auto& task : tasks) executor_->post(task.owner, [&] { step(task); });
  std::vector<std::thread> wakers;
  for (int w = 0; w < 2; ++w) {
    wakers.emplace_back([&, w] {
      for (int round = 0; round < kRounds; ++round) {
        for (int i = w; i < kOwners; i += 2) {
          ++tasks[static_cast<size_t>(i)].wanted;
          executor_->wake(tasks[static_cast<size_t>(i)].owner);
        }
      }
    });
  }
  for (auto& waker : wakers) waker.join();
  done.wait();  // a lost wake would leave a task asleep for ever
}

INSTANTIATE_TEST_SUITE_P(Both, EachExecutor, ::testing::Values(Which::kWatchdog, Which::kPlain),
                         [](const auto& which) {
                           return which.param == Which::kWatchdog ? "Watchdog" : "Plain";
                         });

TEST(Watchdog, ReplacesAThreadThatIsHeldAndTellsTheOwner) {
  auto abandoned = std::make_shared<AbandonedThreads>();
  WatchdogExecutor executor(bound(20ms, 1), abandoned);
  Gate hangs, returned, release, other;
  auto stuck =
      std::make_shared<TaskOwner>("stuck", [&](bool hanging, std::chrono::milliseconds since) {
        EXPECT_GE(since, 20ms);
        (hanging ? hangs : returned).open();
      });
  auto free = owner();
  executor.post(stuck, [&] { release.wait(); });
  executor.post(free, [&] { other.open(); });
  other.wait();  // on the replacement: the only thread is held
  hangs.wait();
  EXPECT_EQ(abandoned->count(), 1u);
  EXPECT_EQ(executor.threads(), 2u);
  Gate next;
  executor.post(stuck, [&] { next.open(); });  // not before the step that hangs has returned
  release.open();
  returned.wait();
  next.wait();
  testing::eventually([&] { return abandoned->count() == 0 && executor.threads() == 1; });
}

TEST(Watchdog, StopsReplacingAtTheCapAndRecovers) {
  auto abandoned = std::make_shared<AbandonedThreads>(2);
  WatchdogExecutor executor(bound(10ms, 1), abandoned);
  Gate release, ran;
  std::vector<TaskOwnerPtr> owners;
  std::atomic<int> begun{0};
  for (int i = 0; i < 4; ++i) {
    owners.push_back(owner());
    executor.post(owners.back(), [&] {
      ++begun;
      release.wait();
    });
  }
  testing::eventually([&] { return begun == 3; });  // two abandoned threads and the last one
  EXPECT_EQ(abandoned->count(), 2u);
  EXPECT_TRUE(abandoned->full());
  EXPECT_EQ(executor.threads(), 3u);
  release.open();
  executor.post(owners[0], [&] { ran.open(); });
  ran.wait();
  testing::eventually([&] { return abandoned->count() == 0; });
}

TEST(Watchdog, EndsWhileAStepHangs) {
  auto abandoned = std::make_shared<AbandonedThreads>();
  auto release = std::make_shared<Gate>(), begun = std::make_shared<Gate>(),
       gone = std::make_shared<Gate>();
  {
    WatchdogExecutor executor(bound(10ms), abandoned);
    executor.post(owner(), [=] {
      begun->open();
      release->wait();
      gone->open();
    });
    begun->wait();
  }
  // Threads that had no step may have been left behind as well, for a moment.
  testing::eventually([&] { return abandoned->count() == 1; });
  release->open();
  gone->wait();
  testing::eventually([&] { return abandoned->count() == 0; });
}

TEST(Watchdog, EndsWithWaitingStepsAndFreesThem) {
  auto held = std::make_shared<int>();
  {
    WatchdogExecutor executor(bound(1s), std::make_shared<AbandonedThreads>());
    for (int i = 0; i < 100; ++i) {
      auto one = owner();
      executor.post_after(one, i % 2 ? kForEver : std::chrono::nanoseconds(1h), [held, one] {});
    }
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Watchdog, FreesStepsBehindOneThatReturnsAfterTheEnd) {
  auto held = std::make_shared<int>();
  auto release = std::make_shared<Gate>(), begun = std::make_shared<Gate>();
  {
    WatchdogExecutor executor(bound(10ms), std::make_shared<AbandonedThreads>());
    auto one = owner();
    executor.post(one, [=] {
      begun->open();
      release->wait();
    });
    begun->wait();
    executor.post(one, [held, one] {});
  }
  release->open();
  testing::eventually([&] { return held.use_count() == 1; });
}

TEST(Watchdog, WakesLeaveNoTimersBehind) {
  WatchdogExecutor executor(bound(1s, 1), std::make_shared<AbandonedThreads>());
  auto one = owner();
  auto held = std::make_shared<int>();
  for (int i = 0; i < 1000; ++i) {
    Gate ran;
    executor.post_after(one, 1h, [&, held] { ran.open(); });
    executor.wake(one);
    ran.wait();
  }
  testing::eventually([&] { return held.use_count() == 1; });
}

TEST(PlainExecutor, IsDeterministicOnASeededExecutor) {
  auto run = [](uint64_t seed) {
    sluice::testing::SimClock clock;
    sluice::testing::SimExecutor sim(seed, clock);
    PlainTaskExecutor executor(sim);
    std::string order;
    std::vector<TaskOwnerPtr> owners{owner("a"), owner("b"), owner("c")};
    for (int i = 0; i < 3; ++i) {
      for (auto& one : owners) {
        executor.post(one, [&, one] { order += one->name(); });
        executor.post_after(one, std::chrono::milliseconds(10 * i + 1),
                            [&, one] { order += one->name() + "!"; });
      }
    }
    sim.advance(1s);
    return order;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_EQ(run(7), run(7));
  EXPECT_EQ(run(1).size(), 9u + 18u);
}

TEST(BlockingThread, JoinsOrIsAbandonedAndCounted) {
  auto abandoned = std::make_shared<AbandonedThreads>(1);
  auto release = std::make_shared<Gate>();
  auto quick = BlockingThread::start("quick", abandoned, [] {}).value();
  EXPECT_TRUE(quick->join_for(60s));
  EXPECT_TRUE(quick->finished());
  auto slow = BlockingThread::start("slow", abandoned, [release] { release->wait(); }).value();
  EXPECT_FALSE(slow->join_for(1ms));
  EXPECT_EQ(abandoned->count(), 1u);
  auto refused = BlockingThread::start("more", abandoned, [] {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRetriable);
  EXPECT_THAT(refused.error().message,
              ::testing::HasSubstr("1 threads are held by connectors that hang"));
  release->open();
  testing::eventually([&] { return abandoned->count() == 0; });
  EXPECT_TRUE(slow->finished());
}

TEST(BlockingThread, MayBeDroppedByItsOwnBody) {
  auto abandoned = std::make_shared<AbandonedThreads>();
  auto gone = std::make_shared<Gate>(), ready = std::make_shared<Gate>();
  auto slot = std::make_shared<std::unique_ptr<BlockingThread>>();
  *slot = BlockingThread::start("self", abandoned, [=] {
            ready->wait();
            slot->reset();
            gone->open();
          }).value();
  ready->open();
  gone->wait();
  EXPECT_EQ(abandoned->count(), 0u);
}

}  // namespace
}  // namespace sluice::plugin
