// SPDX-License-Identifier: Apache-2.0
#include "runtime/task/source_runner.hpp"

#include "broker-core/base/crash_point.hpp"
#include "broker-core/base/mutant.hpp"

namespace sluice::task {
namespace {

constexpr std::chrono::milliseconds kIdleFirst(10);
constexpr std::chrono::milliseconds kIdleMax(1000);
constexpr uint32_t kBlockingPollMs = 500;  // an idle blocking poll: how long pause may take
constexpr uint32_t kBusyPollMs = 1;        // the same while answers of the log are expected

}  // namespace

SourceRunner::SourceRunner(SourceSettings settings, RunnerContext context, SourceFactory create)
    : RunnerBase(settings, std::move(context)),
      settings_(std::move(settings)),
      create_(std::move(create)),
      producer_(settings_.id.to_string()) {}

SourceRunner::~SourceRunner() = default;

std::shared_ptr<plugin::SourceTask> SourceRunner::plugin() {
  std::lock_guard lock(plugin_mutex_);
  return task_;
}

void SourceRunner::wake() {
  woken_.store(true, std::memory_order_release);
  RunnerBase::wake();
}

// Under the lock, so that the plugin's task never ends before its stop() has returned.
void SourceRunner::stop_plugin() {
  std::lock_guard lock(plugin_mutex_);
  if (task_ && !std::exchange(plugin_stopped_, true)) task_->stop();
}

// Appends that a stuck step may still make carry the old epoch and are refused.
void SourceRunner::fence_off() {
  auto epoch = context_.log.fence(producer_);
  if (!epoch.ok()) log_warn("fencing the abandoned task failed: " + epoch.error().message);
}

void SourceRunner::drop() {
  building_ = {};  // before the task: no batch outlives it
  flying_ = {};
  let_go();
}

// Of the plugin's task, whose end is called outside of the lock.
void SourceRunner::let_go() {
  std::shared_ptr<plugin::SourceTask> task;
  std::lock_guard lock(plugin_mutex_);
  task.swap(task_);
}

Next SourceRunner::run(const Orders& orders) {
  if (!started_ && !failing()) {
    if (orders.stop) return wind_up(orders);
    if (orders.pause) {  // as in Kafka Connect, a task that begins paused does not start its plugin
      report(TaskState::kPaused);
      return Next::wait();
    }
    if (steady() < retry_at_) return Next::wait(retry_at_ - steady());
    if (!start() || !started_) return Next::again();
    if (abandoned()) return Next::done();
  }
  if (!take_answer() || failing() || orders.stop) return wind_up(orders);
  const auto now = steady();
  if (refused_) {
    if (now < retry_at_) return Next::wait(retry_at_ - now);
    if (!rebuild()) return Next::again();
  }
  if (!in_flight_ && !building_.empty() && !refused_) submit();
  if (orders.pause) {
    report(TaskState::kPaused);
    return Next::wait();
  }
  report(TaskState::kRunning);
  if (refused_ || failing()) return Next::again();
  if (ended_) return Next::wait();
  if (building_.bytes + flying_.bytes >= settings_.in_flight_bytes_max) return Next::wait();
  if (woken_.exchange(false, std::memory_order_acquire)) poll_at_ = now;
  if (now < poll_at_) return Next::wait(poll_at_ - now);
  return poll();
}

bool SourceRunner::start() {
  auto epoch = context_.log.fence(producer_);
  if (!epoch.ok() && worth_retrying(epoch.error().kind)) {
    retry_at_ =
        steady() + log_backoff_.next();  // appends of an owner before us are still under way
    return true;
  }
  if (!epoch.ok()) {
    fail("fencing older owners of the task failed: " + epoch.error().message, true);
    return false;
  }
  epoch_ = *epoch;
  auto topics = TopicCreation::make(settings_);
  if (!topics.ok()) {
    fail(topics.error().message, false);
    return false;
  }
  RecordWriter::Hooks hooks;
  hooks.log = [this](const std::string& line) { log_warn(line); };
  hooks.topic_used = [this](const std::string& topic, bool created) {
    if (created) log_info("created topic " + topic);
    context_.listener.on_topic(common_.id, topic);
  };
  writer_.emplace(settings_, context_.log, std::move(*topics), metrics_, std::move(hooks));
  writer_->use(context_.key_converter.get(), context_.value_converter.get(),
               context_.header_converter.get());
  mailbox_->runner = weak_from_this();
  // What keeps it from being made for now is met again with the first bad record.
  if (Status opened = writer_->open_dead_letters();
      !opened.ok() && !worth_retrying(opened.error().kind)) {
    fail(opened.error().message, true);
    return false;
  }

  std::unique_ptr<plugin::SourceTask> task;
  plugin::Outcome outcome = create_(*this, task);
  if (!outcome.ok()) {
    fail(trace_of("start", outcome), outcome.status != SLUICE_CONFIG_ERROR);
    return false;
  }
  {
    std::lock_guard lock(plugin_mutex_);
    task_ = std::move(task);
  }
  started_ = true;
  log_backoff_.reset();
  progressed();
  return true;
}

// -------------------------------------------------------------------------------------------------
// the log's answer

bool SourceRunner::take_answer() {
  if (!in_flight_) return true;
  std::optional<Status> answer;
  {
    std::lock_guard lock(mailbox_->mutex);
    answer = std::exchange(mailbox_->answer, std::nullopt);
  }
  if (!answer) return true;
  in_flight_ = false;
  if (!answer->ok()) return append_refused(answer->error());
  return acknowledge();
}

bool SourceRunner::acknowledge() {
  SLUICE_CRASH_POINT("task.source.before_ack");
  Pack durable = std::exchange(flying_, {});
  metrics_.source_record_write_total.fetch_add(durable.records, std::memory_order_relaxed);
  metrics_.source_record_active_count.fetch_sub(durable.records, std::memory_order_relaxed);
  metrics_.bytes_total.fetch_add(durable.bytes, std::memory_order_relaxed);
  metrics_.offset_commit_completion_total.fetch_add(1, std::memory_order_relaxed);
  if (metrics_.log_retrying.exchange(0, std::memory_order_relaxed))
    log_info("the log takes records again");
  log_backoff_.reset();
  progressed();
  if (durable.last_number == 0) return true;
  plugin::Outcome outcome = task_->ack(durable.last_number);
  SLUICE_CRASH_POINT("task.source.after_ack");
  if (outcome.ok() || outcome.status == SLUICE_RETRIABLE ||
      outcome.status == SLUICE_NOT_CONNECTED || outcome.status == SLUICE_UNSUPPORTED)
    return true;  // acknowledgements are cumulative: the next one says the same and more
  fail(trace_of("ack", outcome), outcome.status != SLUICE_CONFIG_ERROR);
  return false;
}

// Nothing of the append is in the log or ever will be. What was polled is kept, in its order.
bool SourceRunner::append_refused(const Error& error) {
  const bool topic_gone = error.kind == ErrorKind::kNotFound;
  if (!worth_retrying(error.kind) && !topic_gone) {
    give_up("writing to the log failed: " + error.message, true);
    return false;
  }
  if (topic_gone) writer_->forget_topics();
  metrics_.dead_letter_failures.fetch_add(flying_.dead_letters, std::memory_order_relaxed);
  Pack whole = std::exchange(flying_, {});
  for (Polled& polled : building_.batches) whole.batches.push_back(std::move(polled));
  whole.last_number = std::max(whole.last_number, building_.last_number);
  whole.records += building_.records;
  whole.bytes += building_.bytes;
  building_ = std::move(whole);
  refused_ = true;
  const auto delay = log_backoff_.next();
  retry_at_ = steady() + delay;
  metrics_.total_retries.fetch_add(1, std::memory_order_relaxed);
  if (metrics_.log_retrying.exchange(1, std::memory_order_relaxed) == 0)
    event("log-retry",
          "the log does not take records, trying again until it does: " + error.message);
  return true;
}

bool SourceRunner::rebuild() {
  writer_->clear();
  refused_ = true;  // until all of it is in the writer: a part must not go out as the whole
  auto task = plugin();
  for (Polled& polled : building_.batches) {
    Status added = writer_->add(polled, *task, now_ms());
    if (added.ok()) continue;
    if (!worth_retrying(added.error().kind)) {
      give_up(added.error().message, added.error().kind != ErrorKind::kRecord);
      return false;
    }
    retry_at_ = steady() + log_backoff_.next();
    return true;
  }
  refused_ = false;
  return true;
}

void SourceRunner::submit() {
  flying_ = std::exchange(building_, {});
  in_flight_ = true;
  flying_.dead_letters = writer_->dead_letters();
  log::AppendRequest request = writer_->finish();
  request.producer = producer_;
  request.epoch = epoch_;
  SLUICE_CRASH_POINT("task.source.before_append");
  if (SLUICE_MUTANT("source.acknowledged_before_durable")) (void)task_->ack(flying_.last_number);
  context_.log.append(std::move(request),
                      [mailbox = mailbox_](Result<std::vector<log::Appended>> result) {
                        std::shared_ptr<RunnerBase> runner;
                        {
                          std::lock_guard lock(mailbox->mutex);
                          mailbox->answer = result.ok() ? ok() : Status(std::move(result).error());
                          runner = mailbox->runner.lock();
                        }
                        if (runner) runner->RunnerBase::wake();
                      });
  SLUICE_CRASH_POINT("task.source.after_append");
  if (flying_.dead_letters > 0) SLUICE_CRASH_POINT("task.source.dead_letters_sent");
}

// ---------------------------------------------------------------------------------------------------------
// polling

Next SourceRunner::poll() {
  sluice_poll_limits limits{};
  limits.struct_size = sizeof limits;
  limits.records_max = settings_.batch_records_max;
  limits.bytes_max = settings_.batch_bytes_max;
  if (settings_.blocking)
    limits.wait_max_ms = in_flight_ || !building_.empty() ? kBusyPollMs : kBlockingPollMs;
  Polled answer;
  uint32_t idle_ms = 0;
  const auto begin = steady();
  plugin::Outcome outcome = task_->poll(limits, answer.batch, answer.failures, idle_ms);
  const auto took = static_cast<uint64_t>((steady() - begin).count());
  if (abandoned()) return Next::done();
  if (!outcome.ok()) return poll_failed(outcome);
  poll_backoff_.reset();
  if (answer.batch.empty()) return idle(idle_ms);
  metrics_.poll_batch_time_total_ns.fetch_add(took, std::memory_order_relaxed);
  metrics_.poll_batches.fetch_add(1, std::memory_order_relaxed);
  raise_to(metrics_.poll_batch_time_max_ns, took);
  return polled(std::move(answer));
}

Next SourceRunner::polled(Polled polled) {
  SLUICE_CRASH_POINT("task.source.after_poll");
  idle_polls_ = 0;
  const uint64_t records = polled.batch.size();
  ++numbers_;
  metrics_.source_record_poll_total.fetch_add(records, std::memory_order_relaxed);
  metrics_.source_record_active_count.fetch_add(records, std::memory_order_relaxed);
  raise_to(metrics_.batch_size_max, records);
  if (!keep(std::move(polled))) return Next::again();
  if (!in_flight_ && !refused_) submit();
  return Next::again();
}

// Converts the batch and holds it until it is durable. The place of transform chains: between the
// plugin's batch and the writer, batch in, batch out.
bool SourceRunner::keep(Polled polled) {
  const size_t before = writer_->size_bytes();
  auto task = plugin();
  Status added = writer_->add(polled, *task, now_ms());
  if (!added.ok() && !worth_retrying(added.error().kind)) {
    // What was polled before is good and goes to the log; this batch does not, and its offsets
    // neither.
    const std::string why = added.error().message;
    if (!rebuild()) return false;
    // A bad record is one after a restart as well.
    fail(why, added.error().kind != ErrorKind::kRecord);
    return false;
  }
  building_.records += polled.batch.size();
  building_.batches.push_back(std::move(polled));
  building_.last_number = numbers_;
  if (added.ok()) {
    building_.bytes += writer_->size_bytes() - before + 1;
  } else {
    refused_ = true;  // a topic that cannot be made just now: as an append that was refused
    building_.bytes += settings_.batch_bytes_max;
    retry_at_ = steady() + log_backoff_.next();
    if (metrics_.log_retrying.exchange(1, std::memory_order_relaxed) == 0)
      event("log-retry", added.error().message);
  }
  return true;
}

Next SourceRunner::idle(uint32_t idle_ms) {
  auto delay = std::chrono::nanoseconds(std::chrono::milliseconds(idle_ms));
  if (idle_ms == 0 && !settings_.blocking) {
    delay = std::min(kIdleFirst * (1 << std::min(idle_polls_, 7u)), kIdleMax);
    ++idle_polls_;
  }
  poll_at_ = steady() + delay;
  return delay.count() == 0 ? Next::again() : Next::wait(delay);
}

Next SourceRunner::poll_failed(const plugin::Outcome& outcome) {
  switch (outcome.status) {
    case SLUICE_RETRIABLE:
    case SLUICE_NOT_CONNECTED:
      metrics_.total_retries.fetch_add(1, std::memory_order_relaxed);
      log_warn(trace_of("poll", outcome) + "; trying again");
      return poll_later(outcome);
    case SLUICE_END:
      ended_ = true;
      log_info("the source has delivered everything: " + outcome.text);
      return Next::again();
    case SLUICE_RECORD_ERROR:
      metrics_.total_record_errors.fetch_add(1, std::memory_order_relaxed);
      metrics_.last_error_timestamp_ms.store(now_ms(), std::memory_order_relaxed);
      if (settings_.errors.tolerate_all) {
        metrics_.total_records_skipped.fetch_add(1, std::memory_order_relaxed);
        log_warn("skipped a record: " + outcome.text);
        return poll_later(outcome);
      }
      metrics_.total_record_failures.fetch_add(1, std::memory_order_relaxed);
      break;
    default:
      break;
  }
  fail(trace_of("poll", outcome),
       outcome.status != SLUICE_CONFIG_ERROR && outcome.status != SLUICE_RECORD_ERROR);
  return Next::again();
}

Next SourceRunner::poll_later(const plugin::Outcome& outcome) {
  auto delay = poll_backoff_.next();
  if (outcome.retry_after_ms > 0) delay = std::chrono::milliseconds(outcome.retry_after_ms);
  poll_at_ = steady() + delay;
  return Next::wait(delay);
}

// ----------------------------------------------------------------------------------------------------------
// the end

void SourceRunner::fail(std::string trace, bool restartable) {
  if (failed_) return;
  failed_ = true;
  restartable_ = restartable;
  failure_ = std::move(trace);
}

void SourceRunner::give_up(std::string trace, bool restartable) {
  fail(std::move(trace), restartable);
  building_ = {};
  flying_ = {};
  refused_ = false;
  metrics_.source_record_active_count.store(0, std::memory_order_relaxed);
}

// Everything polled goes to the log and is acknowledged, then the plugin's task ends.
Next SourceRunner::wind_up(const Orders& orders) {
  if (in_flight_) return Next::wait();
  if (refused_) {
    // The log does not take it: without an order to stop it is tried again; with one the deadline
    // decides.
    const auto now = steady();
    if (now < retry_at_) return Next::wait(retry_at_ - now);
    if (!rebuild()) return Next::again();
    if (refused_) return Next::wait(retry_at_ - steady());
  }
  if (!building_.empty()) {
    submit();
    return Next::wait();
  }
  close_plugin();
  if (failing()) {
    report(TaskState::kFailed, failure_, restartable_);
  } else if (orders.stop) {
    report(TaskState::kStopped);
  }
  return Next::done();
}

void SourceRunner::close_plugin() {
  if (closed_) return;
  closed_ = true;
  stop_plugin();
  let_go();
}

std::shared_ptr<TaskRunner> make_source_runner(SourceSettings settings, RunnerContext context,
                                               SourceFactory create) {
  return std::make_shared<SourceRunner>(std::move(settings), std::move(context), std::move(create));
}

}  // namespace sluice::task
