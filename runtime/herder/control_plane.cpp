// SPDX-License-Identifier: Apache-2.0
#include "runtime/herder/control_plane.hpp"

#include <charconv>

namespace sluice::herder {

Result<plugin::ClassPtr> connector_class(plugin::Registry& registry,
                                         const config::ConfigMap& config) {
  auto cls = config.find("connector.class");
  if (cls == config.end()) return Error{ErrorKind::kInvalid, "the config has no connector.class"};
  return registry.find(cls->second, {plugin::Kind::kSource, plugin::Kind::kSink});
}

uint32_t tasks_max(const config::ConfigMap& config) {
  uint32_t value = 1;
  if (auto entry = config.find("tasks.max"); entry != config.end()) {
    const std::string& text = entry->second;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value == 0) value = 1;
  }
  return value;
}

ControlPlane::ControlPlane(Dependencies dependencies, ControlSettings settings)
    : deps_(dependencies),
      settings_(std::move(settings)),
      strand_(std::make_shared<Strand>(dependencies.executor)) {}

void ControlPlane::later(std::function<void(ControlPlane&)> work) {
  strand_->post([weak = weak_from_this(), work = std::move(work)] {
    if (auto self = weak.lock()) work(*self);
  });
}

void ControlPlane::later_after(std::chrono::nanoseconds delay,
                               std::function<void(ControlPlane&)> work) {
  strand_->post_after(delay, [weak = weak_from_this(), work = std::move(work)] {
    if (auto self = weak.lock()) work(*self);
  });
}

ConnectorSlot* ControlPlane::find(const std::string& name) {
  auto entry = slots_.find(name);
  return entry == slots_.end() ? nullptr : &entry->second;
}

TaskSlot* ControlPlane::find_task(const std::string& name, int task, uint64_t attempt) {
  ConnectorSlot* slot = find(name);
  if (!slot) return nullptr;
  auto entry = slot->tasks.find(task);
  return entry == slot->tasks.end() || entry->second.attempt != attempt ? nullptr : &entry->second;
}

ConnectorSlot& ControlPlane::slot_of(const std::string& name) {
  ConnectorSlot& slot = slots_[name];
  if (!slot.lane) {
    auto hanging = [weak = weak_from_this(), name](bool is_hanging) {
      auto self = weak.lock();
      if (!self) return;
      self->later([name, is_hanging](ControlPlane& plane) {
        if (auto* found = plane.find(name)) found->hanging = is_hanging;
      });
    };
    slot.lane = deps_.lanes.open("connector " + name, hanging);
  }
  return slot;
}

void ControlPlane::erase_if_idle(const std::string& name) {
  ConnectorSlot* slot = find(name);
  if (!slot || slot->busy || !slot->operations.empty() || slot->instance || !slot->tasks.empty())
    return;
  if (!deps_.configs.get(name)) slots_.erase(name);
}

// Requests for one connector are done one after the other: each sees what the one before has
// written.
void ControlPlane::enqueue(const std::string& name, std::function<void()> operation) {
  ConnectorSlot& slot = slot_of(name);
  slot.operations.push_back(std::move(operation));
  if (slot.busy) return;
  slot.busy = true;
  auto next = std::move(slot.operations.front());
  slot.operations.pop_front();
  next();
}

void ControlPlane::finish(const std::string& name) {
  ConnectorSlot* slot = find(name);
  if (!slot) return;
  if (slot->operations.empty()) {
    slot->busy = false;
    erase_if_idle(name);
    return;
  }
  auto next = std::move(slot->operations.front());
  slot->operations.pop_front();
  next();
}

namespace {
Error shutting_down() {
  return {ErrorKind::kShutdown, "The worker is shutting down"};
}
Error not_found(const std::string& name) {
  return {ErrorKind::kNotFound, "Connector " + name + " not found"};
}
}  // namespace

void ControlPlane::put(std::string name, config::ConfigMap config, bool allow_replace,
                       store::TargetState initial, std::optional<config::ConfigMap> expected,
                       Reply<PutResult> reply) {
  later([=](ControlPlane& plane) {
    if (plane.stopping_) return reply(shutting_down());
    plane.enqueue(
        name, [=, &plane] { plane.do_put(name, config, allow_replace, initial, expected, reply); });
  });
}

void ControlPlane::do_put(const std::string& name, const config::ConfigMap& config,
                          bool allow_replace, store::TargetState initial,
                          const std::optional<config::ConfigMap>& expected,
                          Reply<PutResult> reply) {
  auto present = deps_.configs.get(name);
  std::optional<Error> refused;
  if (present && !allow_replace)
    refused = Error{ErrorKind::kConflict, "Connector " + name + " already exists"};
  if (expected && !present) refused = not_found(name);
  if (expected && present && present->config != *expected) {
    refused = Error{ErrorKind::kConflict,
                    "Cannot complete request because of a conflicting operation: the config of " +
                        name + " was changed in the same moment"};
  }
  ConnectorSlot& slot = slot_of(name);
  if (!refused && present && slot.hanging && present->config != config) {
    refused = Error{ErrorKind::kConflict,
                    "Cannot complete request momentarily: the plugin of connector " + name +
                        " has not returned from its last call yet"};
  }
  if (refused) {
    reply(*refused);
    return finish(name);
  }
  if (present && present->config == config) {  // nothing changes, so nothing that runs restarts
    start_failed(name);
    auto unchanged = info(name);
    reply(unchanged.ok() ? Result<PutResult>(PutResult{false, *unchanged})
                         : Result<PutResult>(unchanged.error()));
    return finish(name);
  }
  store::ConfigChange change;
  change.connector = name;
  change.config = config;
  if (!present) change.target_state = initial;
  bool created = !present.has_value();
  deps_.configs.write(
      std::move(change), [weak = weak_from_this(), name, created, reply](Status status) {
        auto self = weak.lock();
        if (!self) return reply(shutting_down());
        self->later([=](ControlPlane& plane) { plane.written(name, created, status, reply); });
      });
}

// Whoever sends the same config again has healed what it names: what has failed gets another try.
void ControlPlane::start_failed(const std::string& name) {
  ConnectorSlot& slot = slot_of(name);
  for (auto& [task, known] : slot.tasks) {
    if (!known.failed || known.stopping) continue;
    known.restarts.reset();
    put_task_state(name, task, "RESTARTING");
    stop_task(name, task, Then::kSameAgain);
  }
  if (!slot.failed) return;
  slot.restarts.reset();
  apply(name);
}

void ControlPlane::written(const std::string& name, bool created, Status status,
                           Reply<PutResult> reply) {
  if (!status.ok()) {
    reply(status.error());
    return finish(name);
  }
  auto answered = std::make_shared<bool>(false);
  auto answer = [=, this] {
    if (*answered) return;
    *answered = true;
    auto present = info(name);
    reply(present.ok() ? Result<PutResult>(PutResult{created, std::move(present).value()})
                       : Result<PutResult>(present.error()));
    finish(name);
  };
  if (created) {
    deps_.statuses.remove_connector(name);  // what a crash between two writes left of an older one
    put_connector_state(name, "UNASSIGNED");
  }
  slot_of(name).restarts.reset();
  apply(name);
  ConnectorSlot& slot = slot_of(name);
  if (!slot.instance || slot.configured) return answer();
  // The answer should show the tasks; a plugin that takes its time does not hold it up for long.
  slot.settled.push_back(answer);
  later_after(settings_.first_tasks_timeout, [answer](ControlPlane&) { answer(); });
}

void ControlPlane::remove(std::string name, Reply<Unit> reply) {
  later([=](ControlPlane& plane) {
    if (plane.stopping_) return reply(shutting_down());
    plane.enqueue(name, [=, &plane] { plane.do_remove(name, reply); });
  });
}

void ControlPlane::do_remove(const std::string& name, Reply<Unit> reply) {
  if (!deps_.configs.get(name)) {
    reply(not_found(name));
    return finish(name);
  }
  deps_.configs.remove(name, [weak = weak_from_this(), name, reply](Status status) {
    auto self = weak.lock();
    if (!self) return reply(shutting_down());
    self->later([=](ControlPlane& plane) {
      if (status.ok()) {
        plane.apply(name);  // the config is gone: everything stops
        plane.deps_.statuses.remove_connector(name);
      }
      reply(status);
      plane.finish(name);
    });
  });
}

void ControlPlane::set_target(std::string name, store::TargetState state, Reply<Unit> reply) {
  later([=](ControlPlane& plane) {
    if (plane.stopping_) return reply(shutting_down());
    plane.enqueue(name, [=, &plane] { plane.do_set_target(name, state, reply); });
  });
}

void ControlPlane::do_set_target(const std::string& name, store::TargetState state,
                                 Reply<Unit> reply) {
  auto present = deps_.configs.get(name);
  if (!present) {
    reply(state == store::TargetState::kStopped
              ? not_found(name)
              : Error{ErrorKind::kNotFound, "Unknown connector " + name});
    return finish(name);
  }
  if (present->target_state == state) {
    reply(ok());
    return finish(name);
  }
  store::ConfigChange change;
  change.connector = name;
  change.target_state = state;
  if (state == store::TargetState::kStopped) {
    change.tasks.emplace();
    slot_of(name).to_be_stopped = true;
  }
  deps_.configs.write(std::move(change),
                      [weak = weak_from_this(), name, state, reply](Status status) {
                        auto self = weak.lock();
                        if (!self) return reply(shutting_down());
                        self->later([=](ControlPlane& plane) {
                          plane.target_written(name, state, status);
                          reply(status);
                          plane.finish(name);
                        });
                      });
}

void ControlPlane::target_written(const std::string& name, store::TargetState state,
                                  const Status& status) {
  if (status.ok()) apply(name);
  ConnectorSlot* slot = find(name);
  if (!slot || state != store::TargetState::kStopped) return;
  slot->to_be_stopped = false;
  if (!status.ok()) on_reconfiguration(name);  // an answer that came meanwhile was not taken
}

void ControlPlane::restart(std::string name, bool include_tasks, bool only_failed,
                           Reply<ConnectorStatus> reply) {
  later([=](ControlPlane& plane) {
    if (plane.stopping_) return reply(shutting_down());
    plane.enqueue(name, [=, &plane] {
      plane.do_restart(name, include_tasks, only_failed, reply);
      plane.finish(name);
    });
  });
}

void ControlPlane::do_restart(const std::string& name, bool include_tasks, bool only_failed,
                              Reply<ConnectorStatus> reply) {
  auto present = deps_.configs.get(name);
  if (!present) return reply(not_found(name));
  ConnectorSlot& slot = slot_of(name);
  if (slot.hanging) {
    return reply(Error{ErrorKind::kConflict,
                       "Cannot complete request momentarily: the plugin of connector " + name +
                           " has not returned from its last call yet"});
  }
  bool stopped = present->target_state == store::TargetState::kStopped;
  bool connector_too = !stopped && (!only_failed || slot.failed);
  if (connector_too) put_connector_state(name, "RESTARTING");
  std::vector<int> tasks;
  for (auto& [task, known] : slot.tasks) {
    if (include_tasks && (!only_failed || known.failed)) tasks.push_back(task);
  }
  for (int task : tasks) put_task_state(name, task, "RESTARTING");
  reply(status(name));
  for (int task : tasks) {
    slot.tasks[task].restarts.reset();
    stop_task(name, task, Then::kSameAgain);
  }
  if (connector_too) {
    slot.restarts.reset();
    stop_instance(slot);
    apply(name);
  }
}

void ControlPlane::restart_task(std::string name, int task, Reply<Unit> reply) {
  later([=](ControlPlane& plane) {
    if (plane.stopping_) return reply(shutting_down());
    plane.enqueue(name, [=, &plane] {
      auto present = plane.deps_.configs.get(name);
      auto* slot = plane.find(name);
      if (!present) {
        reply(not_found(name));
      } else if (!wants_task(present, task)) {
        reply(Error{ErrorKind::kNotFound,
                    "Task " + name + "-" + std::to_string(task) + " not found"});
      } else {
        plane.put_task_state(name, task, "RESTARTING");
        slot->tasks[task].restarts.reset();
        plane.stop_task(name, task, Then::kSameAgain);
        reply(ok());
      }
      plane.finish(name);
    });
  });
}

std::string ControlPlane::type_of(const config::ConfigMap& config) const {
  auto cls = connector_class(deps_.registry, config);
  return cls.ok() ? plugin::to_string((*cls)->kind) : "unknown";
}

Result<ConnectorInfo> ControlPlane::info(const std::string& name) const {
  auto entry = deps_.configs.get(name);
  if (!entry) return not_found(name);
  ConnectorInfo result{name, entry->config, {}, type_of(entry->config)};
  for (size_t i = 0; i < entry->tasks.size(); ++i) result.tasks.push_back(static_cast<int>(i));
  return result;
}

Result<ConnectorStatus> ControlPlane::status(const std::string& name) const {
  auto entry = deps_.configs.get(name);
  auto state = deps_.statuses.connector(name);
  if (!entry || !state) return Error{ErrorKind::kNotFound, "No status found for connector " + name};
  ConnectorStatus result;
  result.name = name;
  result.connector = {state->state, state->worker_id, state->trace, state->version};
  for (const auto& [id, task] : deps_.statuses.tasks(name)) {
    TaskStateEntry one;
    static_cast<StateEntry&>(one) = {task.state, task.worker_id, task.trace, task.version};
    one.id = id;
    result.tasks.push_back(std::move(one));
  }
  result.type = type_of(entry->config);
  return result;
}

}  // namespace sluice::herder
