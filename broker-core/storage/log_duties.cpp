// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "broker-core/storage/log_impl.hpp"

// When rounds, checkpoints and housekeeping run: on two threads, or as work of a simulation's executor.
namespace sluice::storage {

using std::chrono::milliseconds;

void LogImpl::commit_loop() {
  while (committer_.wait()) {
    committer_.run_round();
    checkpoint_if_due();
  }
}

// Asks for a checkpoint in good time; if the housekeeping thread cannot keep up, the commit thread waits for one
// itself, which bounds the commit log: the queue fills, and appenders feel it.
void LogImpl::checkpoint_if_due() {
  if (committer_.bytes() < context_.settings.checkpoint_bytes) return;
  if (committer_.bytes() >= 3 * context_.settings.checkpoint_bytes) {
    if (checkpoint().ok()) return;
  }
  {
    std::lock_guard lock(mutex_);
    checkpoint_wanted_ = true;
  }
  wakeup_.notify_one();
}

milliseconds LogImpl::until_next_duty() {
  auto wait = std::min(next_checkpoint_, next_housekeeping_) - context_.clock.steady();
  return std::max(milliseconds(1), std::chrono::duration_cast<milliseconds>(wait) + milliseconds(1));
}

void LogImpl::housekeeping_loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wakeup_.wait_for(lock, until_next_duty(), [this] { return stopping_ || checkpoint_wanted_; });
    if (stopping_) return;
    const auto now = context_.clock.steady();
    const bool checkpoint_due = checkpoint_wanted_ || now >= next_checkpoint_;
    const bool housekeeping_due = now >= next_housekeeping_;
    checkpoint_wanted_ = false;
    if (checkpoint_due) next_checkpoint_ = now + milliseconds(context_.settings.checkpoint_interval_ms);
    if (housekeeping_due) next_housekeeping_ = now + milliseconds(context_.settings.housekeeping_interval_ms);
    lock.unlock();
    // A failure that matters is in Stats (the directory failed) or passes (no space): the next time tries again.
    if (checkpoint_due) static_cast<void>(checkpoint().ok());
    if (housekeeping_due) static_cast<void>(run_housekeeping().ok());
    lock.lock();
  }
}

void LogImpl::post_round() {
  {
    std::lock_guard lock(mutex_);
    if (round_posted_ || stopped_) return;
    round_posted_ = true;
  }
  simulation_->post([this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired()) return;
    {
      std::lock_guard lock(mutex_);
      round_posted_ = false;
    }
    committer_.run_round();
    if (alive.expired()) return;  // an acknowledgement may have ended the log
    if (committer_.bytes() >= context_.settings.checkpoint_bytes) static_cast<void>(checkpoint().ok());
    if (!committer_.empty()) post_round();
  });
}

void LogImpl::post_timer(int64_t delay_ms, void (LogImpl::*work)()) {
  simulation_->post_after(milliseconds(delay_ms), [this, work, alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired()) (this->*work)();
  });
}

void LogImpl::timed_checkpoint() {
  static_cast<void>(checkpoint().ok());
  post_timer(context_.settings.checkpoint_interval_ms, &LogImpl::timed_checkpoint);
}

void LogImpl::timed_housekeeping() {
  static_cast<void>(run_housekeeping().ok());
  post_timer(context_.settings.housekeeping_interval_ms, &LogImpl::timed_housekeeping);
}

}  // namespace sluice::storage
