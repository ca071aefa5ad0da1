// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace sluice {

// The seam to threads and timers. Production: a pool of threads (thread_executor). Simulation: one thread and
// a virtual clock, where `post` order is chosen by a seed. Work given to it must not block for long.
class Executor {
 public:
  virtual ~Executor() = default;
  // Runs `work` once, on any thread of the executor. After the executor began to stop, work is dropped.
  virtual void post(std::function<void()> work) = 0;
  virtual void post_after(std::chrono::nanoseconds delay, std::function<void()> work) = 0;
};

// A pool of `threads` threads named `name`-N. The destructor runs no new work, waits for the running one.
std::unique_ptr<Executor> thread_executor(const std::string& name, int threads);

}  // namespace sluice
