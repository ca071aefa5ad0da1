// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace sluice {

// The seam to randomness: ids, jitter. Any thread.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<uint8_t> out) = 0;
  uint64_t next() {
    uint8_t raw[8];
    fill(raw);
    uint64_t value = 0;
    for (uint8_t byte : raw) value = value << 8 | byte;
    return value;
  }
};

Random& system_random();  // getrandom(2)

}  // namespace sluice
