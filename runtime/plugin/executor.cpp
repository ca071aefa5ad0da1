// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/executor.hpp"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/plugin/owner_state.hpp"

namespace sluice::plugin {

using Clock = std::chrono::steady_clock;
using detail::OwnerState;

TaskOwner::TaskOwner(std::string name, Hanging hanging)
    : name_(std::move(name)),
      hanging_(std::move(hanging)),
      state_(std::make_unique<OwnerState>()) {}
TaskOwner::~TaskOwner() = default;

bool AbandonedThreads::try_add() {
  auto count = count_.load(std::memory_order_relaxed);
  while (count < limit_) {
    if (count_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) return true;
  }
  return false;
}

namespace detail {

// What the threads share. Held by each of them, so that an abandoned one finds it after the
// executor is gone.
struct ExecutorCore : std::enable_shared_from_this<ExecutorCore> {
  // One thread of the pool.
  struct Worker {
    TaskOwnerPtr owner;  // of the step that runs
    Clock::time_point since;
    bool running = false;
    bool reported = false;   // the owner is told that it hangs
    bool telling = false;    // just now
    bool abandoned = false;  // another thread took its place
    bool done = false;
  };
  struct Pooled {
    std::thread thread;
    std::shared_ptr<Worker> worker;
  };

  ExecutorCore(WatchdogOptions with, AbandonedThreadsPtr count)
      : options(std::move(with)), abandoned(std::move(count)) {}

  const WatchdogOptions options;
  const AbandonedThreadsPtr abandoned;

  mutable std::mutex mutex;        // guards all below and every owner's state
  std::condition_variable work;    // for the workers
  std::condition_variable watch;   // for the watchdog, and for whoever waits for workers to end
  std::deque<TaskOwnerPtr> queue;  // owners that have ready steps and run none
  std::map<TimerKey, std::weak_ptr<TaskOwner>> timers;
  uint64_t next_timer = 0;
  bool timer_waiter = false;  // one worker waits for the earliest timer, the others for work only
  bool stopping = false;
  std::list<Pooled> pool;
  size_t idle = 0;

  void enqueue(const TaskOwnerPtr& owner) {
    auto& state = OwnerState::of(*owner);
    if (state.queued || state.running || state.ready.empty()) return;
    state.queued = true;
    queue.push_back(owner);
    work.notify_one();
  }

  static Clock::time_point due_of(const TimerKey& key) { return Clock::time_point(key.first); }

  // Owners whose last reference this was go to `dead`, to end outside of the lock.
  void fire_due(Clock::time_point now, std::vector<TaskOwnerPtr>& dead) {
    while (!timers.empty() && due_of(timers.begin()->first) <= now) {
      auto timer = timers.extract(timers.begin());
      auto owner = timer.mapped().lock();
      if (!owner) continue;
      auto& state = OwnerState::of(*owner);
      if (auto step = state.delayed.extract(timer.key())) {
        state.ready.push_back(std::move(step.mapped()));
        enqueue(owner);
      }
      dead.push_back(std::move(owner));
    }
  }

  void drop_timers(OwnerState& state) {
    for (const auto& entry : state.delayed) timers.erase(entry.first);
  }

  void start_worker() {
    auto worker = std::make_shared<Worker>();
    std::thread thread([self = shared_from_this(), worker] { self->run(*worker); });
    pthread_setname_np(thread.native_handle(), options.name.substr(0, 15).c_str());
    pool.push_back({std::move(thread), std::move(worker)});
  }

  void run(Worker& self) {
    std::unique_lock lock(mutex);
    while (!stopping && !self.abandoned) {
      std::vector<TaskOwnerPtr> dead;
      fire_due(Clock::now(), dead);
      if (!dead.empty()) {
        lock.unlock();
        dead.clear();
        lock.lock();
        continue;
      }
      if (!queue.empty()) {
        run_one(self, lock);
        continue;
      }
      // Only one of them wakes up for timers; it passes that on when it finds work.
      if (!timers.empty() && !timer_waiter) {
        timer_waiter = true;
        auto due = due_of(timers.begin()->first);
        work.wait_until(lock, due);
        timer_waiter = false;
      } else {
        work.wait(lock);
      }
    }
    self.done = true;
    if (self.abandoned) abandoned->remove();
    watch.notify_all();
  }

  // One step of the first owner in the queue; the lock is not held while it runs.
  void run_one(Worker& self, std::unique_lock<std::mutex>& lock) {
    auto owner = std::move(queue.front());
    queue.pop_front();
    auto& state = OwnerState::of(*owner);
    state.queued = false;
    if (state.ready.empty()) return;  // cancelled meanwhile
    auto step = std::move(state.ready.front());
    state.ready.pop_front();
    state.running = true;
    self.owner = owner;
    self.since = Clock::now();
    self.running = true;
    self.reported = false;
    // Another must see to the rest of the queue and to the timers while this one is busy.
    if (!queue.empty() || (!timers.empty() && !timer_waiter)) work.notify_one();
    lock.unlock();
    step();
    step = nullptr;  // what it captured dies outside of the lock
    lock.lock();
    self.running = false;
    // Its owner must not hear first that it came back and then that it hangs.
    watch.wait(lock, [&] { return !self.telling; });
    self.owner = nullptr;
    auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - self.since);
    // Before its next step may begin, which may hang as well.
    if (const auto& tell = OwnerState::hanging(*owner); self.reported && tell) {
      lock.unlock();
      tell(false, took);
      lock.lock();
    }
    state.running = false;
    std::deque<TaskExecutor::Step> dropped;  // nobody runs them now, and they may own their owner
    if (stopping) {
      dropped.swap(state.ready);
    } else {
      enqueue(owner);
    }
    lock.unlock();
    dropped.clear();
    owner = nullptr;  // may be the last one
    lock.lock();
  }

  // A step that runs too long.
  struct Late {
    std::shared_ptr<Worker> worker;
    TaskOwnerPtr owner;
    std::chrono::milliseconds took;
  };

  // Looks at the running steps; returns when the next one will be late.
  Clock::time_point look(std::vector<Late>& late) {
    auto now = Clock::now();
    auto next = now + options.bound;
    size_t replacements = 0;
    for (auto& pooled : pool) {
      auto& worker = *pooled.worker;
      if (!worker.running || worker.abandoned) continue;
      if (now - worker.since < options.bound) {
        next = std::min(next, worker.since + options.bound);
        continue;
      }
      if (!worker.reported) {
        worker.reported = worker.telling = true;
        late.push_back({pooled.worker, worker.owner,
                        std::chrono::duration_cast<std::chrono::milliseconds>(now - worker.since)});
      }
      // At the cap it is tried again at the next look: an abandoned thread may have come back by
      // then.
      if (abandoned->try_add()) {
        worker.abandoned = true;
        pooled.thread.detach();
        ++replacements;
      }
    }
    std::erase_if(pool, [](const Pooled& pooled) { return pooled.worker->abandoned; });
    for (; replacements > 0; --replacements) start_worker();
    return next;
  }

  void watchdog() {
    std::unique_lock lock(mutex);
    while (!stopping) {
      std::vector<Late> late;
      auto next = look(late);
      if (!late.empty()) {
        lock.unlock();
        for (auto& each : late) {
          if (const auto& tell = OwnerState::hanging(*each.owner)) tell(true, each.took);
        }
        lock.lock();
        for (auto& each : late) each.worker->telling = false;
        watch.notify_all();
        lock.unlock();
        late.clear();
        lock.lock();
        continue;
      }
      watch.wait_until(lock, next);
    }
  }

  std::thread watchdog_thread;
};

}  // namespace detail

WatchdogExecutor::WatchdogExecutor(WatchdogOptions options, AbandonedThreadsPtr abandoned)
    : core_(std::make_shared<detail::ExecutorCore>(std::move(options), std::move(abandoned))) {
  std::lock_guard lock(core_->mutex);
  for (int i = 0; i < std::max(1, core_->options.threads); ++i) core_->start_worker();
  core_->watchdog_thread = std::thread([core = core_.get()] { core->watchdog(); });
  pthread_setname_np(core_->watchdog_thread.native_handle(), "watchdog");
}

WatchdogExecutor::~WatchdogExecutor() {
  std::list<detail::ExecutorCore::Pooled> pool;
  std::vector<TaskOwnerPtr> waiting;
  {
    std::unique_lock lock(core_->mutex);
    core_->stopping = true;
    waiting.assign(core_->queue.begin(), core_->queue.end());
    core_->queue.clear();
    for (auto& timer : core_->timers) waiting.push_back(timer.second.lock());
    std::erase(waiting, nullptr);
    core_->work.notify_all();
    core_->watch.notify_all();
    auto deadline = Clock::now() + core_->options.bound;
    auto all_done = [&] {
      return std::all_of(core_->pool.begin(), core_->pool.end(),
                         [](const auto& p) { return p.worker->done; });
    };
    core_->watch.wait_until(lock, deadline, all_done);
    pool.swap(core_->pool);
    for (auto& pooled : pool) {
      if (pooled.worker->done) continue;
      // It counts as abandoned only if there is room; it is left behind either way.
      if (core_->abandoned->try_add()) pooled.worker->abandoned = true;
      pooled.thread.detach();
    }
  }
  for (auto& pooled : pool) {
    if (pooled.thread.joinable()) pooled.thread.join();
  }
  core_->watchdog_thread.join();
  // Steps may own their owner: without this they would keep each other alive.
  for (auto& owner : waiting) cancel(owner);
}

void WatchdogExecutor::post(const TaskOwnerPtr& owner, Step step) {
  std::lock_guard lock(core_->mutex);
  if (core_->stopping) return;
  OwnerState::of(*owner).ready.push_back(std::move(step));
  core_->enqueue(owner);
}

void WatchdogExecutor::post_after(const TaskOwnerPtr& owner, std::chrono::nanoseconds delay,
                                  Step step) {
  std::lock_guard lock(core_->mutex);
  if (core_->stopping) return;
  auto& state = OwnerState::of(*owner);
  if (delay.count() <= 0 || std::exchange(state.woken, false)) {
    state.ready.push_back(std::move(step));
    core_->enqueue(owner);
    return;
  }
  // "For ever" must not overflow the clock.
  auto bounded = std::min(delay, std::chrono::nanoseconds(std::chrono::hours(24 * 365)));
  auto due = std::chrono::nanoseconds((Clock::now() + bounded).time_since_epoch());
  // Long waits end on common ticks: a thousand idle tasks wake a thread eight times a second, not a
  // thousand times.
  constexpr std::chrono::nanoseconds kTick = std::chrono::milliseconds(125);
  if (bounded >= 2 * kTick) due += kTick - due % kTick;
  detail::TimerKey key{due, core_->next_timer++};
  state.delayed.emplace(key, std::move(step));
  auto placed = core_->timers.emplace(key, owner).first;
  // Whoever waits for the earliest timer waits for another one now.
  if (placed == core_->timers.begin()) core_->work.notify_all();
}

void WatchdogExecutor::wake(const TaskOwnerPtr& owner) {
  std::lock_guard lock(core_->mutex);
  if (core_->stopping) return;
  auto& state = OwnerState::of(*owner);
  if (state.delayed.empty()) {
    state.woken = true;
    return;
  }
  core_->drop_timers(state);
  for (auto& entry : state.delayed) state.ready.push_back(std::move(entry.second));
  state.delayed.clear();
  core_->enqueue(owner);
}

void WatchdogExecutor::cancel(const TaskOwnerPtr& owner) {
  std::deque<Step> ready;
  std::map<detail::TimerKey, Step> delayed;
  std::lock_guard lock(core_->mutex);
  auto& state = OwnerState::of(*owner);
  ready.swap(state.ready);  // destroyed after the lock is released
  core_->drop_timers(state);
  delayed.swap(state.delayed);
  state.woken = false;
}

size_t WatchdogExecutor::threads() const {
  std::lock_guard lock(core_->mutex);
  return core_->pool.size() + core_->abandoned->count();
}

}  // namespace sluice::plugin
