// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/control_lane.hpp"

#include <condition_variable>
#include <map>
#include <mutex>

namespace sluice::plugin {
namespace {

using Clock = std::chrono::steady_clock;

// One call. Shared by the caller and the step.
struct Call {
  std::string what;
  bool begun = false;
  bool done = false;
  bool given_up = false;  // the caller has gone; a call that has not begun yet never does
  Clock::time_point since;
};

std::string seconds_since(Clock::time_point since) {
  return std::to_string(
             std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - since).count()) +
         " s";
}

}  // namespace

struct ControlLanes::Core {
  struct Lane {
    TaskOwnerPtr owner;
    std::shared_ptr<Call> current;  // runs now
    size_t callers = 0;             // in run()
  };
  // Held by the steps too: one that hangs may end after the lanes are gone.
  struct State {
    explicit State(ControlLaneOptions with) : options(with) {}
    const ControlLaneOptions options;
    std::mutex mutex;  // guards all below and every call
    std::condition_variable changed;
    std::map<std::string, std::shared_ptr<Lane>> lanes;

    bool hangs(const Lane& lane) const {
      return lane.current && Clock::now() - lane.current->since >= options.busy_bound;
    }
    void forget_if_unused(const std::string& name) {
      auto it = lanes.find(name);
      if (it != lanes.end() && it->second->callers == 0 && !it->second->current) lanes.erase(it);
    }
  };

  Core(ControlLaneOptions options, AbandonedThreadsPtr abandoned)
      : state(std::make_shared<State>(options)),
        threads(abandoned),
        executor({"control", options.threads, options.busy_bound}, std::move(abandoned)) {}

  const std::shared_ptr<State> state;
  const AbandonedThreadsPtr threads;
  WatchdogExecutor executor;

  std::shared_ptr<Lane> open_lane(const std::string& name);
  Status wait(std::unique_lock<std::mutex>& lock, const Lane& lane, Call& call,
              const std::string& subject, std::chrono::milliseconds timeout);
};

// Under the lock. The watchdog's word that the lane hangs wakes its waiting callers.
std::shared_ptr<ControlLanes::Core::Lane> ControlLanes::Core::open_lane(const std::string& name) {
  auto& lane = state->lanes[name];
  if (!lane) {
    lane = std::make_shared<Lane>();
    std::weak_ptr<State> weak = state;
    lane->owner =
        std::make_shared<TaskOwner>("lane " + name, [weak](bool, std::chrono::milliseconds) {
          if (auto held = weak.lock()) {
            std::lock_guard lock(held->mutex);
            held->changed.notify_all();
          }
        });
  }
  return lane;
}

// Under the lock, until the call is done, or has no hope.
Status ControlLanes::Core::wait(std::unique_lock<std::mutex>& lock, const Lane& lane, Call& call,
                                const std::string& subject, std::chrono::milliseconds timeout) {
  auto deadline = Clock::now() + timeout;
  for (;;) {
    if (call.done) return ok();
    if (!call.begun && state->hangs(lane)) {
      return Error{ErrorKind::kTimeout, subject + " has been busy in " + lane.current->what +
                                            " for " + seconds_since(lane.current->since) + "; " +
                                            call.what + " was not begun"};
    }
    if (Clock::now() >= deadline) {
      auto limit = std::to_string(timeout.count()) + " ms";
      if (call.begun)
        return Error{ErrorKind::kTimeout,
                     subject + " did not finish " + call.what + " within " + limit};
      return Error{ErrorKind::kTimeout,
                   subject + ": " + call.what + " found no free thread within " + limit + " (" +
                       std::to_string(threads->count()) + " are held by connectors that hang)"};
    }
    state->changed.wait_until(lock, deadline);
  }
}

ControlLanes::ControlLanes(ControlLaneOptions options, AbandonedThreadsPtr abandoned)
    : core_(std::make_shared<Core>(options, std::move(abandoned))) {}
ControlLanes::~ControlLanes() = default;

Status ControlLanes::run(const std::string& name, const std::string& subject,
                         const std::string& what, std::chrono::milliseconds timeout,
                         std::function<void()> work) {
  auto state = core_->state;
  auto call = std::make_shared<Call>();
  call->what = what;
  std::unique_lock lock(state->mutex);
  auto lane = core_->open_lane(name);
  if (state->hangs(*lane)) {
    return Error{ErrorKind::kTimeout, subject + " has been busy in " + lane->current->what +
                                          " for " + seconds_since(lane->current->since)};
  }
  if (lane->callers >= state->options.max_waiting + 1) {
    return Error{ErrorKind::kRetriable,
                 subject + ": " + std::to_string(lane->callers) + " calls are waiting already"};
  }
  ++lane->callers;
  core_->executor.post(lane->owner, [state, lane, call, name, work = std::move(work)]() mutable {
    {
      std::lock_guard begin(state->mutex);
      if (call->given_up) return;
      call->begun = true;
      call->since = Clock::now();
      lane->current = call;
    }
    work();
    work = nullptr;
    std::lock_guard end(state->mutex);
    call->done = true;
    lane->current = nullptr;
    state->forget_if_unused(name);
    state->changed.notify_all();
  });
  auto status = core_->wait(lock, *lane, *call, subject, timeout);
  call->given_up = !call->begun;
  --lane->callers;
  state->forget_if_unused(name);
  return status;
}

std::vector<std::string> ControlLanes::hanging() const {
  std::lock_guard lock(core_->state->mutex);
  std::vector<std::string> out;
  for (const auto& [name, lane] : core_->state->lanes) {
    if (core_->state->hangs(*lane)) out.push_back(name);
  }
  return out;
}

}  // namespace sluice::plugin
