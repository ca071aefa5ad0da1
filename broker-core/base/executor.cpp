// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/executor.hpp"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice {
namespace {

class ThreadExecutor : public Executor {
 public:
  ThreadExecutor(const std::string& name, int threads) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { run(); });
      auto title = (name + "-" + std::to_string(i)).substr(0, 15);  // the kernel's limit
      pthread_setname_np(threads_.back().native_handle(), title.c_str());
    }
  }
  ~ThreadExecutor() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wakeup_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  void post(std::function<void()> work) override {
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return;
      ready_.push_back(std::move(work));
    }
    wakeup_.notify_one();
  }
  void post_after(std::chrono::nanoseconds delay, std::function<void()> work) override {
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return;
      timers_.emplace(std::chrono::steady_clock::now() + delay, std::move(work));
    }
    wakeup_.notify_one();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      auto now = std::chrono::steady_clock::now();
      while (!timers_.empty() && timers_.begin()->first <= now) {
        ready_.push_back(std::move(timers_.begin()->second));
        timers_.erase(timers_.begin());
      }
      if (!ready_.empty()) {
        auto work = std::move(ready_.front());
        ready_.pop_front();
        // Another must see to the rest and to the timers while this one is busy.
        if (!ready_.empty() || (!timers_.empty() && !timer_waiter_)) wakeup_.notify_one();
        lock.unlock();
        work();
        work = nullptr;  // captured state dies outside of the lock
        lock.lock();
      } else if (!timers_.empty()) {
        auto due = timers_.begin()->first;
        timer_waiter_ = true;
        wakeup_.wait_until(lock, due);
        timer_waiter_ = false;
      } else {
        wakeup_.wait(lock);
      }
    }
  }

  std::mutex mutex_;  // guards all below
  std::condition_variable wakeup_;
  std::deque<std::function<void()>> ready_;
  std::multimap<std::chrono::steady_clock::time_point, std::function<void()>> timers_;
  bool timer_waiter_ = false;  // a thread waits for a timer
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Executor> thread_executor(const std::string& name, int threads) {
  return std::make_unique<ThreadExecutor>(name, threads);
}

}  // namespace sluice
