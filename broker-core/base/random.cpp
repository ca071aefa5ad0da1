// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/random.hpp"

#include <cstdlib>
#include <sys/random.h>

namespace sluice {
namespace {

class SystemRandom : public Random {
 public:
  void fill(std::span<uint8_t> out) override {
    while (!out.empty()) {
      ssize_t got = getrandom(out.data(), out.size(), 0);
      if (got < 0) continue;  // EINTR is the only error for a valid buffer
      out = out.subspan(static_cast<size_t>(got));
    }
  }
};

}  // namespace

Random& system_random() {
  static SystemRandom random;
  return random;
}

}  // namespace sluice
