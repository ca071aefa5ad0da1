// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

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

}  // namespace sluice::task
