// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "broker-core/base/result.hpp"

namespace sluice::storage {

// A thread of its own for the sync of large rounds, so that the commit thread writes segments while
// the disk works. Owned and used by the committer, on the commit thread: start() and then wait(),
// in turn. The thread is made by the first start(); the destructor ends it.
class SyncThread {
 public:
  SyncThread() = default;
  ~SyncThread();
  SyncThread(const SyncThread&) = delete;
  SyncThread& operator=(const SyncThread&) = delete;

  void start(std::function<Status()> work);
  Status wait();  // for the work of the last start(); its result

 private:
  void loop();

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::function<Status()> work_;
  std::optional<Status> result_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::storage
