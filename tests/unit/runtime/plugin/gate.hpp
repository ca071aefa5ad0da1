// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace sluice::plugin::testing {

// Opens once; whoever waits goes on then. A test that waits in vain ends with ctest's timeout.
class Gate {
 public:
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

// For states of other threads that nobody announces.
inline void eventually(const std::function<bool()>& condition) {
  while (!condition()) std::this_thread::yield();
}

}  // namespace sluice::plugin::testing
