// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "broker-core/base/executor.hpp"

namespace sluice::herder {

// Runs pieces of work one after the other, in the order of post(), on an executor that may have
// many threads (or none: the simulation's). Shared by whoever posts; work that waits when the last
// reference goes is dropped.
class Strand : public std::enable_shared_from_this<Strand> {
 public:
  explicit Strand(Executor& executor) : executor_(executor) {}
  void post(std::function<void()> work);
  void post_after(std::chrono::nanoseconds delay, std::function<void()> work);

 private:
  void run_one();

  Executor& executor_;
  std::mutex mutex_;
  std::deque<std::function<void()>> queue_;
  bool scheduled_ = false;
};

}  // namespace sluice::herder
