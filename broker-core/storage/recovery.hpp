// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker-core/storage/checkpointer.hpp"
#include "broker-core/storage/commit_log.hpp"
#include "broker-core/storage/partition_set.hpp"

namespace sluice::storage {

// Brings a directory from whatever a crash left behind to one whose every byte that will be served is on disk.
// The log calls it once, before it serves anything. Steps: docs/architecture, "recovery".
class Recovery {
 public:
  Recovery(Context& context, PartitionSet& partitions, CommitLog& commit_log, Checkpointer& checkpointer,
           const Log::SettingsOf& settings_of, RecoveryReport& report)
      : context_(context), partitions_(partitions), commit_log_(commit_log), checkpointer_(checkpointer),
        settings_of_(settings_of), report_(report) {}

  Status run();

 private:
  Status first_start();
  Status know_partitions(const Checkpoint& checkpoint);
  Status remove_strays();
  Status replay(const Checkpoint& checkpoint);
  Status replay_entry(const FrameEntry& entry, const std::string& file, uint64_t byte);
  bool know_topic(const TopicId& topic);

  Context& context_;
  PartitionSet& partitions_;
  CommitLog& commit_log_;
  Checkpointer& checkpointer_;
  const Log::SettingsOf& settings_of_;
  RecoveryReport& report_;
  std::unordered_map<TopicPartition, std::shared_ptr<PartitionLog>> replayed_;
};

}  // namespace sluice::storage
