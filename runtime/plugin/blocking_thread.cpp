// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "runtime/plugin/executor.hpp"

namespace sluice::plugin {

// Shared with the thread, which may outlive the owner.
struct BlockingThread::State {
  std::mutex mutex;  // guards all below
  std::condition_variable ended;
  bool done = false;
  bool abandoned = false;  // detached
  bool counted = false;    // in `threads`
  AbandonedThreadsPtr threads;
  std::thread thread;  // the owner's alone
};

Result<std::unique_ptr<BlockingThread>> BlockingThread::start(const std::string& name,
                                                              AbandonedThreadsPtr abandoned,
                                                              std::function<void()> body) {
  if (abandoned->full()) {
    return Error{ErrorKind::kRetriable,
                 std::to_string(abandoned->count()) +
                     " threads are held by connectors that hang; no more are started until one "
                     "returns, or until the worker is restarted"};
  }
  std::unique_ptr<BlockingThread> out(new BlockingThread);
  out->state_ = std::make_shared<State>();
  out->state_->threads = std::move(abandoned);
  try {
    out->state_->thread = std::thread([state = out->state_, body = std::move(body)]() mutable {
      body();
      body = nullptr;
      std::lock_guard lock(state->mutex);
      state->done = true;
      if (state->counted) state->threads->remove();
      state->ended.notify_all();
    });
  } catch (const std::system_error& e) {
    return Error{ErrorKind::kRetriable, std::string("no thread can be started: ") + e.what()};
  }
  pthread_setname_np(out->state_->thread.native_handle(), name.substr(0, 15).c_str());
  return out;
}

BlockingThread::~BlockingThread() {
  if (state_) join_for(std::chrono::milliseconds(0));
}

bool BlockingThread::finished() const {
  std::lock_guard lock(state_->mutex);
  return state_->done;
}

bool BlockingThread::join_for(std::chrono::milliseconds timeout) {
  {
    std::unique_lock lock(state_->mutex);
    if (state_->abandoned) return state_->done;
    // The owner may be dropped by the body itself: a thread cannot wait for its own end.
    bool own = state_->thread.get_id() == std::this_thread::get_id();
    if (!own && state_->ended.wait_for(lock, timeout, [&] { return state_->done; })) {
      lock.unlock();
      if (state_->thread.joinable()) state_->thread.join();
      return true;
    }
    state_->abandoned = true;
    if (!own) state_->counted = state_->threads->try_add();
  }
  state_->thread.detach();
  return false;
}

}  // namespace sluice::plugin
