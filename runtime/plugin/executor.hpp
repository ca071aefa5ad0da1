// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker-core/base/executor.hpp"
#include "broker-core/base/result.hpp"

// Where code that calls into plugins runs (design decision 11): blocking code never stops anything
// else.
namespace sluice::plugin {

namespace detail {
struct OwnerState;
struct ExecutorCore;
}  // namespace detail

// One task, connector or control lane as an executor sees it. Steps of one owner never overlap and
// run in the order in which they became ready. Made by whoever posts, kept alive by the steps; used
// with one executor only.
class TaskOwner {
 public:
  using Hanging = std::function<void(bool hanging, std::chrono::milliseconds since)>;
  // `hanging(true, ..)` is called on the watchdog's thread when a step has run for longer than the
  // bound, and `hanging(false, ..)` when it has returned after all. It must not block.
  explicit TaskOwner(std::string name, Hanging hanging = {});
  ~TaskOwner();
  TaskOwner(const TaskOwner&) = delete;
  TaskOwner& operator=(const TaskOwner&) = delete;
  const std::string& name() const { return name_; }

 private:
  friend struct detail::OwnerState;
  const std::string name_;
  const Hanging hanging_;
  std::unique_ptr<detail::OwnerState> state_;  // the executor's own, under its lock
};
using TaskOwnerPtr = std::shared_ptr<TaskOwner>;

// The seam that task code depends on. Production: WatchdogExecutor. Simulation: PlainTaskExecutor
// over the seeded executor. All functions from any thread; none blocks.
class TaskExecutor {
 public:
  using Step = std::function<void()>;
  virtual ~TaskExecutor() = default;
  // Runs `step` once. Short work only: a step that holds its thread for longer than the bound is
  // "hanging".
  virtual void post(const TaskOwnerPtr& owner, Step step) = 0;
  // Runs `step` after `delay`, or at once when wake() is called before that. Costs memory only
  // while it waits.
  virtual void post_after(const TaskOwnerPtr& owner, std::chrono::nanoseconds delay, Step step) = 0;
  // Makes the owner's delayed steps ready now. With none waiting the wake is remembered: the
  // owner's next post_after runs at once, so that a wake between "nothing to do" and "sleep" is
  // never lost.
  virtual void wake(const TaskOwnerPtr& owner) = 0;
  // Drops all waiting steps of the owner. One that is running goes on.
  virtual void cancel(const TaskOwnerPtr& owner) = 0;
};

// Counts the threads that plugins hold and that the worker has given up on. Shared by the executor,
// the blocking threads and the control lanes of one worker. Any thread.
class AbandonedThreads {
 public:
  explicit AbandonedThreads(uint32_t limit = 16) : limit_(limit) {}
  bool try_add();
  void remove() { count_.fetch_sub(1, std::memory_order_relaxed); }
  uint32_t count() const { return count_.load(std::memory_order_relaxed); }
  uint32_t limit() const { return limit_; }
  bool full() const { return count() >= limit_; }

 private:
  const uint32_t limit_;
  std::atomic<uint32_t> count_{0};
};
using AbandonedThreadsPtr = std::shared_ptr<AbandonedThreads>;

struct WatchdogOptions {
  std::string name = "tasks";  // of the threads
  int threads = 2;
  std::chrono::milliseconds bound{2000};  // a step that runs longer is hanging
};

// N threads that run steps, and a watchdog: when a step has held its thread for longer than the
// bound, the thread is abandoned (counted), a new one takes its place, and the owner is told. The
// abandoned thread ends when the plugin returns. At the cap no replacement is started: then the
// pool is smaller by that thread until the step returns. Owned by the app. The destructor drops
// waiting steps and waits for the running ones, except for abandoned threads and for those that
// exceed the bound meanwhile: they are left behind (they hold what they use).
class WatchdogExecutor final : public TaskExecutor {
 public:
  WatchdogExecutor(WatchdogOptions options, AbandonedThreadsPtr abandoned);
  ~WatchdogExecutor() override;
  void post(const TaskOwnerPtr& owner, Step step) override;
  void post_after(const TaskOwnerPtr& owner, std::chrono::nanoseconds delay, Step step) override;
  void wake(const TaskOwnerPtr& owner) override;
  void cancel(const TaskOwnerPtr& owner) override;
  size_t threads() const;  // running, abandoned ones included

 private:
  std::shared_ptr<detail::ExecutorCore> core_;
};

// The same rules on any base executor, without a watchdog: for simulation (one thread, seeded
// order) and tests.
class PlainTaskExecutor final : public TaskExecutor {
 public:
  explicit PlainTaskExecutor(Executor& executor);
  ~PlainTaskExecutor() override;
  void post(const TaskOwnerPtr& owner, Step step) override;
  void post_after(const TaskOwnerPtr& owner, std::chrono::nanoseconds delay, Step step) override;
  void wake(const TaskOwnerPtr& owner) override;
  void cancel(const TaskOwnerPtr& owner) override;

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

// A thread for one task whose class blocks. Owned by the task; join_for() at its end: when the body
// does not return in time the thread is abandoned and counted until it does. The body must hold all
// that it uses.
class BlockingThread {
 public:
  // kRetriable when too many threads are abandoned already.
  static Result<std::unique_ptr<BlockingThread>> start(const std::string& name,
                                                       AbandonedThreadsPtr abandoned,
                                                       std::function<void()> body);
  ~BlockingThread();  // as join_for(0)
  bool finished() const;
  bool join_for(std::chrono::milliseconds timeout);  // false: abandoned

 private:
  BlockingThread() = default;
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sluice::plugin
