// SPDX-License-Identifier: Apache-2.0
#include "tests/support/sim_executor.hpp"

namespace sluice::testing {

bool SimExecutor::run_one() {
  if (ready_.empty()) return false;
  size_t chosen = random_() % ready_.size();
  auto work = std::move(ready_[chosen]);
  ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(chosen));
  work();
  return true;
}

size_t SimExecutor::run_ready(size_t limit) {
  size_t count = 0;
  while (count < limit && run_one()) ++count;
  return count;
}

void SimExecutor::fire_due() {
  while (!timers_.empty() && timers_.begin()->first <= clock_.steady()) {
    ready_.push_back(std::move(timers_.begin()->second));
    timers_.erase(timers_.begin());
  }
}

void SimExecutor::advance(std::chrono::nanoseconds by) {
  const auto end = clock_.steady() + by;
  run_ready();
  while (!timers_.empty() && timers_.begin()->first <= end) {
    const auto due = timers_.begin()->first;
    if (due > clock_.steady()) clock_.move(due - clock_.steady());
    fire_due();
    run_ready();
  }
  if (end > clock_.steady()) clock_.move(end - clock_.steady());
}

bool SimExecutor::run_until(const std::function<bool()>& done, size_t limit) {
  for (size_t i = 0; i < limit; ++i) {
    if (done()) return true;
    if (run_one()) continue;
    if (timers_.empty()) return false;
    const auto due = timers_.begin()->first;
    if (due > clock_.steady()) clock_.move(due - clock_.steady());
    fire_due();
  }
  return done();
}

void SimExecutor::clear() {
  ready_.clear();
  timers_.clear();
}

}  // namespace sluice::testing
