// SPDX-License-Identifier: Apache-2.0
#include "runtime/task/drive.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace sluice::task {
namespace {

// "Until woken" is a long wait here: a step too many in an hour harms nobody, an overflow of the
// clock would.
constexpr std::chrono::nanoseconds kLongest = std::chrono::hours(1);

// Posts one step at a time. The waiting step holds the Steps, not the drive: when the last
// reference to the drive goes, what waits is cancelled, and a step that is under way is the last
// one.
class ExecutorDrive : public Drive, public std::enable_shared_from_this<ExecutorDrive> {
 public:
  ExecutorDrive(plugin::TaskExecutor& executor, plugin::TaskOwnerPtr owner,
                std::shared_ptr<Steps> steps)
      : executor_(executor), owner_(std::move(owner)), steps_(std::move(steps)) {}
  ~ExecutorDrive() override { executor_.cancel(owner_); }
  void begin() { executor_.post(owner_, step()); }
  void wake() override { executor_.wake(owner_); }

 private:
  plugin::TaskExecutor::Step step() {
    return [weak = weak_from_this(), steps = steps_] {
      if (weak.expired()) return;
      Next next = steps->step();
      auto self = weak.lock();
      if (!self || next.kind == Next::kDone) return;
      if (next.kind == Next::kAgain) {
        self->executor_.post(self->owner_, self->step());
      } else {
        self->executor_.post_after(self->owner_,
                                   std::clamp(next.delay, std::chrono::nanoseconds(0), kLongest),
                                   self->step());
      }
    };
  }

  plugin::TaskExecutor& executor_;
  const plugin::TaskOwnerPtr owner_;
  const std::shared_ptr<Steps> steps_;
};

// Steps on a thread of their own. The thread holds the state, not the drive.
class ThreadDrive : public Drive {
 public:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool woken = false;
    bool dropped = false;
    std::shared_ptr<Steps> steps;
  };
  ThreadDrive(std::shared_ptr<State> state, std::unique_ptr<plugin::BlockingThread> thread)
      : state_(std::move(state)), thread_(std::move(thread)) {}
  ~ThreadDrive() override {
    {
      std::lock_guard lock(state_->mutex);
      state_->dropped = true;
    }
    state_->changed.notify_all();
    // A thread that only waits is gone in no time; one that is stuck in the plugin is abandoned,
    // and counted.
    thread_->join_for(std::chrono::milliseconds(20));
  }
  void wake() override {
    {
      std::lock_guard lock(state_->mutex);
      state_->woken = true;
    }
    state_->changed.notify_all();
  }

  static void run(State& state) {
    while (true) {
      {
        std::lock_guard lock(state.mutex);
        if (state.dropped) return;
      }
      Next next = state.steps->step();
      if (next.kind == Next::kDone) return;
      if (next.kind == Next::kAgain) continue;
      std::unique_lock lock(state.mutex);
      state.changed.wait_for(lock, std::clamp(next.delay, std::chrono::nanoseconds(0), kLongest),
                             [&] { return state.woken || state.dropped; });
      state.woken = false;
    }
  }

 private:
  const std::shared_ptr<State> state_;
  const std::unique_ptr<plugin::BlockingThread> thread_;
};

}  // namespace

std::shared_ptr<Drive> drive_on_executor(plugin::TaskExecutor& executor, plugin::TaskOwnerPtr owner,
                                         std::shared_ptr<Steps> steps) {
  auto drive = std::make_shared<ExecutorDrive>(executor, std::move(owner), std::move(steps));
  drive->begin();
  return drive;
}

Result<std::shared_ptr<Drive>> drive_on_thread(const std::string& name,
                                               plugin::AbandonedThreadsPtr abandoned,
                                               std::shared_ptr<Steps> steps) {
  auto state = std::make_shared<ThreadDrive::State>();
  state->steps = std::move(steps);
  SLUICE_ASSIGN(auto thread, plugin::BlockingThread::start(name, std::move(abandoned), [state] {
                  ThreadDrive::run(*state);
                  // The runner may hold the drive, whose state holds the runner: the circle ends
                  // with the thread.
                  std::shared_ptr<Steps> last;
                  std::lock_guard lock(state->mutex);
                  last.swap(state->steps);
                }));
  return std::shared_ptr<Drive>(std::make_shared<ThreadDrive>(state, std::move(thread)));
}

}  // namespace sluice::task
