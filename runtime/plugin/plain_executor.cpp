// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <mutex>
#include <utility>

#include "runtime/plugin/executor.hpp"
#include "runtime/plugin/owner_state.hpp"

namespace sluice::plugin {

using detail::OwnerState;

// Shared with the work given to the base executor, which may outlive this object.
struct PlainTaskExecutor::Core : std::enable_shared_from_this<Core> {
  explicit Core(Executor& with) : executor(with) {}
  Executor& executor;
  std::mutex mutex;  // guards all below and every owner's state
  uint64_t next_timer = 0;
  bool stopping = false;

  // Has the owner's next ready step run. Under the lock.
  void enqueue(const TaskOwnerPtr& owner) {
    auto& state = OwnerState::of(*owner);
    if (state.queued || state.running || state.ready.empty()) return;
    state.queued = true;
    executor.post([self = shared_from_this(), owner] { self->run_one(owner); });
  }

  void run_one(const TaskOwnerPtr& owner) {
    auto& state = OwnerState::of(*owner);
    TaskExecutor::Step step;
    {
      std::lock_guard lock(mutex);
      state.queued = false;
      if (stopping || state.ready.empty()) return;
      step = std::move(state.ready.front());
      state.ready.pop_front();
      state.running = true;
    }
    step();
    step = nullptr;
    std::lock_guard lock(mutex);
    state.running = false;
    if (!stopping) enqueue(owner);
  }

  void expire(const TaskOwnerPtr& owner, const detail::TimerKey& key) {
    std::lock_guard lock(mutex);
    if (stopping) return;
    auto& state = OwnerState::of(*owner);
    auto step = state.delayed.extract(key);
    if (!step) return;
    state.ready.push_back(std::move(step.mapped()));
    enqueue(owner);
  }
};

PlainTaskExecutor::PlainTaskExecutor(Executor& executor)
    : core_(std::make_shared<Core>(executor)) {}

PlainTaskExecutor::~PlainTaskExecutor() {
  std::lock_guard lock(core_->mutex);
  core_->stopping = true;
}

void PlainTaskExecutor::post(const TaskOwnerPtr& owner, Step step) {
  std::lock_guard lock(core_->mutex);
  OwnerState::of(*owner).ready.push_back(std::move(step));
  core_->enqueue(owner);
}

void PlainTaskExecutor::post_after(const TaskOwnerPtr& owner, std::chrono::nanoseconds delay,
                                   Step step) {
  std::lock_guard lock(core_->mutex);
  auto& state = OwnerState::of(*owner);
  if (delay.count() <= 0 || std::exchange(state.woken, false)) {
    state.ready.push_back(std::move(step));
    core_->enqueue(owner);
    return;
  }
  detail::TimerKey key{std::chrono::nanoseconds(0), core_->next_timer++};
  state.delayed.emplace(key, std::move(step));
  // Only a wake ends one that waits for ever; a year is taken for that.
  if (delay >= std::chrono::hours(24 * 365)) return;
  std::weak_ptr<TaskOwner> weak = owner;
  core_->executor.post_after(delay, [core = core_, weak, key] {
    if (auto held = weak.lock()) core->expire(held, key);
  });
}

void PlainTaskExecutor::wake(const TaskOwnerPtr& owner) {
  std::lock_guard lock(core_->mutex);
  auto& state = OwnerState::of(*owner);
  if (state.delayed.empty()) {
    state.woken = true;
    return;
  }
  for (auto& entry : state.delayed) state.ready.push_back(std::move(entry.second));
  state.delayed.clear();
  core_->enqueue(owner);
}

void PlainTaskExecutor::cancel(const TaskOwnerPtr& owner) {
  std::deque<Step> ready;
  std::map<detail::TimerKey, Step> delayed;
  std::lock_guard lock(core_->mutex);
  auto& state = OwnerState::of(*owner);
  ready.swap(state.ready);  // destroyed after the lock is released
  delayed.swap(state.delayed);
  state.woken = false;
}

}  // namespace sluice::plugin
