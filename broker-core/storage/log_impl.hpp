// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <thread>

#include "broker-core/storage/checkpointer.hpp"
#include "broker-core/storage/committer.hpp"
#include "broker-core/storage/housekeeper.hpp"

namespace sluice::storage {

// Ties the parts together and gives them their threads: `commit` runs rounds, `housekeeping` runs checkpoints,
// retention and compaction. With an executor (simulation) there are no threads; each step is a piece of its work.
class LogImpl : public Log {
 public:
  LogImpl(Settings settings, Dependencies dependencies);
  ~LogImpl() override;
  Status open(const SettingsOf& settings_of);

  const RecoveryReport& recovery() const override { return report_; }
  Status add_partitions(const TopicId& topic, const TopicSettings& settings, int32_t count) override;
  void remove_topic(const TopicId& topic) override;
  void change_settings(const TopicId& topic, const TopicSettings& settings) override;
  void append(std::vector<PartitionAppend> entries, AppendDone done) override;
  Result<ReadResult> read(const TopicPartition& partition, Offset from, size_t max_bytes) override;
  Result<std::optional<Offset>> offset_for_timestamp(const TopicPartition& partition,
                                                     TimestampMs timestamp) override;
  Result<PartitionState> state(const TopicPartition& partition) override;
  std::unique_ptr<Watch> watch(std::vector<std::pair<TopicPartition, Offset>> after,
                               std::function<void()> ready) override;
  Status delete_records(const TopicPartition& partition, Offset before) override;
  Status checkpoint() override;
  Status run_housekeeping() override;
  Status backup(BackupFolder& target) override;
  Stats stats() const override;
  Status stop() override;

 private:
  Result<std::shared_ptr<PartitionLog>> find(const TopicPartition& partition) const;
  void commit_loop();
  void housekeeping_loop();
  void post_round();
  void post_timer(int64_t delay_ms, void (LogImpl::*work)());
  void timed_checkpoint();
  void timed_housekeeping();
  void checkpoint_if_due();
  std::chrono::milliseconds until_next_duty();

  Context context_;
  Executor* const simulation_;
  std::mutex round_mutex_;  // held for a round, and by whoever changes what rounds use
  PartitionSet partitions_;
  CommitLog commit_log_;
  Watches watches_;
  Committer committer_;
  Checkpointer checkpointer_;
  Housekeeper housekeeper_;
  RecoveryReport report_;

  std::mutex mutex_;  // guards all below
  std::condition_variable wakeup_;
  bool stopping_ = false;
  bool stopped_ = false;
  bool checkpoint_wanted_ = false;
  bool round_posted_ = false;                  // simulation only
  std::chrono::nanoseconds next_checkpoint_{0};
  std::chrono::nanoseconds next_housekeeping_{0};
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // dies with the log: executor work looks at it
  std::thread commit_thread_;
  std::thread housekeeping_thread_;
};

}  // namespace sluice::storage
