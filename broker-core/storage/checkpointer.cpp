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

Checkpoint Checkpointer::last() {
  std::lock_guard lock(mutex_);
  Checkpoint checkpoint;
  checkpoint.replay = last_position_;
  for (const auto& [id, state] : last_) checkpoint.partitions.push_back(state);
  return checkpoint;
}

// Through `work`, which touches the segment's files. If they are gone (the log start went past the
// segment, or compaction replaced it, or its topic was deleted), nobody needs them.
Status Checkpointer::on_files(const PartitionLog::Dirty& dirty, const Segment& segment,
                              const std::function<Status()>& work) {
  auto status = work();
  if (status.ok() || status.error().kind != ErrorKind::kNotFound) return status;
  return segment.retired() || dirty.partition->removed() ? ok() : status;
}

Status Checkpointer::sync_one(const PartitionLog::Dirty& dirty) {
  for (const auto& segment : dirty.segments) {
    SLUICE_TRY(on_files(dirty, *segment, [&]() -> Status {
      SLUICE_TRY(segment->flush());
      return SLUICE_MUTANT("storage.no_segment_sync") ? ok() : segment->sync();
    }));
    ++context_.counters.segment_syncs;
  }
  if (!dirty.names && !dirty.folder) return ok();
  SLUICE_CRASH_POINT("storage.checkpoint_before_names");
  auto names = context_.disk.sync_directory(dirty.partition->folder());
  if (names.ok()) return ok();
  if (names.error().kind == ErrorKind::kNotFound && dirty.partition->removed()) return ok();
  return Error{ErrorKind::kFatal, names.error().message};
}

// A flush of the device for each of thousands of files would take minutes on a busy disk, and the
// appends' own syncs would wait between them. So all are written, some at a time as their files
// stay open, and one sync of the file system does the rest. False if that cannot be had here.
Result<bool> Checkpointer::sync_together(const DirtyList& list) {
  constexpr size_t kTogether = 64;
  for (size_t begin = 0; begin < list.size(); begin += kTogether) {
    const size_t end = std::min(list.size(), begin + kTogether);
    for (bool wait : {false, true}) {
      for (size_t i = begin; i < end; ++i) {
        for (const auto& segment : list[i].segments) {
          SLUICE_TRY(on_files(list[i], *segment, [&]() -> Status {
            SLUICE_TRY(segment->flush());
            return segment->write_back(wait);
          }));
        }
      }
    }
  }
  if (SLUICE_MUTANT("storage.no_segment_sync")) return true;
  auto synced = context_.disk.sync_all(topics_folder(context_.settings.directory));
  if (!synced.ok()) return Error{ErrorKind::kFatal, synced.error().message};
  return synced;
}

Status Checkpointer::sync(const DirtyList& list) {
  if (list.size() >= context_.settings.sync_all_from) {
    auto together = sync_together(list);
    if (!together.ok()) return as_fatal(together.error());
    if (*together) return ok();
  }
  bool folders = false;
  for (const auto& dirty : list) {
    if (auto synced = sync_one(dirty); !synced.ok()) return as_fatal(synced.error());
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
    partitions_.each([&](const std::shared_ptr<PartitionLog>& partition) {
      PartitionLog::Dirty dirty;
      if (!partition->take_dirty(dirty)) return;
      dirty.partition = partition;
      list.push_back(std::move(dirty));
    });
  }
  // The same in every run of a simulation.
  std::sort(list.begin(), list.end(),
            [](const auto& a, const auto& b) { return a.state.partition < b.state.partition; });
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
    std::erase_if(last_,
                  [&](const auto& entry) { return removed && !partitions_.find(entry.first); });
    checkpoint.partitions.reserve(last_.size());
    for (const auto& [id, state] : last_) checkpoint.partitions.push_back(state);
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
