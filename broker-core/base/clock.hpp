// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "broker-core/base/types.hpp"

namespace sluice {

// The seam to time. `now_ms` is wall time for record timestamps and files; `steady` only moves forward and is
// for deadlines and durations. Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimestampMs now_ms() = 0;
  virtual std::chrono::nanoseconds steady() = 0;
};

Clock& system_clock();

}  // namespace sluice
