// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/wake_timer.hpp"

#include <chrono>

namespace sluice::file_plugin {

void WakeTimer::set(int64_t at_ms) {
  {
    const std::lock_guard lock(mutex_);
    if (at_ms_ == at_ms) return;
    at_ms_ = at_ms;
  }
  changed_.notify_all();
}

void WakeTimer::run() {
  std::unique_lock lock(mutex_);
  while (!ended_) {
    if (at_ms_ == INT64_MAX) {
      changed_.wait(lock);
      continue;
    }
    const std::chrono::system_clock::time_point at{std::chrono::milliseconds(at_ms_)};
    if (std::chrono::system_clock::now() < at) {
      changed_.wait_until(lock, at);
      continue;
    }
    at_ms_ = INT64_MAX;
    context_.wake();
  }
}

}  // namespace sluice::file_plugin
