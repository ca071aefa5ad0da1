// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "broker-core/base/mutant.hpp"
#include "broker-core/storage/log_impl.hpp"
#include "broker-core/storage/paths.hpp"

// A copy of the log while it runs. A checkpoint makes all that is acknowledged durable in the
// segments and notes, at one moment for all partitions, where they end; bytes before these ends
// never change while nothing is retired. So the copy takes the segments up to there and no commit
// log, and begins its own at the sequence where the checkpoint's replay would begin.
namespace sluice::storage {
namespace {

// Bytes of each file of the active segment that the checkpoint vouches for.
std::vector<std::pair<const char*, uint64_t>> active_files(const SegmentState& active) {
  return {{".log", active.size},
          {".check", active.checks * kCheckEntrySize},
          {".index", active.indexes * kIndexEntrySize},
          {".timeindex", active.times * kTimeEntrySize}};
}

Status copy_partition(Disk& disk, const std::string& folder, const std::string& relative,
                      const PartitionCheckpoint& known, BackupFolder& target) {
  SLUICE_ASSIGN(auto names, disk.list(folder));
  for (const auto& name : names) {
    for (const char* extension : {".log", ".check", ".index", ".timeindex"}) {
      const auto base = parse_numbered(name, extension);
      if (!base || *base >= static_cast<uint64_t>(known.active_base.value())) continue;
      SLUICE_TRY(target.copy(folder + "/" + name, relative + "/" + name));
    }
  }
  const auto base = static_cast<uint64_t>(known.active_base.value());
  for (const auto& [extension, bytes] : active_files(known.active)) {
    const std::string name = numbered_name(base, extension);
    if (bytes == 0 && std::string_view(extension) != ".log") continue;
    SLUICE_TRY(target.copy(folder + "/" + name, relative + "/" + name, bytes));
  }
  return ok();
}

}  // namespace

Status LogImpl::backup(BackupFolder& target) {
  auto nothing_retired = housekeeper_.hold();
  for (auto& partition : partitions_.all()) {
    // What an earlier compaction left half done is finished when a partition is opened: now, rather
    // than under the copy.
    std::lock_guard lock(round_mutex_);
    if (partition->removed()) continue;
    if (auto opened = partition->prepare(); !opened.ok() && !partition->removed()) return opened;
  }
  SLUICE_TRY(checkpoint());
  Checkpoint copied = checkpointer_.last();
  uint64_t bytes = 0;
  for (const auto& known : copied.partitions) bytes += known.closed_bytes + known.active.size;
  target.expect(bytes);
  std::vector<PartitionCheckpoint> kept;
  for (auto& known : copied.partitions) {
    auto partition = partitions_.find(known.partition);
    if (!partition) continue;  // deleted after the checkpoint
    if (SLUICE_MUTANT("backup.of_many_moments")) {
      SLUICE_TRY(checkpoint());
      const Checkpoint later = checkpointer_.last();
      for (const auto& other : later.partitions)
        if (other.partition == known.partition) known = other;
    }
    if (known.has_segments) {
      const std::string& folder = partition->folder();
      const std::string relative = "topics" + folder.substr(folder.rfind('/'));
      auto status = copy_partition(context_.disk, folder, relative, known, target);
      if (!status.ok() && partition->removed()) continue;
      if (!status.ok()) return status;
    }
    kept.push_back(std::move(known));
  }
  copied.partitions = std::move(kept);
  copied.clean = true;
  copied.replay = {copied.replay.sequence, 0, 0};
  return target.write("checkpoint", encode_checkpoint(copied));
}

}  // namespace sluice::storage
