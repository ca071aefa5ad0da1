// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "broker-core/base/clock.hpp"
#include "broker-core/base/executor.hpp"
#include "broker-core/base/random.hpp"
#include "broker-core/base/result.hpp"
#include "runtime/plugin/connector.hpp"
#include "runtime/store/config_store.hpp"
#include "runtime/store/offset_store.hpp"
#include "runtime/store/status_store.hpp"
#include "runtime/task/task_runner.hpp"

// What the control plane needs from the rest of the worker; wired in runtime/app, faked in tests.
namespace sluice::herder {

struct TaskSpec {
  task::TaskId id;
  plugin::ClassPtr cls;
  config::ConfigMap config;                  // the connector's, overlaid by the task's
  std::map<std::string, std::string> facts;  // answers of InstanceServices::setting
  bool paused = false;
};

// Makes running tasks. Called on the control plane's strand; must not run plugin code there.
class TaskHost {
 public:
  virtual ~TaskHost() = default;
  // The runner is started (attached to its drive). It keeps the listener alive. kInvalid: the
  // config is no good.
  virtual Result<std::shared_ptr<task::TaskRunner>> start(
      TaskSpec spec, std::shared_ptr<task::TaskListener> listener) = 0;
};

// Where connectors' own code runs: one lane per connector, whose steps run one at a time and in
// order, apart from everything else. Production: plugin::WatchdogExecutor.
class Lane {
 public:
  virtual ~Lane() = default;
  virtual const std::string& name() const = 0;
  virtual void post(std::function<void()> step) = 0;  // [any thread]
};
class Lanes {
 public:
  virtual ~Lanes() = default;
  // `hanging(true)` when a step holds the lane for too long, `hanging(false)` when it has returned
  // after all; from any thread. Steps keep their lane alive.
  virtual std::shared_ptr<Lane> open(const std::string& name,
                                     std::function<void(bool)> hanging) = 0;
};

// All must outlive the control plane and what it has started.
struct Dependencies {
  Executor& executor;  // for the strand and for timers
  Clock& clock;
  Random& random;
  store::ConfigStore& configs;
  store::StatusStore& statuses;
  store::OffsetStore& offsets;
  plugin::Registry& registry;
  Lanes& lanes;
  TaskHost& tasks;
};

struct ControlSettings {
  std::string worker_id = "127.0.0.1:8083";
  std::chrono::milliseconds graceful_timeout{5'000};  // task.shutdown.graceful.timeout.ms
  // How long a create or update waits for the connector's first task configs before it answers
  // without them.
  std::chrono::milliseconds first_tasks_timeout{500};
  bool topic_tracking = true;
  size_t starts_at_once =
      16;  // connectors resumed per turn of the strand after a start of the worker
};

}  // namespace sluice::herder
