// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "runtime/task/steps.hpp"
#include "tests/support/sim_executor.hpp"

namespace sluice::testing {

// Drives a state machine on the seeded executor: one step at a time, a wake is never lost.
class StepDrive : public task::Drive, public std::enable_shared_from_this<StepDrive> {
 public:
  StepDrive(SimExecutor& executor, std::weak_ptr<task::Steps> steps)
      : executor_(executor), steps_(std::move(steps)) {}
  void wake() override { schedule(); }
  uint64_t steps() const { return count_; }
  bool done() const { return done_; }
  // No step for this long, as if the last one did not come back.
  void hold(std::chrono::nanoseconds time) {
    if (std::exchange(held_, true)) return;
    executor_.post_after(time, [weak = weak_from_this()] {
      auto self = weak.lock();
      if (!self) return;
      self->held_ = false;
      self->schedule();
    });
  }

 private:
  void schedule() {
    if (scheduled_) return;
    scheduled_ = true;
    executor_.post([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->run();
    });
  }
  void run() {
    scheduled_ = false;
    if (held_) return;
    auto steps = steps_.lock();
    if (!steps) return;
    ++count_;
    const uint64_t round = ++round_;
    const task::Next next = steps->step();
    if (next.kind == task::Next::kAgain) return schedule();
    done_ = next.kind == task::Next::kDone;
    if (done_ || next.delay == std::chrono::nanoseconds::max()) return;
    executor_.post_after(next.delay, [weak = weak_from_this(), round] {
      auto self = weak.lock();
      if (self && self->round_ == round) self->schedule();
    });
  }

  SimExecutor& executor_;
  std::weak_ptr<task::Steps> steps_;
  bool scheduled_ = false;
  bool held_ = false;
  bool done_ = false;
  uint64_t round_ = 0;
  uint64_t count_ = 0;
};

}  // namespace sluice::testing
