// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/context.hpp>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace sluice::file_plugin {

// Has the worker call an idle sink at a given time: it calls by itself only while there are
// records. A thread that sleeps; only sinks that roll by time have one. Owned by the task, which
// ends it.
class WakeTimer {
 public:
  explicit WakeTimer(const sdk::Context& context) : context_(context), thread_([this] { run(); }) {}
  WakeTimer(const WakeTimer&) = delete;
  WakeTimer& operator=(const WakeTimer&) = delete;
  ~WakeTimer() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  // Wall clock, milliseconds; INT64_MAX: not at all.
  void set(int64_t at_ms);

 private:
  void run();

  sdk::Context context_;
  std::mutex mutex_;  // for what follows
  std::condition_variable changed_;
  int64_t at_ms_ = INT64_MAX;
  bool ended_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace sluice::file_plugin
