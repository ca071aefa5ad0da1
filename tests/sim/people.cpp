// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/people.hpp"

#include <algorithm>
#include <array>

namespace sluice::sim {

using store::TargetState;

People::People(std::mt19937_64& random, std::map<std::string, Wanted> connectors)
    : random_(random), wanted_(std::move(connectors)) {
  for (const auto& [name, wanted] : wanted_) memory_->connectors[name];
}

// ------------------------------------------------------------------------- what an answer means

bool People::refused(const Request& request, const State& state) {
  switch (request.kind) {
    case Request::kCreate:
      return state.has_value();
    case Request::kRemove:
    case Request::kTarget:
      return !state.has_value();
    case Request::kPut:
    case Request::kNothing:
      return false;
  }
  return false;
}

People::State People::after(const Request& request, State state) {
  if (refused(request, state)) return state;
  switch (request.kind) {
    case Request::kPut:
    case Request::kCreate:
      return Want{request.config, state ? state->target : request.target};
    case Request::kRemove:
      return std::nullopt;
    case Request::kTarget:
      state->target = request.target;
      return state;
    case Request::kNothing:
      return state;
  }
  return state;
}

void People::answer(Memory& memory, const std::string& name, const Request& request,
                    const Status& status) {
  ++memory.answered;
  Connector& connector = memory.connectors[name];
  std::erase_if(connector.under_way, [&](const Request& r) { return r.number == request.number; });
  std::vector<State> next;
  auto add = [&](const State& state) {
    if (std::find(next.begin(), next.end(), state) == next.end()) next.push_back(state);
  };
  const bool clear_no = !status.ok() && (status.error().kind == ErrorKind::kNotFound ||
                                         status.error().kind == ErrorKind::kConflict);
  for (const State& state : connector.possible) {
    if (status.ok() && refused(request, state)) continue;  // so it was not like that
    if (!status.ok()) add(state);
    if (!clear_no) add(after(request, state));
  }
  if (!next.empty()) connector.possible = std::move(next);
}

std::function<void(Status)> People::remember(const std::string& name, Request request) {
  request.number = ++numbers_;
  memory_->connectors[name].under_way.push_back(request);
  return [memory = memory_, life = memory_->life, name, request](const Status& status) {
    if (memory->life == life) answer(*memory, name, request, status);
  };
}

bool People::waiting() const {
  for (const auto& [name, connector] : memory_->connectors)
    if (!connector.under_way.empty()) return true;
  return false;
}

void People::worker_died() {
  ++memory_->life;
  for (auto& [name, connector] : memory_->connectors) {
    auto under_way = std::move(connector.under_way);
    connector.under_way.clear();
    for (const Request& request : under_way)
      answer(*memory_, name, request, Error{ErrorKind::kShutdown, "the worker is gone"});
  }
}

// ------------------------------------------------------------------------- what they ask for

config::ConfigMap People::some_config(const std::string& name) {
  config::ConfigMap config = wanted_.at(name).config;
  config["name"] = name;
  config["tasks.max"] = std::to_string(1 + random_() % 3);
  config["revision"] = std::to_string(random_() % 3);
  config["restart.backoff.ms"] = "100";
  config["restart.backoff.max.ms"] = "2000";
  return config;
}

void People::put(herder::ControlPlane& plane, const std::string& name, bool replace,
                 TargetState initial) {
  Request request{replace ? Request::kPut : Request::kCreate, some_config(name), initial, 0};
  auto config = request.config;
  plane.put(name, std::move(config), replace, initial, std::nullopt,
            [told = remember(name, std::move(request))](const Result<herder::PutResult>& result) {
              told(result.ok() ? ok() : Status(result.error()));
            });
}

void People::set_target(herder::ControlPlane& plane, const std::string& name, TargetState target) {
  plane.set_target(name, target, remember(name, {Request::kTarget, {}, target, 0}));
}

void People::act(herder::ControlPlane& plane) {
  auto chosen = wanted_.begin();
  std::advance(chosen, random_() % wanted_.size());
  const std::string& name = chosen->first;
  if (memory_->connectors[name].under_way.size() > 2) return;
  const TargetState some =
      std::array{TargetState::kStarted, TargetState::kPaused, TargetState::kStopped}[random_() % 3];
  switch (random_() % 10) {
    case 0:
      return put(plane, name, false, some);
    case 1:
    case 2:
      return put(plane, name, true, TargetState::kStarted);
    case 3:
      return plane.remove(name, remember(name, {Request::kRemove, {}, {}, 0}));
    case 4:
    case 5:
      return set_target(plane, name, some);
    case 6:
    case 7:
      return set_target(plane, name, TargetState::kStarted);
    case 8:
      return plane.restart(name, random_() % 2 == 0, random_() % 2 == 0,
                           [told = remember(name, {})](const Result<herder::ConnectorStatus>& r) {
                             told(r.ok() ? ok() : Status(r.error()));
                           });
    default:
      return plane.restart_task(name, static_cast<int>(random_() % 3), remember(name, {}));
  }
}

void People::want_all(herder::ControlPlane& plane) {
  for (const auto& [name, wanted] : wanted_) {
    put(plane, name, true, TargetState::kStarted);
    set_target(plane, name, TargetState::kStarted);
  }
}

// ------------------------------------------------------------------------- what must be so

std::string People::check_configs(const store::ConfigStore& configs) {
  for (auto& [name, connector] : memory_->connectors) {
    State found;
    if (auto entry = configs.get(name)) found = Want{entry->config, entry->target_state};
    const auto& possible = connector.possible;
    if (std::find(possible.begin(), possible.end(), found) == possible.end())
      return "connector " + name + " is " +
             (found ? std::string(to_string(found->target)) + ", revision " +
                          found->config["revision"] + ", tasks.max " + found->config["tasks.max"]
                    : "not there") +
             ", which nobody was told (" + std::to_string(possible.size()) + " possible)";
    connector.possible = {found};
  }
  return "";
}

std::string People::check_states(
    const herder::ControlPlane& plane, const store::StatusStore& statuses,
    const std::function<std::vector<int>(const std::string&)>& alive) const {
  for (const auto& [name, wanted] : wanted_)
    if (auto broken = check_state(plane, statuses, name, alive(name)); !broken.empty())
      return "connector " + name + " has come to rest, but " + broken;
  return "";
}

std::string People::check_state(const herder::ControlPlane& plane,
                                const store::StatusStore& statuses, const std::string& name,
                                const std::vector<int>& alive) const {
  const Connector& connector = memory_->connectors.at(name);
  if (connector.possible.size() != 1) return "nobody knows what it should be";
  const State& want = connector.possible.front();
  const auto status = plane.status(name);
  if (!want) {
    if (status.ok()) return "it was deleted and has the state " + status->connector.state;
    if (!statuses.tasks(name).empty()) return "it was deleted and its tasks have states";
    return alive.empty() ? "" : "it was deleted and tasks of it run";
  }
  if (!status.ok()) return "it has no state";
  const char* state = want->target == TargetState::kStarted  ? "RUNNING"
                      : want->target == TargetState::kPaused ? "PAUSED"
                                                             : "STOPPED";
  if (status->connector.state != state)
    return "it is " + status->connector.state + " where " + state +
           " was asked for: " + status->connector.trace;
  std::string tasks;
  for (const auto& task : status->tasks) {
    if (task.state != state)
      return "its task " + std::to_string(task.id) + " is " + task.state + " where " + state +
             " was asked for: " + task.trace;
    tasks += std::to_string(task.id) + " ";
  }
  if (want->target == TargetState::kStopped)
    return !status->tasks.empty() ? "it is stopped and has tasks " + tasks
           : alive.empty()        ? ""
                                  : "it is stopped and tasks of it run";
  const size_t count =
      std::min<size_t>(std::stoul(want->config.at("tasks.max")), wanted_.at(name).tasks_limit);
  // Made as PAUSED, a connector has never told its tasks.
  if (want->target == TargetState::kPaused && status->tasks.empty()) return "";
  const bool running = want->target == TargetState::kStarted;
  if (status->tasks.size() != count && running)
    return "its tasks are " + tasks + "where " + std::to_string(count) + " were asked for";
  if (running && alive.size() != count)
    return std::to_string(alive.size()) + " tasks of it run where " + std::to_string(count) +
           " were asked for";
  return "";
}

}  // namespace sluice::sim
