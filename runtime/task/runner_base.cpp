// SPDX-License-Identifier: Apache-2.0
#include "runtime/task/runner_base.hpp"

#include <utility>

namespace sluice::task {
namespace {

constexpr std::chrono::milliseconds kBackoffFirst(100);
constexpr std::chrono::milliseconds kLogBackoffMax(5000);

}  // namespace

const char* to_string(TaskState state) {
  switch (state) {
    case TaskState::kUnassigned:
      return "UNASSIGNED";
    case TaskState::kRunning:
      return "RUNNING";
    case TaskState::kPaused:
      return "PAUSED";
    case TaskState::kFailed:
      return "FAILED";
    case TaskState::kStopped:
      return "STOPPED";
  }
  return "UNASSIGNED";
}

bool worth_retrying(ErrorKind kind) {
  return kind == ErrorKind::kRetriable || kind == ErrorKind::kTimeout ||
         kind == ErrorKind::kNotConnected;
}

std::string trace_of(const std::string& call, const plugin::Outcome& outcome) {
  static constexpr const char* kNames[] = {
      "OK",           "RETRIABLE", "RECORD_ERROR", "NOT_CONNECTED", "END",
      "CONFIG_ERROR", "FATAL",     "FENCED",       "UNSUPPORTED",   "REOPEN"};
  const char* name = outcome.status < std::size(kNames) ? kNames[outcome.status] : "UNKNOWN";
  return call + " failed with " + name + ": " + outcome.text;
}

RunnerBase::RunnerBase(const CommonSettings& settings, RunnerContext context)
    : common_(settings),
      context_(std::move(context)),
      poll_backoff_(
          context_.random, kBackoffFirst,
          std::chrono::milliseconds(std::max<int64_t>(1, settings.errors.retry_delay_max_ms))),
      log_backoff_(context_.random, kBackoffFirst, kLogBackoffMax),
      logger_("task." + settings.id.connector) {}

void RunnerBase::attach(std::shared_ptr<Drive> drive) {
  std::shared_ptr<Drive> call;
  {
    std::lock_guard lock(mutex_);
    if (finished_) return;  // it steps from its birth and may be through already
    drive_ = std::move(drive);
    call = drive_;
  }
  call->wake();
}

void RunnerBase::pause(bool paused) {
  {
    std::lock_guard lock(mutex_);
    orders_.pause = paused;
  }
  RunnerBase::wake();
}

void RunnerBase::stop(std::function<void()> done) {
  {
    std::lock_guard lock(mutex_);
    if (!finished_) {
      orders_.stop = true;
      if (done) stopped_.push_back(std::move(done));
      done = nullptr;
    }
  }
  if (done) return done();
  if (common_.blocking) stop_plugin();
  RunnerBase::wake();
}

void RunnerBase::abandon() {
  abandoned_.store(true, std::memory_order_release);
  std::shared_ptr<Drive> drive;
  {
    std::lock_guard lock(mutex_);
    drive = std::exchange(drive_, nullptr);  // the cycle drive -> runner -> drive ends here
    stopped_.clear();
  }
  fence_off();
  if (drive) drive->wake();
}

TaskState RunnerBase::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

std::string RunnerBase::trace() const {
  std::lock_guard lock(mutex_);
  return trace_;
}

Next RunnerBase::step() {
  Orders orders;
  {
    std::lock_guard lock(mutex_);
    if (finished_) return Next::done();
    orders = orders_;
  }
  Next next = abandoned() ? Next::done() : run(orders);
  if (abandoned()) next = Next::done();
  if (next.kind != Next::kDone) return next;
  if (abandoned()) drop();
  std::vector<std::function<void()>> stopped;
  std::shared_ptr<Drive> drive;
  {
    std::lock_guard lock(mutex_);
    finished_ = true;
    stopped = std::move(stopped_);
    stopped_.clear();
    drive = std::exchange(drive_, nullptr);
  }
  for (auto& done : stopped) done();
  return next;
}

std::string RunnerBase::setting(const std::string& name) {
  auto found = common_.facts.find(name);
  return found == common_.facts.end() ? "" : found->second;
}

Result<std::optional<std::string>> RunnerBase::read_offset(const std::string& partition) {
  if (context_.offsets == nullptr)
    return Error{ErrorKind::kUnsupported, "a sink has no source offsets"};
  return context_.offsets->read(common_.id.connector, partition);
}

Result<std::vector<std::pair<std::string, std::string>>> RunnerBase::list_offsets() {
  if (context_.offsets == nullptr)
    return Error{ErrorKind::kUnsupported, "a sink has no source offsets"};
  return context_.offsets->list(common_.id.connector);
}

void RunnerBase::wake() {
  std::shared_ptr<Drive> drive;
  {
    std::lock_guard lock(mutex_);
    drive = drive_;
  }
  if (drive) drive->wake();
}

void RunnerBase::request_reconfiguration() {
  context_.listener.on_reconfiguration_requested(common_.id);
}

// The plugin host has logged it already.
void RunnerBase::report_event(const std::string& kind, const std::string& text) {
  context_.listener.on_event(common_.id, kind, text);
}

void RunnerBase::event(const std::string& kind, const std::string& text) {
  log_warn(kind + ": " + text);
  context_.listener.on_event(common_.id, kind, text);
}

void RunnerBase::report(TaskState state, const std::string& trace, bool restartable) {
  {
    std::lock_guard lock(mutex_);
    if (state_ == state) return;
    state_ = state;
    trace_ = trace;
  }
  if (abandoned()) return;
  if (state == TaskState::kFailed) logger_.error("[" + common_.id.to_string() + "] " + trace);
  context_.listener.on_state(common_.id, state, trace, restartable);
}

void RunnerBase::log_warn(const std::string& line) const {
  logger_.warn("[" + common_.id.to_string() + "] " + line);
}

void RunnerBase::log_info(const std::string& line) const {
  logger_.info("[" + common_.id.to_string() + "] " + line);
}

}  // namespace sluice::task
