// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/herder/herder.hpp"
#include "runtime/herder/instance.hpp"
#include "runtime/herder/ports.hpp"
#include "runtime/herder/restart_policy.hpp"
#include "runtime/herder/strand.hpp"

namespace sluice::herder {

template <class T>
using Reply = std::function<void(Result<T>)>;

// What is known of one task at run time.
struct TaskSlot {
  std::shared_ptr<task::TaskRunner> runner;  // nullptr: not running
  uint64_t attempt = 0;                      // events of older attempts are ignored
  config::ConfigMap applied;                 // the config it was started with
  bool stopping = false;
  bool ended = false;  // of the ones that are stopping: it has stopped, and waits for the others
  bool failed = false;
  bool start_after_stop = false;
  bool hands_over = false;  // what it works on may be another task's afterwards
  RestartPolicy restarts;
};

// What is known of one connector at run time. Lives from its first request until nothing of it is
// left.
struct ConnectorSlot {
  using Operation = std::function<void()>;
  std::deque<Operation> operations;  // requests that change it, one at a time
  bool busy = false;                 // an operation is under way
  std::shared_ptr<Lane> lane;
  bool hanging = false;                // its plugin holds the lane for too long
  std::shared_ptr<Instance> instance;  // nullptr: not running
  uint64_t attempt = 0;
  config::ConfigMap applied;   // the config the instance was started with
  std::string version;         // of the class that runs
  bool configured = false;     // task_configs has answered for this attempt
  bool to_be_stopped = false;  // the state STOPPED, without tasks, is being written
  bool failed = false;
  RestartPolicy restarts;
  std::map<int, TaskSlot> tasks;
  bool tasks_due = false;  // new tasks wait until the old ones that hand over have stopped
  std::vector<std::function<void()>> settled;  // waiting for the first task configs
};

// The connectors' lifecycles: what the config topic wants, brought about. A state machine without
// threads, clocks or sockets of its own: all its work runs on a strand of the executor that it is
// given, so a simulation can drive it. Requests come in as calls with a reply, which is called on
// the strand. Shared (weakly) with everything that reports to it; ends with shutdown(), or just
// with its last reference.
class ControlPlane : public std::enable_shared_from_this<ControlPlane> {
 public:
  ControlPlane(Dependencies dependencies, ControlSettings settings);

  // Any thread. Starts what the config topic has.
  void resume_all();

  // Any thread; the configs have been validated. `expected` (if given): only if the present config
  // is this one.
  void put(std::string name, config::ConfigMap config, bool allow_replace,
           store::TargetState initial, std::optional<config::ConfigMap> expected,
           Reply<PutResult> reply);
  void remove(std::string name, Reply<Unit> reply);
  void set_target(std::string name, store::TargetState state, Reply<Unit> reply);
  void restart(std::string name, bool include_tasks, bool only_failed,
               Reply<ConnectorStatus> reply);
  void restart_task(std::string name, int task, Reply<Unit> reply);
  // Stops everything within the graceful timeout in all, then flushes the states. No requests after
  // it.
  void shutdown(std::function<void()> done);

  // Reads of the durable state; any thread, they never wait.
  Result<ConnectorInfo> info(const std::string& name) const;
  Result<ConnectorStatus> status(const std::string& name) const;
  std::string type_of(const config::ConfigMap& config) const;

 private:
  class Listener;
  friend class Listener;
  using Slots = std::map<std::string, ConnectorSlot>;

  // control_plane.cpp: the strand, operations.
  void later(std::function<void(ControlPlane&)> work);
  void later_after(std::chrono::nanoseconds delay, std::function<void(ControlPlane&)> work);
  void enqueue(const std::string& name, std::function<void()> operation);
  void finish(const std::string& name);
  ConnectorSlot& slot_of(const std::string& name);
  ConnectorSlot* find(const std::string& name);
  TaskSlot* find_task(const std::string& name, int task, uint64_t attempt);
  void erase_if_idle(const std::string& name);
  void do_put(const std::string& name, const config::ConfigMap& config, bool allow_replace,
              store::TargetState initial, const std::optional<config::ConfigMap>& expected,
              Reply<PutResult> reply);
  void start_failed(const std::string& name);
  void written(const std::string& name, bool created, Status status, Reply<PutResult> reply);
  void do_set_target(const std::string& name, store::TargetState state, Reply<Unit> reply);
  void target_written(const std::string& name, store::TargetState state, const Status& status);
  void do_remove(const std::string& name, Reply<Unit> reply);
  void do_restart(const std::string& name, bool include_tasks, bool only_failed,
                  Reply<ConnectorStatus> reply);

  // connector_life.cpp: the connector's instance.
  void forget_orphans();
  void resume_some(std::shared_ptr<std::vector<std::string>> names, size_t from);
  void apply(const std::string& name);
  void start_instance(const std::string& name, const store::ConnectorEntry& entry);
  void stop_instance(ConnectorSlot& slot);
  void on_configured(const std::string& name, uint64_t attempt, plugin::Outcome outcome,
                     std::vector<config::ConfigMap> tasks);
  void on_reconfiguration(const std::string& name);
  void connector_failed(const std::string& name, const std::string& trace, bool restartable);
  void settle(ConnectorSlot& slot);
  void say_stopped(const std::string& name);
  void put_connector_state(const std::string& name, const std::string& state,
                           const std::string& trace = "");
  std::vector<config::ConfigMap> complete(const store::ConnectorEntry& entry,
                                          std::vector<config::ConfigMap> tasks,
                                          const plugin::ClassPtr& cls) const;

  // task_life.cpp: the tasks.
  void sync_tasks(const std::string& name);
  void start_task(const std::string& name, int task, const store::ConnectorEntry& entry);
  enum class Then { kNothing, kSameAgain, kChanged };  // after a task's stop
  void stop_task(const std::string& name, int task, Then then);
  void start_waiting(const std::string& name);
  void on_stopped(const std::string& name, int task, uint64_t attempt, bool abandoned);
  // On a lane of its own.
  void apart(const std::string& name, int task, const std::string& what,
             std::function<void()> work);
  void on_task_state(const std::string& name, int task, uint64_t attempt, task::TaskState state,
                     const std::string& trace, bool restartable);
  void task_failed(const std::string& name, int task, const std::string& trace, bool restartable);
  void put_task_state(const std::string& name, int task, const std::string& state,
                      const std::string& trace = "");
  static bool wants_task(const std::optional<store::ConnectorEntry>& entry, int task);
  config::ConfigMap effective(const store::ConnectorEntry& entry, int task) const;
  bool tasks_stopped() const;
  void maybe_shut_down();

  Dependencies deps_;
  const ControlSettings settings_;
  std::shared_ptr<Strand> strand_;
  // Only on the strand:
  Slots slots_;
  uint64_t attempts_ = 0;
  bool stopping_ = false;
  std::function<void()> shut_down_;
};

// "connector.class" found among sources and sinks.
Result<plugin::ClassPtr> connector_class(plugin::Registry& registry,
                                         const config::ConfigMap& config);
// tasks.max of a config; 1 where it is absent or no number.
uint32_t tasks_max(const config::ConfigMap& config);

}  // namespace sluice::herder
