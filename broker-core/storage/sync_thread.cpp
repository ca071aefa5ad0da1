// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/sync_thread.hpp"

#include <pthread.h>

namespace sluice::storage {

SyncThread::~SyncThread() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SyncThread::start(std::function<Status()> work) {
  {
    std::lock_guard lock(mutex_);
    work_ = std::move(work);
    result_.reset();
    if (!thread_.joinable()) {
      thread_ = std::thread([this] { loop(); });
      pthread_setname_np(thread_.native_handle(), "commit-sync");
    }
  }
  changed_.notify_all();
}

Status SyncThread::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return result_.has_value(); });
  return *result_;
}

void SyncThread::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || work_; });
    if (stopping_) return;
    auto work = std::move(work_);
    work_ = nullptr;
    lock.unlock();
    auto result = work();
    lock.lock();
    result_ = std::move(result);
    changed_.notify_all();
  }
}

}  // namespace sluice::storage
