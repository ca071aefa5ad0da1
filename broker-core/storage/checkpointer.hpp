// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "broker-core/storage/commit_log.hpp"
#include "broker-core/storage/partition_set.hpp"

namespace sluice::storage {

// Makes the segments durable and the commit log short: syncs what changed since the last
// checkpoint, writes the checkpoint file, gives up commit log files before it. Rounds go on
// meanwhile. Owned by the log; any thread (usually the housekeeping thread), one checkpoint at a
// time.
class Checkpointer {
 public:
  Checkpointer(Context& context, PartitionSet& partitions, CommitLog& commit_log,
               std::mutex& round_mutex)
      : context_(context),
        partitions_(partitions),
        commit_log_(commit_log),
        round_mutex_(round_mutex) {}

  // The partitions that the file on disk names; before the first run().
  void start_from(const Checkpoint& checkpoint);
  // `clean`: the last one, nothing is appended any more. Does nothing if nothing changed.
  Status run(bool clean = false);
  // What the file on disk says.
  Checkpoint last();
  // A topic is gone: the next checkpoint does not name it any more.
  void topic_removed();

 private:
  using DirtyList = std::vector<PartitionLog::Dirty>;
  Status sync(const DirtyList& list);
  Result<bool> sync_together(const DirtyList& list);
  Status sync_one(const PartitionLog::Dirty& dirty);
  static Status on_files(const PartitionLog::Dirty& dirty, const Segment& segment,
                         const std::function<Status()>& work);

  Context& context_;
  PartitionSet& partitions_;
  CommitLog& commit_log_;
  std::mutex& round_mutex_;
  std::mutex mutex_;  // one at a time; guards all below; taken before the round's mutex
  std::map<TopicPartition, PartitionCheckpoint> last_;  // what the file says
  CommitPosition last_position_;
  std::atomic<bool> removed_{false};
};

}  // namespace sluice::storage
