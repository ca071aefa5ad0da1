// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker-core/offline/metadata_check.hpp"
#include "broker-core/offline/offline.hpp"
#include "broker-core/offline/planned_disk.hpp"
#include "broker-core/storage/checkpoint.hpp"
#include "broker-core/storage/segment.hpp"

// The parts of plan_repair(). One thread; everything lives for one call, or for the plan's steps.
namespace sluice::offline {

// A whole batch somewhere in the directory.
struct BatchPlace {
  std::shared_ptr<const std::string> file;
  uint64_t byte = 0;
  uint32_t size = 0;
  Offset base;
  Offset last;
};

// What every step needs.
struct RepairContext {
  Disk& disk;
  std::string directory;
  std::string aside;
  std::vector<RepairStep>* steps;
  std::shared_ptr<PlannedDisk> planned;  // what planning reads

  // Copies a file below `aside`, so that what takes its place loses nothing.
  Status keep(const std::string& path) const;
  // The same for a file that nothing takes the place of.
  Status move_aside(const std::string& path) const;
};

// One partition brought from its files to a state that a checkpoint can name.
class PartitionRepair {
 public:
  PartitionRepair(RepairContext& context, TopicPartition partition, std::string topic,
                  std::string folder)
      : context_(context),
        partition_(partition),
        topic_(std::move(topic)),
        folder_(std::move(folder)) {}

  // Reads the segments: up to what the checkpoint vouches for, or all of them (`known` null: the
  // checkpoint is gone). Batches beyond the checkpoint are remembered as spare parts.
  Status read(const storage::PartitionCheckpoint* known);
  // A batch of the commit log, in the order of the log.
  void add_logged(const BatchPlace& batch);
  // Makes the steps that finish compactions that were decided, as a start would; to `planned` they
  // are done.
  Status finish_compactions();
  // Ends with what the spare parts can add. `rebuild`: the commit log is not replayed afterwards.
  // Makes the steps, and returns what the checkpoint has to say.
  storage::PartitionCheckpoint plan(bool rebuild);

 private:
  struct SegmentPlan {
    Offset base;
    std::vector<BatchPlace> batches;
    std::set<std::string> files;  // that are there
    bool beyond = false;          // newer than the checkpoint: a start makes it anew
    bool rewrite = false;
    bool remove = false;
    std::string why;
  };
  Status read_segment(Offset base, Offset end, uint64_t limit, bool vouched);
  Status read_swaps(const std::vector<std::string>& names);
  void take(const BatchPlace& batch);
  void lose(Offset first, Offset end, const std::string& file, const std::string& why);
  void fill_gap(Offset to);
  void add_step(const SegmentPlan& segment);

  RepairContext& context_;
  const TopicPartition partition_;
  const std::string topic_;
  const std::string folder_;
  bool folder_there_ = false;
  storage::PartitionCheckpoint known_;
  bool has_known_ = false;
  std::vector<SegmentPlan> segments_;
  std::map<Offset, BatchPlace> spare_;  // beyond the checkpoint
  std::vector<BatchPlace> added_;       // to go into a segment of their own
  Offset end_;                          // offset after the last batch so far
  bool active_damaged_ = false;
};

// Steps that replace meta.properties and the metadata's files by what can be saved of them.
// Adds topics that only their folders tell of to `check.topics`.
Status plan_metadata(RepairContext& context, Random& random, MetadataCheck& check);

}  // namespace sluice::offline
