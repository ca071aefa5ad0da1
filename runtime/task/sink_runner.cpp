// SPDX-License-Identifier: Apache-2.0
#include "runtime/task/sink_runner.hpp"

#include "broker-core/base/crash_point.hpp"

namespace sluice::task {
namespace {

constexpr std::chrono::milliseconds kHeartbeat(
    1000);  // empty puts while something waits to be committed

}  // namespace

SinkRunner::SinkRunner(SinkSettings settings, RunnerContext context, SinkFactory create)
    : RunnerBase(settings, std::move(context)),
      settings_(std::move(settings)),
      create_(std::move(create)),
      dead_letters_(settings_, context_.log, [this](const std::string& topic) {
        log_info("created the dead letter topic " + topic);
      }) {}

SinkRunner::~SinkRunner() = default;

std::shared_ptr<plugin::SinkTask> SinkRunner::plugin() {
  std::lock_guard lock(plugin_mutex_);
  return task_;
}

// Under the lock, so that the plugin's task never ends before its stop() has returned.
void SinkRunner::stop_plugin() {
  std::lock_guard lock(plugin_mutex_);
  if (task_ && !std::exchange(plugin_stopped_, true)) task_->stop();
}

void SinkRunner::wake() {
  woken_.store(true, std::memory_order_release);
  RunnerBase::wake();
}

void SinkRunner::drop() {
  held_.reset();
  let_go();
}

// Of the membership and the plugin's task; what their ends call happens outside of the locks.
void SinkRunner::let_go() {
  std::shared_ptr<plugin::SinkTask> task;
  std::shared_ptr<log::Consumer> consumer;
  {
    std::lock_guard lock(consumer_mutex_);
    consumer.swap(consumer_);
  }
  consumer.reset();
  std::lock_guard lock(plugin_mutex_);
  task.swap(task_);
}

// A step that is stuck keeps the membership, and with it the partitions, from whoever comes next.
void SinkRunner::fence_off() {
  std::shared_ptr<log::Consumer> consumer;
  {
    std::lock_guard lock(consumer_mutex_);
    consumer = consumer_;
  }
  if (consumer) consumer->leave();
}

Next SinkRunner::run(const Orders& orders) {
  if (!started_ && !failed_) {
    if (orders.stop) return wind_up(orders);
    if (orders.pause) {  // as in Kafka Connect, a task that begins paused does not start its plugin
      report(TaskState::kPaused);
      return Next::wait();
    }
    if (!start()) return Next::again();
    if (abandoned()) return Next::done();
  }
  take_commit_answer();
  if (Next next; !buried(next)) return next;
  if (failed_ || orders.stop) return wind_up(orders);
  apply_pause(orders);
  if (revoking_ && !finish_revoke()) return failed_ ? Next::again() : Next::wait();
  const auto now = steady();
  if (now >= commit_at_ && !commit_under_way_) {
    if (commit() == Commit::kFailed) return Next::again();
    if (commit_at_ <= now)
      commit_at_ = now + std::chrono::milliseconds(settings_.offset_flush_interval_ms);
  }
  if (held_ && now >= retry_at_ && !paused_) {
    put_held();
    // What is held and not waited for goes in before anything else is read.
    if (failed_ || abandoned() || (held_ && !held_->retrying)) return Next::again();
  }
  return read_on(orders);
}

bool SinkRunner::start() {
  mailbox_->runner = weak_from_this();
  if (dead_letters_.enabled()) {
    // What keeps it from being made for now is met again with the first bad record.
    Status opened = dead_letters_.open();
    if (!opened.ok() && !worth_retrying(opened.error().kind)) {
      fail(opened.error().message, true);
      return false;
    }
  }
  std::unique_ptr<plugin::SinkTask> task;
  plugin::Outcome outcome = create_(*this, task);
  if (!outcome.ok()) {
    fail(trace_of("start", outcome), outcome.status != SLUICE_CONFIG_ERROR);
    return false;
  }
  {
    std::lock_guard lock(plugin_mutex_);
    task_ = std::move(task);
  }
  decoder_ =
      std::make_unique<SinkDecoder>(context_.key_converter.get(), context_.value_converter.get(),
                                    context_.header_converter.get());
  if (!subscribe()) return false;
  started_ = true;
  commit_at_ = steady() + std::chrono::milliseconds(settings_.offset_flush_interval_ms);
  progressed();
  return true;
}

bool SinkRunner::subscribe() {
  log::Subscription subscription;
  subscription.group = settings_.group;
  subscription.client_id =
      "connector-consumer-" + settings_.id.connector + "-" + std::to_string(settings_.id.task);
  subscription.topics = settings_.topics;
  subscription.topics_regex = settings_.topics_regex;
  subscription.from_latest = settings_.from_latest;
  auto consumer = context_.log.subscribe(subscription, [mailbox = mailbox_] {
    std::shared_ptr<RunnerBase> runner;
    {
      std::lock_guard lock(mailbox->mutex);
      runner = mailbox->runner.lock();
    }
    if (runner) runner->RunnerBase::wake();
  });
  if (!consumer.ok()) {
    fail("joining group " + settings_.group + " failed: " + consumer.error().message,
         consumer.error().kind != ErrorKind::kInvalid);
    return false;
  }
  std::lock_guard lock(consumer_mutex_);
  consumer_ = std::move(*consumer);
  return true;
}

// ---------------------------------------------------------------------------------------------------------
// reading

Next SinkRunner::read_on(const Orders& orders) {
  report(orders.pause ? TaskState::kPaused : TaskState::kRunning);
  auto event = consumer_->next(settings_.batch_bytes_max);
  if (!event.ok()) return consumer_failed(event.error());
  if (std::holds_alternative<std::monostate>(*event)) {
    return heartbeat() ? wait_time(steady()) : Next::again();
  }
  return handle(std::move(*event));
}

Next SinkRunner::consumer_failed(const Error& error) {
  if (worth_retrying(error.kind)) {
    metrics_.total_retries.fetch_add(1, std::memory_order_relaxed);
    const auto delay = log_backoff_.next();
    log_warn("reading from the log failed, trying again: " + error.message);
    return Next::wait(delay);
  }
  fail("reading from the log failed: " + error.message, true);
  return Next::again();
}

Next SinkRunner::handle(log::ConsumerEvent event) {
  if (auto* assigned = std::get_if<log::Assign>(&event)) {
    (void)assign(*assigned);  // a failure is seen in the next step
  } else if (auto* revoked = std::get_if<log::Revoke>(&event)) {
    begin_revoke(std::move(*revoked));
  } else if (auto* fetched = std::get_if<log::Fetched>(&event)) {
    if (take(std::move(*fetched)) && held_ && !burying_ && !paused_) put_held();
  }
  return Next::again();
}

bool SinkRunner::assign(const log::Assign& event) {
  std::vector<sluice_partition_offset> offsets;
  for (const log::GroupOffset& given : event.partitions) {
    Partition& partition = partitions_[given.partition];
    partition.topic = task_->intern_topic(given.partition.topic);
    partition.committed = given.next.value();
    partition.read = given.next.value();
    partition.put = given.next.value();
    offsets.push_back({partition.topic, given.partition.partition.value(), given.next.value()});
  }
  metrics_.partition_count.store(partitions_.size(), std::memory_order_relaxed);
  SLUICE_CRASH_POINT("task.sink.before_open");
  plugin::Outcome outcome = task_->open(offsets, consumer_->epoch());
  if (!outcome.ok()) {
    fail(trace_of("open", outcome), outcome.status != SLUICE_CONFIG_ERROR,
         outcome.status == SLUICE_FENCED);
    return false;
  }
  for (size_t i = 0; i < offsets.size() && i < event.partitions.size(); ++i) {
    const log::GroupOffset& given = event.partitions[i];
    const int64_t wanted = offsets[i].next_offset;
    if (wanted < 0 || wanted == given.next.value()) continue;
    // The target knows better what it has.
    consumer_->seek(given.partition, Offset(wanted));
    Partition& partition = partitions_[given.partition];
    partition.read = partition.put = wanted;
  }
  if (paused_) pause_all(true);
  progressed();
  return true;
}

bool SinkRunner::take(log::Fetched fetched) {
  const TopicPartitionName name = fetched.partition;
  auto found = partitions_.find(name);
  if (found == partitions_.end()) return false;  // revoked meanwhile
  Partition& partition = found->second;
  if (partition.read >= 0 && fetched.from.value() > partition.read)
    event("offset-gap", "offsets " + std::to_string(partition.read) + " to " +
                            std::to_string(fetched.from.value() - 1) + " of " + name.to_string() +
                            " are gone from the log before they were read (retention)");
  if (!topics_seen_[name.topic]) {
    topics_seen_[name.topic] = true;
    context_.listener.on_topic(common_.id, name.topic);
  }
  const size_t bytes = fetched.batches.size();
  const int64_t fetched_from = fetched.from.value();
  auto decoded = decoder_->decode(std::move(fetched), partition.topic);
  if (!decoded.ok()) {
    fail("decoding records of " + name.to_string() + " failed: " + decoded.error().message, true);
    return false;
  }
  metrics_.sink_record_read_total.fetch_add(decoded->batch.size() + decoded->bad.size(),
                                            std::memory_order_relaxed);
  metrics_.bytes_total.fetch_add(bytes, std::memory_order_relaxed);
  if (!decoded->bad.empty() && !tolerate(decoded->bad, name.to_string())) return false;
  if (partition.first < 0) partition.first = fetched_from;
  partition.read = decoded->next.value();
  const bool burying = !decoded->bad.empty() && bury(std::move(decoded->bad), name, decoded->raw);
  if (decoded->batch.size() == 0 && !burying) {
    partition.put = partition.read;
    return true;
  }
  held_.emplace();
  if (decoded->batch.size() == 0) held_->taken.emplace();
  held_->batch = std::move(decoded->batch);
  held_->raw = std::move(decoded->raw);
  held_->partition = name;
  held_->next = partition.read;
  return true;
}

bool SinkRunner::tolerate(const std::vector<SinkDecoder::BadRecord>& bad,
                          const std::string& topic) {
  metrics_.total_record_errors.fetch_add(bad.size(), std::memory_order_relaxed);
  metrics_.last_error_timestamp_ms.store(now_ms(), std::memory_order_relaxed);
  const std::string first =
      topic + " offset " + std::to_string(bad.front().offset.value()) + ": " + bad.front().what;
  if (!settings_.errors.tolerate_all) {
    metrics_.total_record_failures.fetch_add(bad.size(), std::memory_order_relaxed);
    // What does not convert does not do so after a restart either; what a target refuses it may
    // take later.
    fail("Tolerance exceeded in error handler: " + first, bad.front().stage == Stage::kPut);
    return false;
  }
  metrics_.total_records_skipped.fetch_add(bad.size(), std::memory_order_relaxed);
  if (settings_.errors.log) {
    metrics_.total_errors_logged.fetch_add(bad.size(), std::memory_order_relaxed);
    for (const auto& record : bad)
      log_warn("skipped record " + topic + " offset " + std::to_string(record.offset.value()) +
               ": " + record.what);
  }
  return true;
}

// ----------------------------------------------------------------------------------------------------------
// putting

void SinkRunner::put_held() {
  SLUICE_CRASH_POINT("task.sink.before_put");
  const uint64_t records = held_->batch.size();
  std::vector<plugin::RecordFailure> failures;
  const auto begin = steady();
  plugin::Outcome outcome = task_->put(held_->batch, failures);
  const auto took = steady() - begin;
  if (abandoned()) return;
  SLUICE_CRASH_POINT("task.sink.after_put");
  if (!outcome.ok()) return put_refused(outcome);
  held_->taken = Taken{records, took};
  if (!failures.empty() && !put_failures(failures)) return;
  put_succeeded();
}

void SinkRunner::put_succeeded() {
  const uint64_t records = held_->taken->records;
  const auto ns = static_cast<uint64_t>(held_->taken->took.count());
  metrics_.sink_record_send_total.fetch_add(records, std::memory_order_relaxed);
  metrics_.sink_record_active_count.fetch_add(records, std::memory_order_relaxed);
  metrics_.put_batches.fetch_add(1, std::memory_order_relaxed);
  metrics_.put_batch_time_total_ns.fetch_add(ns, std::memory_order_relaxed);
  raise_to(metrics_.put_batch_time_max_ns, ns);
  raise_to(metrics_.batch_size_max, records);
  auto found = partitions_.find(held_->partition);
  if (found != partitions_.end()) found->second.put = held_->next;
  const bool was_retrying = held_->retrying;
  held_.reset();
  heartbeat_at_ = steady() + kHeartbeat;
  poll_backoff_.reset();
  progressed();
  if (was_retrying) {
    log_info("the target takes records again");
    if (!paused_) pause_all(false);
  }
}

// False: the task fails, or dead letters are to be written first.
bool SinkRunner::put_failures(const std::vector<plugin::RecordFailure>& failures) {
  std::vector<SinkDecoder::BadRecord> bad;
  for (const plugin::RecordFailure& failure : failures)
    bad.push_back(
        {Offset(held_->batch.record(failure.index).offset), Stage::kPut, failure.outcome.text});
  if (!tolerate(bad, held_->partition.to_string())) {
    fenced_ = true;  // the target has the other records: a commit would be of more than is counted
    return false;
  }
  return !bury(std::move(bad), held_->partition, held_->raw);
}

// What was put since the last commit is lost in the target: its partitions are closed, opened again
// and read from where the target, or else the group, has them.
void SinkRunner::reopen() {
  log_warn("the target has lost what was put since the last commit; reading it again");
  held_.reset();
  committing_.clear();
  log::Assign again;
  std::vector<std::pair<TopicPartitionName, int64_t>> uncommitted;  // with where reading began
  for (const auto& [name, partition] : partitions_) {
    again.partitions.push_back({name, Offset(partition.committed)});
    if (partition.committed < 0 && partition.first >= 0)
      uncommitted.push_back({name, partition.first});
  }
  close_all(false);
  for (const log::GroupOffset& given : again.partitions)
    consumer_->seek(given.partition, given.next);
  metrics_.total_retries.fetch_add(1, std::memory_order_relaxed);
  if (!assign(again)) return;  // the failure is seen in the next step
  // Without a committed offset auto.offset.reset would decide, and "latest" would skip them.
  for (const auto& [name, first] : uncommitted) {
    Partition& partition = partitions_[name];
    partition.first = first;
    if (partition.put < 0) consumer_->seek(name, Offset(first));
  }
  if (!paused_) pause_all(false);
}

void SinkRunner::put_refused(const plugin::Outcome& outcome) {
  if (outcome.status == SLUICE_REOPEN) return reopen();
  if (outcome.status == SLUICE_RETRIABLE || outcome.status == SLUICE_NOT_CONNECTED) {
    auto delay = poll_backoff_.next();
    if (outcome.retry_after_ms > 0) delay = std::chrono::milliseconds(outcome.retry_after_ms);
    retry_at_ = steady() + delay;
    metrics_.total_retries.fetch_add(1, std::memory_order_relaxed);
    if (!held_->retrying) {
      held_->retrying = true;
      pause_all(true);
      log_warn(trace_of("put", outcome) +
               "; the batch is held and put again until the target takes it");
    }
    return;
  }
  if (outcome.status == SLUICE_RECORD_ERROR && skip_record(outcome)) return;
  fail(trace_of("put", outcome), outcome.status != SLUICE_CONFIG_ERROR,
       outcome.status == SLUICE_FENCED);
}

// The plugin took none of the batch because of one record: the rest comes again without it, if
// errors.tolerance says so. False: the task has to fail.
bool SinkRunner::skip_record(const plugin::Outcome& outcome) {
  if (outcome.record_index >= held_->batch.size()) return false;
  const Offset offset(held_->batch.record(outcome.record_index).offset);
  std::vector<SinkDecoder::BadRecord> bad{{offset, Stage::kPut, outcome.text}};
  if (!tolerate(bad, held_->partition.to_string())) return true;
  if (!SinkBatchPool::remove(held_->batch, outcome.record_index)) return false;
  retry_at_ = steady();
  if (held_->batch.size() == 0) held_->taken.emplace();
  if (!bury(std::move(bad), held_->partition, held_->raw) && held_->taken) put_succeeded();
  return true;
}

// An empty put, so that a plugin that collects records can send what has waited long enough. False:
// there is something to do at once (a failure, or records to read again).
bool SinkRunner::heartbeat() {
  if (held_ || paused_ || partitions_.empty()) return true;
  const bool woken = woken_.exchange(false, std::memory_order_acquire);
  const auto now = steady();
  if (!woken && (now < heartbeat_at_ || !dirty())) return true;
  heartbeat_at_ = now + kHeartbeat;
  plugin::Batch empty;
  std::vector<plugin::RecordFailure> failures;
  plugin::Outcome outcome = task_->put(empty, failures);
  if (outcome.ok() || outcome.status == SLUICE_RETRIABLE || outcome.status == SLUICE_NOT_CONNECTED)
    return true;
  if (abandoned()) return false;
  if (outcome.status == SLUICE_REOPEN) {
    reopen();
  } else {
    fail(trace_of("put", outcome), outcome.status != SLUICE_CONFIG_ERROR,
         outcome.status == SLUICE_FENCED);
  }
  return false;
}

void SinkRunner::pause_all(bool paused) {
  for (const auto& [name, partition] : partitions_) consumer_->pause(name, paused);
}

void SinkRunner::apply_pause(const Orders& orders) {
  if (orders.pause == paused_) return;
  paused_ = orders.pause;
  if (paused_ || !(held_ && held_->retrying)) pause_all(paused_);
  if (paused_) commit_at_ = steady();  // what was put is committed before the pause
}

std::shared_ptr<TaskRunner> make_sink_runner(SinkSettings settings, RunnerContext context,
                                             SinkFactory create) {
  return std::make_shared<SinkRunner>(std::move(settings), std::move(context), std::move(create));
}

}  // namespace sluice::task
