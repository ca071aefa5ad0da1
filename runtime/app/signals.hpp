// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

namespace sluice::app {

// SIGTERM and SIGINT for the whole process: the first one asks to drain, the second one ends the
// process with the shell's code for it. Made before any other thread, so that all inherit the
// blocked signals. SIGPIPE is ignored. Owned by the run command; one thread of its own, which ends
// with the destructor.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  bool arrived();
  void wait();  // until the first signal

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  int received_ = 0;     // under mutex_
  bool ending_ = false;  // under mutex_
  std::thread thread_;
};

}  // namespace sluice::app
