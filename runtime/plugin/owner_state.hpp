// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <utility>

#include "runtime/plugin/executor.hpp"

namespace sluice::plugin::detail {

// The earliest timer first; the number makes each unique and keeps the order of equal times.
using TimerKey = std::pair<std::chrono::nanoseconds, uint64_t>;

// What an executor knows of one owner. Guarded by the executor's lock.
struct OwnerState {
  std::deque<TaskExecutor::Step> ready;
  std::map<TimerKey, TaskExecutor::Step> delayed;
  bool queued = false;  // in the executor's queue of owners that have something to run
  bool running = false;
  bool woken = false;  // a wake that found nothing to wake

  static OwnerState& of(TaskOwner& owner) { return *owner.state_; }
  static const TaskOwner::Hanging& hanging(const TaskOwner& owner) { return owner.hanging_; }
};

}  // namespace sluice::plugin::detail
