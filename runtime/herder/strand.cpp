// SPDX-License-Identifier: Apache-2.0
#include "runtime/herder/strand.hpp"

namespace sluice::herder {

void Strand::post(std::function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    if (scheduled_) return;
    scheduled_ = true;
  }
  executor_.post([self = shared_from_this()] { self->run_one(); });
}

void Strand::post_after(std::chrono::nanoseconds delay, std::function<void()> work) {
  executor_.post_after(delay, [weak = weak_from_this(), work = std::move(work)]() mutable {
    if (auto self = weak.lock()) self->post(std::move(work));
  });
}

void Strand::run_one() {
  std::function<void()> work;
  {
    std::lock_guard lock(mutex_);
    work = std::move(queue_.front());
    queue_.pop_front();
  }
  work();
  work = nullptr;
  std::lock_guard lock(mutex_);
  if (queue_.empty()) {
    scheduled_ = false;
  } else {
    executor_.post([self = shared_from_this()] { self->run_one(); });
  }
}

}  // namespace sluice::herder
