// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "broker-core/base/crash_point.hpp"
#include "broker-core/base/mutant.hpp"
#include "runtime/task/sink_runner.hpp"

// The sink runner's commits, revocations and end.
namespace sluice::task {

bool SinkRunner::dirty() const {
  for (const auto& [name, partition] : partitions_)
    if (partition.put > partition.committed) return true;
  return false;
}

SinkRunner::Commit SinkRunner::commit() {
  std::vector<sluice_partition_offset> offsets;
  std::vector<const TopicPartitionName*> names;
  for (const auto& [name, partition] : partitions_) {
    if (partition.put <= partition.committed) continue;
    offsets.push_back({partition.topic, name.partition.value(), partition.put});
    names.push_back(&name);
  }
  if (offsets.empty()) {
    metrics_.offset_commit_skip_total.fetch_add(1, std::memory_order_relaxed);
    return Commit::kNothing;
  }
  commit_began_ = steady();
  SLUICE_CRASH_POINT("task.sink.before_commit");
  plugin::Outcome outcome;
  if (!SLUICE_MUTANT("sink.committed_before_written")) outcome = task_->commit(offsets);
  if (abandoned()) return Commit::kFailed;
  SLUICE_CRASH_POINT("task.sink.after_plugin_commit");
  if (!outcome.ok()) return commit_refused(outcome);
  committing_.clear();
  for (size_t i = 0; i < names.size(); ++i) {
    const Partition& partition = partitions_.at(*names[i]);
    // Never more than was put, whatever the plugin says.
    const int64_t durable = std::min(offsets[i].next_offset, partition.put);
    if (durable > partition.committed) committing_.push_back({*names[i], Offset(durable)});
  }
  commit_failed_ = false;
  if (committing_.empty()) {
    metrics_.offset_commit_skip_total.fetch_add(1, std::memory_order_relaxed);
    return Commit::kNothing;
  }
  commit_under_way_ = true;
  consumer_->commit(committing_, [mailbox = mailbox_](Status status) {
    std::shared_ptr<RunnerBase> runner;
    {
      std::lock_guard lock(mailbox->mutex);
      mailbox->answer = std::move(status);
      runner = mailbox->runner.lock();
    }
    if (runner) runner->RunnerBase::wake();
  });
  return Commit::kUnderWay;
}

SinkRunner::Commit SinkRunner::commit_refused(const plugin::Outcome& outcome) {
  metrics_.offset_commit_failure_total.fetch_add(1, std::memory_order_relaxed);
  commit_failed_ = true;
  if (outcome.status == SLUICE_RETRIABLE || outcome.status == SLUICE_NOT_CONNECTED) {
    commit_at_ = steady() + poll_backoff_.next();
    log_warn(trace_of("commit", outcome) + "; trying again");
    return Commit::kAgainLater;
  }
  if (outcome.status == SLUICE_REOPEN) {
    reopen();
    return Commit::kAgainLater;
  }
  fail(trace_of("commit", outcome), outcome.status != SLUICE_CONFIG_ERROR,
       outcome.status == SLUICE_FENCED);
  return Commit::kFailed;
}

void SinkRunner::take_commit_answer() {
  if (!commit_under_way_) return;
  std::optional<Status> answer;
  {
    std::lock_guard lock(mailbox_->mutex);
    answer = std::exchange(mailbox_->answer, std::nullopt);
  }
  if (!answer) return;
  SLUICE_CRASH_POINT("task.sink.after_commit");
  commit_under_way_ = false;
  const auto took = static_cast<uint64_t>((steady() - commit_began_).count());
  metrics_.offset_commit_time_total_ns.fetch_add(took, std::memory_order_relaxed);
  raise_to(metrics_.offset_commit_time_max_ns, took);
  if (!answer->ok()) {
    commit_failed_ = true;
    metrics_.offset_commit_failure_total.fetch_add(1, std::memory_order_relaxed);
    log_warn("committing offsets failed: " + answer->error().message);
    // A generation that is over: a revocation follows. All else is tried again.
    if (answer->error().kind != ErrorKind::kFenced) commit_at_ = steady() + log_backoff_.next();
    return;
  }
  log_backoff_.reset();
  commit_failed_ = false;
  metrics_.offset_commit_completion_total.fetch_add(1, std::memory_order_relaxed);
  for (const log::GroupOffset& offset : committing_) {
    auto found = partitions_.find(offset.partition);
    if (found != partitions_.end()) found->second.committed = offset.next.value();
  }
  if (!dirty()) metrics_.sink_record_active_count.store(0, std::memory_order_relaxed);
}

Next SinkRunner::wait_time(std::chrono::nanoseconds now) const {
  auto until = std::chrono::nanoseconds::max();
  if (dirty() && !commit_under_way_) until = std::min(until, commit_at_);
  if (held_ && !paused_) until = std::min(until, retry_at_);
  if (!held_ && !paused_ && dirty()) until = std::min(until, heartbeat_at_);
  if (until == std::chrono::nanoseconds::max()) return Next::wait();
  return until <= now ? Next::again() : Next::wait(until - now);
}

// ------------------------------------------------------------------------------------------------------
// revocation

void SinkRunner::begin_revoke(log::Revoke event) {
  if (held_ && std::find(event.partitions.begin(), event.partitions.end(), held_->partition) !=
                   event.partitions.end()) {
    held_.reset();  // not put, so not committed: whoever gets the partition reads it again
    poll_backoff_.reset();
  }
  revoking_ = std::move(event);
  if (!revoking_->lost && !commit_under_way_) (void)commit();
}

// The commit has its answer (or there is none): the partitions are closed and the consumer may go
// on.
bool SinkRunner::finish_revoke() {
  if (failed_) return false;
  if (!revoking_->lost) {
    if (commit_under_way_) return false;
    bool left = false;
    for (const auto& name : revoking_->partitions) {
      auto found = partitions_.find(name);
      if (found != partitions_.end() && found->second.put > found->second.committed) left = true;
    }
    // One more try for what was put while an earlier commit was under way; what still fails is read
    // again by the next owner, which at-least-once allows and waiting for ever would not.
    if (left && !commit_failed_) {
      const Commit tried = commit();
      if (tried == Commit::kUnderWay || tried == Commit::kFailed) return false;
    }
  }
  std::vector<sluice_partition_offset> closing;
  for (const auto& name : revoking_->partitions) {
    auto found = partitions_.find(name);
    if (found == partitions_.end()) continue;
    closing.push_back({found->second.topic, name.partition.value(), found->second.committed});
    partitions_.erase(found);
  }
  task_->close(closing, revoking_->lost);
  metrics_.partition_count.store(partitions_.size(), std::memory_order_relaxed);
  revoking_.reset();
  commit_failed_ = false;
  return true;
}

// ---------------------------------------------------------------------------------------------------------
// the end

void SinkRunner::fail(std::string trace, bool restartable, bool fenced) {
  fenced_ = fenced_ || fenced;
  if (failed_) return;
  failed_ = true;
  restartable_ = restartable;
  failure_ = std::move(trace);
}

Next SinkRunner::wind_up(const Orders& orders) {
  Next next = Next::wait();
  const bool may_commit = consumer_ && !fenced_ && !(revoking_ && revoking_->lost);
  if (commit_under_way_) return next;
  if (may_commit && !final_commit(orders, next)) return next;
  if (abandoned()) return Next::done();
  close_plugin();
  if (failed_) {
    report(TaskState::kFailed, failure_, restartable_);
  } else if (orders.stop) {
    report(TaskState::kStopped);
  }
  return Next::done();
}

bool SinkRunner::final_commit(const Orders& orders, Next& next) {
  if (!dirty()) return true;
  if (final_commit_tried_) {
    // A target that is away: with an order to stop it is tried again until the deadline ends the
    // task.
    if (failed_ || !commit_failed_ || !orders.stop) return true;
    if (steady() < commit_at_) {
      next = Next::wait(commit_at_ - steady());
      return false;
    }
  }
  final_commit_tried_ = true;
  switch (commit()) {
    case Commit::kNothing:
      return true;
    case Commit::kUnderWay:
      next = Next::wait();
      return false;
    case Commit::kAgainLater:
      next = Next::again();
      return failed_;
    case Commit::kFailed:
      return true;
  }
  return true;
}

void SinkRunner::close_all(bool lost) {
  std::vector<sluice_partition_offset> closing;
  for (const auto& [name, partition] : partitions_)
    closing.push_back({partition.topic, name.partition.value(), partition.committed});
  if (!closing.empty()) task_->close(closing, lost);
  partitions_.clear();
}

void SinkRunner::close_plugin() {
  if (closed_) return;
  closed_ = true;
  held_.reset();
  if (plugin()) {
    close_all(fenced_);
    stop_plugin();
  }
  let_go();  // leaves the group
}

}  // namespace sluice::task
