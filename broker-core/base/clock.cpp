// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/clock.hpp"

namespace sluice {
namespace {

class SystemClock : public Clock {
 public:
  TimestampMs now_ms() override {
    namespace chrono = std::chrono;
    return TimestampMs(
        chrono::duration_cast<chrono::milliseconds>(chrono::system_clock::now().time_since_epoch()).count());
  }
  std::chrono::nanoseconds steady() override {
    return std::chrono::steady_clock::now().time_since_epoch();
  }
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

}  // namespace sluice
