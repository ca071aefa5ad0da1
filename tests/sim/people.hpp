// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "runtime/herder/control_plane.hpp"

namespace sluice::sim {

// What connectors can be asked for: the keys that never change.
struct Wanted {
  config::ConfigMap config;
  size_t tasks_limit = 0;  // however high tasks.max is
};

// Those who manage connectors: they ask for changes at any moment and remember what they were
// answered. They outlive the worker. What was acknowledged must still be so after a crash; what was
// under way, or failed, may or may not have happened.
class People {
 public:
  People(std::mt19937_64& random, std::map<std::string, Wanted> connectors);

  // Somebody does something to some connector.
  void act(herder::ControlPlane& plane);
  // All connectors are wanted to run now.
  void want_all(herder::ControlPlane& plane);
  bool waiting() const;
  void worker_died();
  // Of a worker that has just started, or rests: it has what it acknowledged.
  std::string check_configs(const store::ConfigStore& configs);
  // Of a worker that has had time: the states are what was asked for. `alive`: the tasks of a
  // connector whose plugin objects exist.
  std::string check_states(const herder::ControlPlane& plane, const store::StatusStore& statuses,
                           const std::function<std::vector<int>(const std::string&)>& alive) const;
  uint64_t answered() const { return memory_->answered; }

 private:
  struct Want {
    config::ConfigMap config;
    store::TargetState target = store::TargetState::kStarted;
    bool operator==(const Want&) const = default;
  };
  using State = std::optional<Want>;  // nullopt: no such connector
  struct Request {
    enum Kind { kPut, kCreate, kRemove, kTarget, kNothing } kind = kNothing;
    config::ConfigMap config;
    store::TargetState target = store::TargetState::kStarted;
    uint64_t number = 0;
  };
  struct Connector {
    std::vector<State> possible = {State()};  // what may be so now; more than one after a failure
    std::vector<Request> under_way;           // in their order
  };
  // Shared with the replies, which may come when the worker is gone.
  struct Memory {
    std::map<std::string, Connector> connectors;
    uint64_t life = 0;
    uint64_t answered = 0;
  };

  static bool refused(const Request& request, const State& state);
  static State after(const Request& request, State state);
  static void answer(Memory& memory, const std::string& name, const Request& request,
                     const Status& status);
  std::function<void(Status)> remember(const std::string& name, Request request);
  void put(herder::ControlPlane& plane, const std::string& name, bool replace,
           store::TargetState initial);
  void set_target(herder::ControlPlane& plane, const std::string& name, store::TargetState target);
  config::ConfigMap some_config(const std::string& name);
  std::string check_state(const herder::ControlPlane& plane, const store::StatusStore& statuses,
                          const std::string& name, const std::vector<int>& alive) const;

  std::mt19937_64& random_;
  const std::map<std::string, Wanted> wanted_;
  std::shared_ptr<Memory> memory_ = std::make_shared<Memory>();
  uint64_t numbers_ = 0;
};

}  // namespace sluice::sim
