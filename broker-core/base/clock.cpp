// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/clock.hpp"

namespace sluice {
namespace {

class SystemClock : public Clock {
 public:
  TimestampMs now_ms() override {
    using namespace std::chrono;
    return TimestampMs(duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
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
