// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "broker-core/base/mutant.hpp"
#include "runtime/herder/control_plane.hpp"
#include "runtime/herder/logger.hpp"

// The control plane's part about tasks: start, supervision, stop, shutdown.
namespace sluice::herder {
namespace {

constexpr size_t kTraceMax = 16 * 1024;  // of a status record

}  // namespace

// What one start of a task reports to. Owned by the host of its runner; called on the runner's
// thread.
class ControlPlane::Listener : public task::TaskListener {
 public:
  Listener(std::weak_ptr<ControlPlane> plane, uint64_t attempt)
      : plane_(std::move(plane)), attempt_(attempt) {}

  void on_state(const task::TaskId& id, task::TaskState state, const std::string& trace,
                bool restartable) override {
    auto plane = plane_.lock();
    if (!plane) return;
    plane->later([id, state, trace, restartable, attempt = attempt_](ControlPlane& self) {
      self.on_task_state(id.connector, id.task, attempt, state, trace, restartable);
    });
  }
  // The runner and the plugin host have logged these already.
  void on_event(const task::TaskId& id, const std::string& kind, const std::string& text) override {
    logger().debug("Task " + id.to_string() + ": " + kind + ": " + text);
  }
  void on_topic(const task::TaskId& id, const std::string& topic) override {
    auto plane = plane_.lock();
    if (!plane || !plane->settings_.topic_tracking) return;
    plane->later([id, topic, attempt = attempt_](ControlPlane& self) {
      if (self.find_task(id.connector, id.task, attempt))
        self.deps_.statuses.put_topic(id.connector, id.task, topic);
    });
  }
  void on_reconfiguration_requested(const task::TaskId& id) override {
    auto plane = plane_.lock();
    if (!plane) return;
    plane->later([name = id.connector](ControlPlane& self) { self.on_reconfiguration(name); });
  }

 private:
  const std::weak_ptr<ControlPlane> plane_;
  const uint64_t attempt_;
};

config::ConfigMap ControlPlane::effective(const store::ConnectorEntry& entry, int task) const {
  config::ConfigMap config = entry.config;
  config.erase("tasks.max");  // concerns the connector alone: raising it must not restart the tasks
                              // that are there
  for (const auto& key : restart_keys()) config.erase(key.name);
  for (const auto& [key, value] : entry.tasks[static_cast<size_t>(task)]) config[key] = value;
  return config;
}

// A task's work (a table, a file) may become another task's: nobody starts before all that give
// work away have stopped.
void ControlPlane::sync_tasks(const std::string& name) {
  auto entry = deps_.configs.get(name);
  if (!entry || stopping_) return;
  ConnectorSlot& slot = slot_of(name);
  bool paused = entry->target_state == store::TargetState::kPaused;
  int count = static_cast<int>(entry->tasks.size());
  std::vector<int> changed, surplus;
  for (auto& [task, known] : slot.tasks) {
    if (task >= count) {
      surplus.push_back(task);
    } else if (known.applied != effective(*entry, task)) {
      known.restarts.reset();
      changed.push_back(task);
    } else if (known.stopping) {
      known.start_after_stop = true;
    } else if (known.runner) {
      known.runner->pause(paused);
    }
  }
  for (int task : surplus) stop_task(name, task, Then::kNothing);
  for (int task : changed) stop_task(name, task, Then::kChanged);
  slot.tasks_due = true;
  start_waiting(name);
}

bool ControlPlane::wants_task(const std::optional<store::ConnectorEntry>& entry, int task) {
  return entry && entry->target_state != store::TargetState::kStopped && task >= 0 &&
         static_cast<size_t>(task) < entry->tasks.size();
}

void ControlPlane::start_waiting(const std::string& name) {
  auto entry = deps_.configs.get(name);
  ConnectorSlot* slot = find(name);
  if (!entry || !slot || stopping_) return;
  for (const auto& [task, known] : slot->tasks)
    if (known.stopping && known.hands_over && !known.ended && !SLUICE_MUTANT("herder.no_handover"))
      return;
  for (int task = 0; wants_task(entry, task); ++task) {
    auto known = slot->tasks.find(task);
    const bool starts = known == slot->tasks.end()
                            ? slot->tasks_due
                            : known->second.ended && known->second.start_after_stop;
    if (starts) start_task(name, task, *entry);
  }
  slot->tasks_due = false;
}

void ControlPlane::start_task(const std::string& name, int task,
                              const store::ConnectorEntry& entry) {
  TaskSlot& known = slot_of(name).tasks[task];
  known.attempt = ++attempts_;
  known.applied = effective(entry, task);
  known.stopping = known.start_after_stop = known.failed = known.ended = known.hands_over = false;
  auto cls = connector_class(deps_.registry, entry.config);
  if (!cls.ok()) return task_failed(name, task, cls.error().message, true);
  slot_of(name).version = (*cls)->version;
  put_task_state(name, task, "UNASSIGNED");
  TaskSpec spec;
  spec.id = {name, task};
  spec.cls = *cls;
  spec.config = known.applied;
  spec.facts = {{"connector.name", name},
                {"connector.class", (*cls)->name},
                {"worker.id", settings_.worker_id},
                {"task.id", std::to_string(task)},
                {"task.count", std::to_string(entry.tasks.size())}};
  spec.paused = entry.target_state == store::TargetState::kPaused;
  auto runner = deps_.tasks.start(std::move(spec),
                                  std::make_shared<Listener>(weak_from_this(), known.attempt));
  if (!runner.ok()) {
    return task_failed(name, task, runner.error().message,
                       runner.error().kind != ErrorKind::kInvalid);
  }
  known.runner = std::move(runner).value();
}

void ControlPlane::stop_task(const std::string& name, int task, Then then) {
  TaskSlot& known = slot_of(name).tasks[task];
  known.start_after_stop = then != Then::kNothing;
  if (then != Then::kSameAgain) known.hands_over = true;
  if (known.stopping && !known.ended) return;
  known.stopping = true;
  uint64_t attempt = known.attempt;
  if (!known.runner) {
    return later([=](ControlPlane& plane) { plane.on_stopped(name, task, attempt, false); });
  }
  auto done = [weak = weak_from_this(), name, task, attempt] {
    auto self = weak.lock();
    if (self)
      self->later([=](ControlPlane& plane) { plane.on_stopped(name, task, attempt, false); });
  };
  // Apart from the strand: it calls the plugin's stop(), which may hang as everything of a
  // plugin's.
  apart(name, task, "stop", [runner = known.runner, done] { runner->stop(done); });
  later_after(settings_.graceful_timeout,
              [=](ControlPlane& plane) { plane.on_stopped(name, task, attempt, true); });
}

void ControlPlane::apart(const std::string& name, int task, const std::string& what,
                         std::function<void()> work) {
  const std::string lane = "task " + name + "-" + std::to_string(task) + " (" + what + ")";
  deps_.lanes.open(lane, [](bool) {})->post(std::move(work));
}

void ControlPlane::on_stopped(const std::string& name, int task, uint64_t attempt, bool abandoned) {
  TaskSlot* known = find_task(name, task, attempt);
  if (!known || !known->stopping) return;
  if (abandoned && known->runner) {
    known->runner->abandon();
    logger().warn("Task " + name + "-" + std::to_string(task) + " did not stop within " +
                  std::to_string(settings_.graceful_timeout.count()) + " ms and is abandoned");
  }
  if (abandoned && known->runner)  // the last reference may be what ends the plugin's task
    apart(name, task, "end", [runner = std::move(known->runner)]() mutable { runner.reset(); });
  known->runner.reset();
  const bool first = !std::exchange(known->ended, true);
  auto entry = deps_.configs.get(name);
  bool wanted = wants_task(entry, task);
  if (wanted && known->start_after_stop && !stopping_) {
    if (first && known->applied != effective(*entry, task)) {
      // The configs have just changed: the others' as well, and they are still at work.
      known->hands_over = true;
      return sync_tasks(name);
    }
    return known->hands_over ? start_waiting(name) : start_task(name, task, *entry);
  }
  slot_of(name).tasks.erase(task);
  if (wanted && stopping_) {
    put_task_state(name, task, "UNASSIGNED");
  } else {
    deps_.statuses.remove_task(name, task);
  }
  start_waiting(name);
  say_stopped(name);
  erase_if_idle(name);
  maybe_shut_down();
}

void ControlPlane::on_task_state(const std::string& name, int task, uint64_t attempt,
                                 task::TaskState state, const std::string& trace,
                                 bool restartable) {
  TaskSlot* known = find_task(name, task, attempt);
  if (!known || known->stopping) return;
  switch (state) {
    case task::TaskState::kRunning:
      known->failed = false;
      known->restarts.on_started(deps_.clock.steady());
      return put_task_state(name, task, "RUNNING");
    case task::TaskState::kPaused:
      return put_task_state(name, task, "PAUSED");
    case task::TaskState::kUnassigned:
      return put_task_state(name, task, "UNASSIGNED");
    case task::TaskState::kFailed:
      return task_failed(name, task, trace, restartable);
    case task::TaskState::kStopped:
      return;  // on_stopped says so
  }
}

void ControlPlane::task_failed(const std::string& name, int task, const std::string& trace,
                               bool restartable) {
  auto entry = deps_.configs.get(name);
  TaskSlot& known = slot_of(name).tasks[task];
  known.failed = true;
  auto settings = entry ? RestartSettings::from(entry->config) : RestartSettings{};
  auto decision =
      known.restarts.on_failure(settings, restartable, deps_.clock.steady(), deps_.random);
  logger().warn("Task " + name + "-" + std::to_string(task) + " has failed. " + decision.text);
  put_task_state(name, task, "FAILED", trace + "\n" + decision.text);
  if (!decision.delay) return;
  uint64_t attempt = known.attempt;
  later_after(*decision.delay, [=](ControlPlane& plane) {
    TaskSlot* now = plane.find_task(name, task, attempt);
    if (!now || !now->failed || now->stopping || plane.stopping_) return;
    plane.put_task_state(name, task, "RESTARTING");
    plane.stop_task(name, task, Then::kSameAgain);
  });
}

void ControlPlane::put_task_state(const std::string& name, int task, const std::string& state,
                                  const std::string& trace) {
  ConnectorSlot* slot = find(name);
  if (!slot) return;
  deps_.statuses.put_task(
      name, task, {state, trace.substr(0, kTraceMax), settings_.worker_id, 0, slot->version});
}

bool ControlPlane::tasks_stopped() const {
  for (const auto& [name, slot] : slots_) {
    if (!slot.tasks.empty()) return false;
  }
  return true;
}

void ControlPlane::shutdown(std::function<void()> done) {
  later([done = std::move(done)](ControlPlane& plane) {
    plane.stopping_ = true;
    plane.shut_down_ = done;
    std::vector<std::string> names;
    for (const auto& [name, slot] : plane.slots_) names.push_back(name);
    for (const auto& name : names) {
      plane.apply(name);
      if (plane.deps_.configs.get(name)) plane.put_connector_state(name, "UNASSIGNED");
    }
    plane.maybe_shut_down();
  });
}

void ControlPlane::maybe_shut_down() {
  if (!shut_down_ || !tasks_stopped()) return;
  auto done = std::move(shut_down_);
  shut_down_ = nullptr;
  deps_.statuses.flush([done](Status status) {
    if (!status.ok())
      logger().error("The last states could not be written: " + status.error().message);
    done();
  });
}

}  // namespace sluice::herder
