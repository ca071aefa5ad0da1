// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/checkpointer.hpp"

#include <algorithm>

#include "broker-core/base/crash_point.hpp"
#include "broker-core/base/mutant.hpp"
#include "broker-core/storage/paths.hpp"

namespace sluice::storage {
namespace {

// A sync or rename that fails leaves open what is on disk; a full disk does not.
Error as_fatal(const Error& error) {
  if (error.kind == ErrorKind::kRetriable) return error;
  return {ErrorKind::kFatal, error.message};
}

}  // namespace

void Checkpointer::start_from(const Checkpoint& checkpoint) {
  std::lock_guard lock(mutex_);
  for (const auto& partition : checkpoint.partitions) last_[partition.partition] = partition;
  last_position_ = checkpoint.replay;
}

void Checkpointer::topic_removed() {
  removed_ = true;
}

Status Checkpointer::sync(Segment& segment) {
  auto status = segment.flush();
  if (status.ok() && !SLUICE_MUTANT("storage.no_segment_sync")) status = segment.sync();
  // The log start went past it meanwhile, or compaction replaced it: its files are gone, and nobody
  // needs them.
  if (!status.ok() && status.error().kind == ErrorKind::kNotFound && segment.retired()) return ok();
  return status;
}

Status Checkpointer::sync(DirtyList& list) {
  bool folders = false;
  for (auto& dirty : list) {
    auto status = [&]() -> Status {
      for (const auto& segment : dirty.segments) {
        if (auto synced = sync(*segment); !synced.ok()) return synced;
        ++context_.counters.segment_syncs;
      }
      if (!dirty.names && !dirty.folder) return ok();
      SLUICE_CRASH_POINT("storage.checkpoint_before_names");
      auto names = context_.disk.sync_directory(dirty.partition->folder());
      return names.ok() || names.error().kind == ErrorKind::kNotFound
                 ? names
                 : Error{ErrorKind::kFatal, names.error().message};
    }();
    // The topic was deleted in between: there is nothing left to keep.
    if (!status.ok() && status.error().kind == ErrorKind::kNotFound && dirty.partition->removed())
      continue;
    if (!status.ok()) return as_fatal(status.error());
    folders |= dirty.folder;
  }
  if (!folders) return ok();
  if (auto names = context_.disk.sync_directory(topics_folder(context_.settings.directory));
      !names.ok()) {
    return Error{ErrorKind::kFatal, names.error().message};
  }
  return ok();
}

Status Checkpointer::run(bool clean) {
  std::lock_guard one(mutex_);
  if (context_.health.failed()) return context_.health.error();
  DirtyList list;
  CommitPosition position;
  const bool removed = removed_.exchange(false);
  {
    std::lock_guard lock(round_mutex_);
    if (clean) commit_log_.close();
    position = commit_log_.position();
    for (auto& partition : partitions_.all()) {
      PartitionLog::Dirty dirty;
      if (!partition->take_dirty(dirty)) continue;
      dirty.partition = std::move(partition);
      list.push_back(std::move(dirty));
    }
  }
  if (list.empty() && !clean && !removed && position.sequence == last_position_.sequence)
    return ok();
  SLUICE_CRASH_POINT("storage.checkpoint_begin");
  auto status = sync(list);
  if (status.ok()) {
    SLUICE_CRASH_POINT("storage.checkpoint_synced");
    Checkpoint checkpoint;
    checkpoint.clean = clean;
    checkpoint.replay = position;
    for (const auto& dirty : list) last_[dirty.state.partition] = dirty.state;
    std::erase_if(last_, [&](const auto& entry) { return !partitions_.find(entry.first); });
    for (const auto& [id, state] : last_) checkpoint.partitions.push_back(state);
    std::sort(checkpoint.partitions.begin(), checkpoint.partitions.end(),
              [](const auto& a, const auto& b) { return a.partition < b.partition; });
    status = write_checkpoint(context_.disk, context_.settings.directory, checkpoint);
    if (!status.ok()) status = as_fatal(status.error());
  }
  if (!status.ok()) {
    std::lock_guard lock(round_mutex_);
    for (auto& dirty : list) {
      auto partition = dirty.partition;
      partition->give_back(std::move(dirty));
    }
    if (removed) removed_ = true;
    if (status.error().kind == ErrorKind::kFatal) context_.health.fail(status.error());
    return status;
  }
  SLUICE_CRASH_POINT("storage.checkpoint_written");
  last_position_ = position;
  ++context_.counters.checkpoints;
  const size_t spares =
      clean ? 0 : context_.settings.checkpoint_bytes / context_.settings.commit_file_bytes + 1;
  return commit_log_.trim(position, spares);
}

}  // namespace sluice::storage
