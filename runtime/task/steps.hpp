// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "broker-core/base/clock.hpp"
#include "broker-core/base/executor.hpp"

namespace sluice::task {

// What a state machine wants after a step.
struct Next {
  enum Kind { kAgain, kWait, kDone };
  Kind kind = kWait;
  std::chrono::nanoseconds delay =
      std::chrono::nanoseconds::max();  // kWait: at the latest; max = until woken
  static Next again() { return {kAgain, {}}; }
  static Next wait(std::chrono::nanoseconds delay = std::chrono::nanoseconds::max()) {
    return {kWait, delay};
  }
  static Next done() { return {kDone, {}}; }
};

// A state machine that somebody drives: step() by one thread at a time (happens-before between
// steps), each a bounded piece of work, until it says kDone.
class Steps {
 public:
  virtual ~Steps() = default;
  virtual Next step() = 0;
};

// Calls the steps. Alive until the steps said kDone or it is dropped; a step under way keeps the
// Steps alive.
class Drive {
 public:
  virtual ~Drive() = default;  // no further step begins; does not wait for one under way
  virtual void wake() = 0;     // [any thread] step soon; cheap; also ends a kWait that begins later
};

// On a shared executor (non-blocking classes, and the simulation): costs no thread while it waits.
std::shared_ptr<Drive> drive_on_executor(Executor& executor, std::shared_ptr<Steps> steps);
// On a thread of its own (blocking classes). A thread that is stuck in a plugin when the drive is
// dropped is abandoned: it ends when the plugin lets it.
std::shared_ptr<Drive> drive_on_thread(const std::string& name, std::shared_ptr<Steps> steps);

}  // namespace sluice::task
