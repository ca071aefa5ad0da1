// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "broker-core/base/clock.hpp"
#include "broker-core/base/random.hpp"
#include "runtime/log/log.hpp"
#include "runtime/plugin/connector.hpp"
#include "runtime/record/converter.hpp"
#include "runtime/store/offset_store.hpp"
#include "runtime/task/metrics.hpp"
#include "runtime/task/settings.hpp"
#include "runtime/task/steps.hpp"

namespace sluice::task {

enum class TaskState { kUnassigned, kRunning, kPaused, kFailed, kStopped };
const char* to_string(TaskState state);  // UNASSIGNED, RUNNING, PAUSED, FAILED, STOPPED

// Told by a runner what happens to it; implemented by the herder. Called from the runner's thread;
// must not block and must not call back into the runner.
class TaskListener {
 public:
  virtual ~TaskListener() = default;
  // kFailed comes with the trace. `restartable` is false where only a changed config can help
  // (CONFIG_ERROR).
  virtual void on_state(const TaskId& task, TaskState state, const std::string& trace,
                        bool restartable) = 0;
  virtual void on_event(const TaskId& task, const std::string& kind, const std::string& text) = 0;
  virtual void on_topic(const TaskId& task,
                        const std::string& topic) = 0;  // first record to or from that topic
  virtual void on_reconfiguration_requested(const TaskId& task) = 0;
};

// What both kinds of runner need; all references outlive the runner (an abandoned one included).
struct RunnerContext {
  log::Log& log;
  Clock& clock;
  Random& random;
  TaskListener& listener;
  store::OffsetStore* offsets = nullptr;  // sources
  std::unique_ptr<record::Converter> key_converter;
  std::unique_ptr<record::Converter> value_converter;
  std::unique_ptr<record::HeaderConverter> header_converter;
};

// The data plane of one task: moves records between a plugin and the log. A pure state machine
// driven by a Drive; it has no thread, socket, file or clock of its own. Made by the factories of
// source_task.hpp and sink_task.hpp, owned (shared with its drive) by the herder.
//
// Life: attach(drive), then steps run: the plugin's task is created, runs, fails or is stopped.
// Ends with stop(), whose `done` says that the plugin's task was destroyed after its last commit.
// If that does not come within the graceful time, call abandon() and drop the runner: nothing of it
// reaches the log any more.
class TaskRunner : public Steps {
 public:
  virtual void attach(std::shared_ptr<Drive> drive) = 0;
  // All below: any thread, return at once.
  virtual void pause(bool paused) = 0;
  virtual void stop(std::function<void()> done) = 0;
  virtual void abandon() = 0;
  virtual TaskState state() const = 0;
  virtual std::string trace() const = 0;
  virtual MetricsSnapshot metrics() const = 0;
};

using SourceFactory =
    std::function<plugin::Outcome(plugin::InstanceServices&, std::unique_ptr<plugin::SourceTask>&)>;
using SinkFactory =
    std::function<plugin::Outcome(plugin::InstanceServices&, std::unique_ptr<plugin::SinkTask>&)>;

// The factory calls Registry::create_source or create_sink; it runs in the first step.
std::shared_ptr<TaskRunner> make_source_runner(SourceSettings settings, RunnerContext context,
                                               SourceFactory create);
std::shared_ptr<TaskRunner> make_sink_runner(SinkSettings settings, RunnerContext context,
                                             SinkFactory create);

}  // namespace sluice::task
