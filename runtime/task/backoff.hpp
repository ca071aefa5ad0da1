// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>

#include "broker-core/base/random.hpp"

namespace sluice::task {

// Exponential delays with jitter: half of each is fixed, half is random, so that a thousand tasks
// that lost the same peer do not come back in step. One thread.
class Backoff {
 public:
  Backoff(Random& random, std::chrono::milliseconds first, std::chrono::milliseconds max)
      : random_(random), first_(first), max_(std::max(first, max)), next_(first) {}

  std::chrono::nanoseconds next() {
    const auto full = std::chrono::nanoseconds(next_);
    next_ = std::min(next_ * 2, max_);
    const uint64_t half = static_cast<uint64_t>(full.count()) / 2;
    return std::chrono::nanoseconds(half + random_.next() % (half + 1));
  }
  void reset() { next_ = first_; }

 private:
  Random& random_;
  std::chrono::milliseconds first_, max_, next_;
};

}  // namespace sluice::task
