// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "broker-core/base/clock.hpp"
#include "broker-core/base/executor.hpp"

namespace sluice::testing {

// A clock that moves only when told. One thread. Starts at a fixed day, so that runs repeat exactly.
class SimClock : public Clock {
 public:
  TimestampMs now_ms() override {
    return TimestampMs(kStartMs + std::chrono::duration_cast<std::chrono::milliseconds>(now_).count());
  }
  std::chrono::nanoseconds steady() override { return now_; }
  // Moves the clock alone; timers of a SimExecutor fire through SimExecutor::advance.
  void move(std::chrono::nanoseconds by) { now_ += by; }

 private:
  static constexpr int64_t kStartMs = 1'700'000'000'000;
  std::chrono::nanoseconds now_{0};
};

// An executor in one thread: whoever calls the run functions runs the work. Which of the ready pieces of work is
// next is chosen by the seed, so that each seed is another interleaving and the same seed the same one.
// Owned by the test; destroyed after all that posts to it.
class SimExecutor : public Executor {
 public:
  SimExecutor(uint64_t seed, SimClock& clock) : random_(seed), clock_(clock) {}

  void post(std::function<void()> work) override { ready_.push_back(std::move(work)); }
  void post_after(std::chrono::nanoseconds delay, std::function<void()> work) override {
    timers_.emplace(clock_.steady() + delay, std::move(work));
  }

  // Runs one piece of ready work; false if there is none. Moves no time.
  bool run_one();
  // Runs ready work until there is none, `limit` pieces at most. Returns how many ran.
  size_t run_ready(size_t limit = SIZE_MAX);
  // Moves the clock by `by`, firing each timer at its time and running all work that is ready meanwhile.
  void advance(std::chrono::nanoseconds by);
  // Runs ready work, and moves the clock to the next timer whenever there is none, until `done` says true.
  // False if `limit` pieces ran, or nothing was left, before that.
  bool run_until(const std::function<bool()>& done, size_t limit = 1'000'000);
  // Forgets all work and timers (the process has crashed).
  void clear();
  bool idle() const { return ready_.empty(); }

 private:
  void fire_due();

  std::mt19937_64 random_;
  SimClock& clock_;
  std::vector<std::function<void()>> ready_;
  std::multimap<std::chrono::nanoseconds, std::function<void()>> timers_;
};

}  // namespace sluice::testing
