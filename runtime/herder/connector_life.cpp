// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "runtime/herder/control_plane.hpp"
#include "runtime/herder/logger.hpp"

// The control plane's part about connectors' own instances: start, task configs, failure, stop.
namespace sluice::herder {
namespace {

// Kafka Connect puts the class of the task into each task config: the connector's with another
// ending.
std::string task_class(const std::string& connector_class) {
  constexpr std::string_view kSuffix = "Connector";
  if (connector_class.ends_with(kSuffix)) {
    return connector_class.substr(0, connector_class.size() - kSuffix.size()) + "Task";
  }
  return connector_class + "Task";
}

std::string too_many_tasks(const std::string& name, size_t count, uint32_t max) {
  return "The connector " + name + " has generated " + std::to_string(count) +
         " tasks, which is greater than " + std::to_string(max) +
         ", the maximum number of tasks it is configured to create (tasks.max).";
}

bool enforces_tasks_max(const config::ConfigMap& config) {
  auto entry = config.find("tasks.max.enforce");
  return entry == config.end() || entry->second != "false";
}

}  // namespace

void ControlPlane::resume_all() {
  later([](ControlPlane& plane) {
    plane.forget_orphans();
    plane.resume_some(std::make_shared<std::vector<std::string>>(plane.deps_.configs.connectors()),
                      0);
  });
}

// States that a crash left behind: the config is gone, or has fewer tasks, and the worker died
// before it could say so here.
void ControlPlane::forget_orphans() {
  for (const auto& name : deps_.statuses.connectors()) {
    auto entry = deps_.configs.get(name);
    if (!entry) {
      deps_.statuses.remove_connector(name);
      continue;
    }
    for (const auto& [task, state] : deps_.statuses.tasks(name)) {
      if (static_cast<size_t>(task) >= entry->tasks.size()) deps_.statuses.remove_task(name, task);
    }
  }
}

// In portions, so that requests do not wait until a thousand connectors are under way.
void ControlPlane::resume_some(std::shared_ptr<std::vector<std::string>> names, size_t from) {
  if (stopping_) return;
  size_t end = std::min(names->size(), from + settings_.starts_at_once);
  for (size_t i = from; i < end; ++i) {
    const std::string& name = (*names)[i];
    if (!deps_.statuses.connector(name)) put_connector_state(name, "UNASSIGNED");
    const auto entry = deps_.configs.get(name);
    for (const auto& [task, state] : deps_.statuses.tasks(name))
      if (!entry || static_cast<size_t>(task) >= entry->tasks.size())
        deps_.statuses.remove_task(name, task);
    if (!find(name)) apply(name);  // else a request was faster
  }
  if (end < names->size())
    later([names, end](ControlPlane& plane) { plane.resume_some(names, end); });
}

void ControlPlane::apply(const std::string& name) {
  auto entry = deps_.configs.get(name);
  ConnectorSlot& slot = slot_of(name);
  if (!entry || entry->target_state == store::TargetState::kStopped || stopping_) {
    stop_instance(slot);
    std::vector<int> tasks;
    for (const auto& [task, known] : slot.tasks) tasks.push_back(task);
    for (int task : tasks) stop_task(name, task, Then::kNothing);
    say_stopped(name);
    settle(slot_of(name));
    return;
  }
  bool paused = entry->target_state == store::TargetState::kPaused;
  if (slot.instance && slot.applied != entry->config) stop_instance(slot);
  if (paused) {
    put_connector_state(name, "PAUSED");
  } else if (!slot.instance) {
    start_instance(name, *entry);
  } else if (slot.configured) {
    put_connector_state(name, "RUNNING");
  }
  // While a new config is being turned into task configs the old tasks go on with what they have.
  ConnectorSlot* now = find(name);
  if (!now) return;
  if (paused || now->configured || now->tasks.empty()) {
    sync_tasks(name);
  } else {
    for (auto& [task, known] : now->tasks) {
      if (known.runner) known.runner->pause(paused);
    }
  }
}

// STOPPED means that nothing of the connector runs any more: not before the last task has ended.
void ControlPlane::say_stopped(const std::string& name) {
  ConnectorSlot* slot = find(name);
  auto entry = deps_.configs.get(name);
  if (stopping_ || !slot || !slot->tasks.empty() || !entry ||
      entry->target_state != store::TargetState::kStopped)
    return;
  put_connector_state(name, "STOPPED");
}

void ControlPlane::start_instance(const std::string& name, const store::ConnectorEntry& entry) {
  ConnectorSlot& slot = slot_of(name);
  slot.attempt = ++attempts_;
  slot.applied = entry.config;
  slot.configured = false;
  slot.failed = false;
  auto cls = connector_class(deps_.registry, entry.config);
  // A library may still come into plugin.path, so this is tried again.
  if (!cls.ok()) return connector_failed(name, cls.error().message, true);
  slot.version = (*cls)->version;
  auto parsed = (*cls)->config.parse(entry.config);
  if (!parsed.ok()) return connector_failed(name, parsed.error().message, false);

  uint64_t attempt = slot.attempt;
  auto weak = weak_from_this();
  Instance::Events events;
  events.configured = [weak, name, attempt](plugin::Outcome outcome,
                                            std::vector<config::ConfigMap> tasks) {
    auto self = weak.lock();
    if (!self) return;
    self->later([name, attempt, outcome = std::move(outcome), tasks = std::move(tasks)](
                    ControlPlane& plane) { plane.on_configured(name, attempt, outcome, tasks); });
  };
  events.reconfiguration_requested = [weak, name] {
    if (auto self = weak.lock())
      self->later([name](ControlPlane& plane) { plane.on_reconfiguration(name); });
  };
  events.event = [name](const std::string& kind, const std::string& text) {
    logger().debug("Connector " + name + ": " + kind + ": " + text);
  };
  std::map<std::string, std::string> facts = {{"connector.name", name},
                                              {"connector.class", (*cls)->name},
                                              {"worker.id", settings_.worker_id}};
  slot.instance = std::make_shared<Instance>(deps_.registry, deps_.lanes, slot.lane, deps_.offsets,
                                             name, std::move(facts), std::move(events));
  slot.instance->start(*cls, std::move(parsed).value(), tasks_max(entry.config));
}

void ControlPlane::stop_instance(ConnectorSlot& slot) {
  if (slot.instance) slot.instance->stop();
  if (slot.instance && slot.hanging) {
    // The lane may never come back. What is started next gets one of its own.
    slot.lane.reset();
    slot.hanging = false;
  }
  slot.instance.reset();
  slot.attempt = ++attempts_;  // whatever it still reports is ignored
  slot.configured = false;
}

void ControlPlane::on_configured(const std::string& name, uint64_t attempt, plugin::Outcome outcome,
                                 std::vector<config::ConfigMap> tasks) {
  ConnectorSlot* slot = find(name);
  auto entry = deps_.configs.get(name);
  if (!slot || slot->attempt != attempt || !entry || stopping_ || slot->to_be_stopped) return;
  if (!outcome.ok()) {
    return connector_failed(name, outcome.to_error().message,
                            outcome.status != SLUICE_CONFIG_ERROR);
  }
  uint32_t max = tasks_max(entry->config);
  if (tasks.size() > max && enforces_tasks_max(entry->config)) {
    return connector_failed(name, too_many_tasks(name, tasks.size(), max), false);
  }
  auto cls = connector_class(deps_.registry, entry->config);
  if (!cls.ok()) return connector_failed(name, cls.error().message, true);
  tasks = complete(*entry, std::move(tasks), *cls);
  slot->configured = true;
  slot->restarts.on_started(deps_.clock.steady());
  put_connector_state(name,
                      entry->target_state == store::TargetState::kPaused ? "PAUSED" : "RUNNING");
  if (tasks == entry->tasks && !entry->inconsistent) {
    sync_tasks(name);
    if (ConnectorSlot* now = find(name)) settle(*now);
    return;
  }
  store::ConfigChange change;
  change.connector = name;
  change.tasks = std::move(tasks);
  deps_.configs.write(std::move(change), [weak = weak_from_this(), name, attempt](Status status) {
    auto self = weak.lock();
    if (!self) return;
    self->later([name, attempt, status](ControlPlane& plane) {
      ConnectorSlot* now = plane.find(name);
      if (!now || now->attempt != attempt) return;
      if (!status.ok()) {
        return plane.connector_failed(
            name, "The task configs could not be stored: " + status.error().message, true);
      }
      plane.sync_tasks(name);
      if ((now = plane.find(name))) plane.settle(*now);
    });
  });
}

std::vector<config::ConfigMap> ControlPlane::complete(const store::ConnectorEntry& entry,
                                                      std::vector<config::ConfigMap> tasks,
                                                      const plugin::ClassPtr& cls) const {
  for (auto& task : tasks) {
    task["task.class"] = task_class(cls->name);
    if (cls->kind != plugin::Kind::kSink) continue;
    for (const char* key : {"topics", "topics.regex"}) {
      auto value = entry.config.find(key);
      if (value != entry.config.end()) task[key] = value->second;
    }
  }
  return tasks;
}

void ControlPlane::on_reconfiguration(const std::string& name) {
  ConnectorSlot* slot = find(name);
  auto entry = deps_.configs.get(name);
  if (!slot || !slot->instance || !entry || stopping_) return;
  slot->instance->reconfigure(tasks_max(entry->config));
}

void ControlPlane::connector_failed(const std::string& name, const std::string& trace,
                                    bool restartable) {
  ConnectorSlot* slot = find(name);
  auto entry = deps_.configs.get(name);
  if (!slot || !entry) return;
  auto decision = slot->restarts.on_failure(RestartSettings::from(entry->config), restartable,
                                            deps_.clock.steady(), deps_.random);
  stop_instance(*slot);
  slot->failed = true;
  logger().error("Connector " + name + " failed: " + trace + ". " + decision.text);
  put_connector_state(name, "FAILED", trace + "\n" + decision.text);
  if (decision.delay) {
    uint64_t attempt = slot->attempt;
    later_after(*decision.delay, [name, attempt](ControlPlane& plane) {
      ConnectorSlot* now = plane.find(name);
      if (!now || now->attempt != attempt || !now->failed || plane.stopping_) return;
      plane.apply(name);
    });
  }
  settle(*slot);
}

// Answers the requests that wait for the first task configs: there are some now, or there will not
// be.
void ControlPlane::settle(ConnectorSlot& slot) {
  auto waiting = std::move(slot.settled);
  slot.settled.clear();
  for (auto& answer : waiting) answer();  // may start the next request, which may end the slot
}

void ControlPlane::put_connector_state(const std::string& name, const std::string& state,
                                       const std::string& trace) {
  ConnectorSlot* slot = find(name);
  deps_.statuses.put_connector(name,
                               {state, trace, settings_.worker_id, 0, slot ? slot->version : ""});
}

}  // namespace sluice::herder
