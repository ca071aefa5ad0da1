// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <vector>

#include "runtime/logging/logging.hpp"
#include "runtime/task/backoff.hpp"
#include "runtime/task/task_runner.hpp"

namespace sluice::task {

// What source and sink runners have in common: orders from outside, the reported state, services
// for the plugin. Internal to runtime/task. Threads: orders and services from any; everything else
// by the thread that steps.
class RunnerBase : public TaskRunner,
                   public plugin::InstanceServices,
                   public std::enable_shared_from_this<RunnerBase> {
 public:
  RunnerBase(const CommonSettings& settings, RunnerContext context);

  // --- TaskRunner
  void attach(std::shared_ptr<Drive> drive) override;
  void pause(bool paused) override;
  void stop(std::function<void()> done) override;
  void abandon() override;
  TaskState state() const override;
  std::string trace() const override;
  MetricsSnapshot metrics() const override { return metrics_.snapshot(); }
  Next step() final;

  // --- InstanceServices
  std::string setting(const std::string& name) override;
  Result<std::optional<std::string>> read_offset(const std::string& partition) override;
  Result<std::vector<std::pair<std::string, std::string>>> list_offsets() override;
  void wake() override;
  void request_reconfiguration() override;
  void report_event(const std::string& kind, const std::string& text) override;

 protected:
  struct Orders {
    bool pause = false;
    bool stop = false;
  };
  // One step of the machine; kDone when everything is closed and let go of.
  virtual Next run(const Orders& orders) = 0;
  // Calls the plugin's stop(), once; any thread.
  virtual void stop_plugin() = 0;
  // Lets go of the plugin's task and of the log without a word to either; the stepping thread,
  // after abandon().
  virtual void drop() = 0;
  // Nothing that this runner still sends may reach the log; any thread.
  virtual void fence_off() {}

  bool abandoned() const { return abandoned_.load(std::memory_order_acquire); }
  // Of the runner's own: said in the log and to the listener.
  void event(const std::string& kind, const std::string& text);
  void report(TaskState state, const std::string& trace = "", bool restartable = true);
  void log_warn(const std::string& line) const;
  void log_info(const std::string& line) const;
  int64_t now_ms() { return context_.clock.now_ms().value(); }
  std::chrono::nanoseconds steady() { return context_.clock.steady(); }
  void progressed() {
    metrics_.last_progress_steady_ns.store(steady().count(), std::memory_order_relaxed);
  }
  static void raise_to(std::atomic<uint64_t>& cell, uint64_t value) {
    if (value > cell.load(std::memory_order_relaxed)) cell.store(value, std::memory_order_relaxed);
  }

  const CommonSettings common_;
  RunnerContext context_;
  Metrics metrics_;
  Backoff poll_backoff_;  // of calls into the plugin
  Backoff log_backoff_;   // of appends and commits
  const logging::Logger logger_;

 private:
  mutable std::mutex mutex_;  // guards all below
  std::shared_ptr<Drive> drive_;
  Orders orders_;
  bool finished_ = false;
  std::vector<std::function<void()>> stopped_;
  TaskState state_ = TaskState::kUnassigned;
  std::string trace_;
  std::atomic<bool> abandoned_{false};
};

// Whether the log may do later what it refused.
bool worth_retrying(ErrorKind kind);

// The text of a failed call into a plugin, as a trace.
std::string trace_of(const std::string& call, const plugin::Outcome& outcome);

}  // namespace sluice::task
