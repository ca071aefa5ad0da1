// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/log_impl.hpp"

#include <pthread.h>

#include <algorithm>

#include "broker-core/base/crash_point.hpp"
#include "broker-core/storage/paths.hpp"
#include "broker-core/storage/recovery.hpp"

namespace sluice::storage {

using std::chrono::milliseconds;

Result<std::unique_ptr<Log>> Log::open(Settings settings, Dependencies dependencies,
                                       SettingsOf settings_of) {
  auto log = std::make_unique<LogImpl>(std::move(settings), dependencies);
  SLUICE_TRY(log->open(settings_of));
  return std::unique_ptr<Log>(std::move(log));
}

LogImpl::LogImpl(Settings settings, Dependencies dependencies)
    : context_(std::move(settings), dependencies.disk, dependencies.clock),
      simulation_(dependencies.simulation),
      partitions_(context_),
      commit_log_(context_.disk, context_.clock, context_.settings.directory,
                  context_.settings.commit_file_bytes),
      committer_(context_, partitions_, commit_log_, watches_, round_mutex_,
                 simulation_ == nullptr),
      checkpointer_(context_, partitions_, commit_log_, round_mutex_),
      housekeeper_(context_, partitions_, checkpointer_, round_mutex_),
      stopped_(true) {}

LogImpl::~LogImpl() {
  // Whoever cares about the result has called stop() before.
  static_cast<void>(stop().ok());
}

Status LogImpl::open(const SettingsOf& settings_of) {
  Recovery recovery(context_, partitions_, commit_log_, checkpointer_, settings_of, report_);
  SLUICE_TRY(recovery.run());
  const auto now = context_.clock.steady();
  next_checkpoint_ = now + milliseconds(context_.settings.checkpoint_interval_ms);
  next_housekeeping_ = now + milliseconds(context_.settings.housekeeping_interval_ms);
  stopped_ = false;
  if (simulation_ != nullptr) {
    post_timer(context_.settings.checkpoint_interval_ms, &LogImpl::timed_checkpoint);
    post_timer(context_.settings.housekeeping_interval_ms, &LogImpl::timed_housekeeping);
    return ok();
  }
  commit_thread_ = std::thread([this] { commit_loop(); });
  pthread_setname_np(commit_thread_.native_handle(), "commit");
  housekeeping_thread_ = std::thread([this] { housekeeping_loop(); });
  pthread_setname_np(housekeeping_thread_.native_handle(), "housekeeping");
  return ok();
}

Result<std::shared_ptr<PartitionLog>> LogImpl::find(const TopicPartition& partition) const {
  auto found = partitions_.find(partition);
  if (!found) {
    return Error{ErrorKind::kNotFound, "unknown partition " +
                                           std::to_string(partition.partition.value()) +
                                           " of topic id " + partition.topic.to_string()};
  }
  return found;
}

Status LogImpl::add_partitions(const TopicId& topic, const TopicSettings& settings, int32_t count) {
  partitions_.add_topic(topic, settings)->change(settings);
  for (int32_t i = 0; i < count; ++i) partitions_.add({topic, PartitionId(i)});
  return ok();
}

void LogImpl::remove_topic(const TopicId& topic) {
  auto gone = partitions_.remove_topic(topic);
  checkpointer_.topic_removed();
  {
    std::lock_guard lock(round_mutex_);  // no round writes into the folders any more
    for (auto& partition : gone) partition->set_removed();
  }
  for (auto& partition : gone) {
    SLUICE_CRASH_POINT("storage.remove_topic");
    watches_.wake(partition->id(), Offset(INT64_MAX));
    context_.files.drop_folder(partition->folder());
    // A folder that stays is a stray of an unknown topic, which the next start removes.
    static_cast<void>(context_.disk.remove_all(partition->folder()).ok());
    context_.files.drop_folder(partition->folder());  // what a reader opened meanwhile holds the space
  }
  SLUICE_CRASH_POINT("storage.topic_removed");
}

void LogImpl::change_settings(const TopicId& topic, const TopicSettings& settings) {
  if (auto found = partitions_.find_topic(topic)) found->change(settings);
}

void LogImpl::append(std::vector<PartitionAppend> entries, AppendDone done) {
  committer_.append(std::move(entries), std::move(done));
  if (simulation_ != nullptr) post_round();
}

Result<ReadResult> LogImpl::read(const TopicPartition& partition, Offset from, size_t max_bytes) {
  SLUICE_ASSIGN(auto found, find(partition));
  return found->read(from, max_bytes);
}

Result<std::optional<Offset>> LogImpl::offset_for_timestamp(const TopicPartition& partition,
                                                            TimestampMs timestamp) {
  SLUICE_ASSIGN(auto found, find(partition));
  return found->offset_for_timestamp(timestamp);
}

Result<PartitionState> LogImpl::state(const TopicPartition& partition) {
  SLUICE_ASSIGN(auto found, find(partition));
  return found->state();
}

std::unique_ptr<Log::Watch> LogImpl::watch(std::vector<std::pair<TopicPartition, Offset>> after,
                                           std::function<void()> ready) {
  return watches_.add(std::move(after), std::move(ready), [this](const TopicPartition& partition) {
    auto found = partitions_.find(partition);
    return found ? std::optional<Offset>(found->high_watermark()) : std::nullopt;
  });
}

Status LogImpl::delete_records(const TopicPartition& partition, Offset before) {
  SLUICE_ASSIGN(auto found, find(partition));
  return housekeeper_.delete_records(*found, before);
}

Status LogImpl::checkpoint() {
  committer_.take_bytes();
  return checkpointer_.run();
}

Status LogImpl::run_housekeeping() {
  return housekeeper_.run();
}

Stats LogImpl::stats() const {
  Stats stats;
  const Counters& counters = context_.counters;
  stats.rounds = counters.rounds;
  stats.frames = counters.frames;
  stats.bytes = counters.bytes;
  stats.syncs = commit_log_.syncs();
  stats.checkpoints = counters.checkpoints;
  stats.segments_rolled = counters.segments_rolled;
  stats.segments_deleted = counters.segments_deleted;
  stats.segments_compacted = counters.segments_compacted;
  stats.failed = context_.health.failed();
  stats.failure = context_.health.text();
  return stats;
}

Status LogImpl::stop() {
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return ok();
    stopped_ = stopping_ = true;
    context_.stopping = true;
  }
  alive_.reset();
  committer_.close();
  wakeup_.notify_all();
  if (commit_thread_.joinable()) commit_thread_.join();
  if (housekeeping_thread_.joinable()) housekeeping_thread_.join();
  committer_.finish();
  if (context_.health.failed()) return context_.health.error();
  return checkpointer_.run(true);
}

}  // namespace sluice::storage
