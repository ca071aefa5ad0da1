// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <random>

#include "broker-core/base/random.hpp"

namespace sluice::testing {

// Randomness that a seed repeats. Any thread.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  void fill(std::span<uint8_t> out) override {
    std::lock_guard lock(mutex_);
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(engine_());
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

}  // namespace sluice::testing
