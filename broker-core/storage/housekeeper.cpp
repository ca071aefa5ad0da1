// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/housekeeper.hpp"

#include "broker-core/base/crash_point.hpp"
#include "broker-core/base/mutant.hpp"
#include "broker-core/storage/compactor.hpp"

namespace sluice::storage {
namespace {

// The first error of a run is given back; one partition's trouble does not keep the others from
// theirs, and none of a partition that is being deleted counts.
class Errors {
 public:
  bool note(const PartitionLog& partition, const Status& status) {
    if (!status.ok() && first_.ok() && !partition.removed()) first_ = status;
    return status.ok();
  }
  Status first() const { return first_; }

 private:
  Status first_ = ok();
};

}  // namespace

Status Housekeeper::run() {
  std::unique_lock one(mutex_);
  if (context_.health.failed()) return context_.health.error();
  Errors errors;
  const TimestampMs now = context_.clock.now_ms();
  std::vector<std::pair<std::shared_ptr<PartitionLog>, Offset>> moved;
  std::vector<Compactor> compactions;
  for (auto& partition : partitions_.all()) {
    if (context_.stopping) return ok();
    if (!partition->needs_care(now)) continue;
    {
      std::lock_guard lock(round_mutex_);
      if (!errors.note(*partition, partition->prepare()) ||
          !errors.note(*partition, partition->roll_if_old(now))) {
        continue;
      }
    }
    auto start = partition->retention_start(now);
    if (!start.ok()) {
      errors.note(*partition, start.error());
      continue;
    }
    if (*start > partition->log_start()) {
      std::lock_guard lock(round_mutex_);
      if (errors.note(*partition, partition->move_log_start(*start))) {
        moved.emplace_back(partition, *start);
      }
    }
    if (!partition->topic().settings()->compact || partition->state().segments < 2) continue;
    Compactor compaction(context_, round_mutex_, partition);
    auto wanted = compaction.prepare(now);
    if (!wanted.ok()) errors.note(*partition, wanted.error());
    if (wanted.ok() && *wanted) compactions.push_back(std::move(compaction));
  }
  if (moved.empty() && compactions.empty()) return errors.first();
  // One checkpoint for all: the new log starts are durable before the first file goes, and so are
  // the holes to expect before there are any.
  SLUICE_CRASH_POINT("storage.retention_decided");
  if (!SLUICE_MUTANT("storage.removed_before_decided")) SLUICE_TRY(checkpointer_.run());
  for (auto& [partition, start] : moved) {
    errors.note(*partition, remove_below_start(*partition, start));
  }
  for (auto& compaction : compactions) {
    one.unlock();  // others need not wait for all of them
    one.lock();
    auto done = compaction.run();
    if (!done.ok() && done.error().kind == ErrorKind::kShutdown) break;
    errors.note(compaction.partition(), done);
  }
  return errors.first();
}

Status Housekeeper::remove_below_start(PartitionLog& partition, Offset durable_start) {
  std::vector<Offset> gone;
  {
    std::lock_guard lock(round_mutex_);
    if (partition.removed()) return ok();
    gone = partition.drop_old_segments(durable_start);
  }
  return partition.remove_files(gone);
}

Status Housekeeper::delete_records(PartitionLog& partition, Offset before) {
  std::lock_guard one(mutex_);
  {
    std::lock_guard lock(round_mutex_);
    SLUICE_TRY(partition.move_log_start(before));
  }
  SLUICE_TRY(checkpointer_.run());
  auto removed = remove_below_start(partition, before);
  return partition.removed() ? ok() : removed;
}

}  // namespace sluice::storage
