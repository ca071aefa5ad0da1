// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/housekeeper.hpp"

#include "broker-core/base/crash_point.hpp"
#include "broker-core/storage/compactor.hpp"

namespace sluice::storage {

Status Housekeeper::run() {
  std::lock_guard one(mutex_);
  if (context_.health.failed()) return context_.health.error();
  Status first = ok();
  auto note = [&](const Status& status) {
    if (!status.ok() && first.ok()) first = status;
    return status.ok();
  };
  const TimestampMs now = context_.clock.now_ms();
  std::vector<std::pair<std::shared_ptr<PartitionLog>, Offset>> moved;
  for (auto& partition : partitions_.all()) {
    if (partition->removed() || partition->offline() || partition->state().segments == 0) continue;
    {
      std::lock_guard lock(round_mutex_);
      if (!note(partition->prepare()) || !note(partition->roll_if_old(now))) continue;
    }
    auto start = partition->retention_start(now);
    if (!start.ok()) {
      note(start.error());
      continue;
    }
    if (*start <= partition->log_start()) continue;
    std::lock_guard lock(round_mutex_);
    if (note(partition->move_log_start(*start))) moved.emplace_back(partition, *start);
  }
  for (auto& partition : partitions_.all()) {
    if (partition->removed() || partition->offline() || !partition->topic().settings()->compact) continue;
    if (partition->state().segments < 2) continue;
    const auto status = Compactor(context_, checkpointer_, round_mutex_, *partition).run(now);
    if (!partition->removed()) note(status);
  }
  // The new log starts are durable before the first file goes.
  if (!moved.empty()) {
    SLUICE_CRASH_POINT("storage.retention_decided");
    if (auto written = checkpointer_.run(); !written.ok()) return written;
    for (auto& [partition, start] : moved) note(remove_below_start(*partition, start));
  }
  return first;
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
  return remove_below_start(partition, before);
}

}  // namespace sluice::storage
