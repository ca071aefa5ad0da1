// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/recovery.hpp"

#include "broker-core/base/crash_point.hpp"
#include "broker-core/base/mutant.hpp"
#include "broker-core/storage/commit_reader.hpp"
#include "broker-core/storage/paths.hpp"

namespace sluice::storage {

Status Recovery::run() {
  SLUICE_ASSIGN(auto checkpoint, read_checkpoint(context_.disk, context_.settings.directory));
  if (!checkpoint) {
    SLUICE_TRY(first_start());
    checkpoint.emplace();
  }
  // A process that died right after the rename may have left a name that only the page cache knows.
  SLUICE_TRY(context_.disk.sync_directory(context_.settings.directory));
  SLUICE_TRY(know_partitions(*checkpoint));
  SLUICE_TRY(remove_strays());
  SLUICE_TRY(replay(*checkpoint));
  report_.clean = checkpoint->clean && report_.replayed_frames == 0;
  for (const auto& partition : partitions_.all()) {
    if (auto error = partition->offline()) report_.offline.push_back(*error);
  }
  return ok();
}

// The checkpoint is written last: without one there must be nothing that it would have to describe.
Status Recovery::first_start() {
  const std::string& directory = context_.settings.directory;
  for (const auto& folder : {commit_folder(directory), topics_folder(directory)}) {
    SLUICE_ASSIGN(bool there, context_.disk.exists(folder));
    if (!there) {
      SLUICE_TRY(context_.disk.create_directories(folder));
      continue;
    }
    SLUICE_ASSIGN(auto names, context_.disk.list(folder));
    for (const auto& name : names) {
      if (parse_numbered(name, ".commit") || parse_partition_folder(name)) {
        return Error{ErrorKind::kCorrupt,
                     checkpoint_path(directory) + " is missing, but " + folder + "/" + name +
                         " holds data; restore the checkpoint, or move the data away"};
      }
    }
  }
  SLUICE_TRY(context_.disk.sync_directory(directory));
  Checkpoint checkpoint;
  checkpoint.clean = true;
  return write_checkpoint(context_.disk, directory, checkpoint);
}

bool Recovery::know_topic(const TopicId& topic) {
  if (partitions_.find_topic(topic)) return true;
  auto settings = settings_of_(topic);
  if (settings) partitions_.add_topic(topic, *settings);
  return settings.has_value();
}

Status Recovery::know_partitions(const Checkpoint& checkpoint) {
  checkpointer_.start_from(checkpoint);
  bool gone = false;
  for (const auto& known : checkpoint.partitions) {
    if (know_topic(known.partition.topic)) {
      partitions_.add(known.partition, known);
    } else {
      gone = true;
    }
  }
  if (gone) checkpointer_.topic_removed();
  return ok();
}

// Folders of topics that metadata does not know (any more).
Status Recovery::remove_strays() {
  const std::string folder = topics_folder(context_.settings.directory);
  SLUICE_ASSIGN(auto names, context_.disk.list(folder));
  for (const auto& name : names) {
    auto partition = parse_partition_folder(name);
    if (!partition || know_topic(partition->topic)) continue;
    SLUICE_CRASH_POINT("storage.recovery_stray");
    SLUICE_TRY(context_.disk.remove_all(folder + "/" + name));
  }
  return ok();
}

Status Recovery::replay_entry(const FrameEntry& entry, const std::string& file, uint64_t byte) {
  if (!know_topic(entry.partition.topic)) return ok();
  auto partition = partitions_.add(entry.partition);
  if (partition->offline()) return ok();
  auto [place, added] = replayed_.try_emplace(entry.partition, partition);
  if (added) {
    if (auto status = partition->begin_replay(); !status.ok()) {
      replayed_.erase(place);
      return partition->offline() ? ok() : status;
    }
  }
  if (!entry.damage.empty()) {
    partition->take_offline({ErrorKind::kCorrupt, entry.damage}, true);
    return ok();
  }
  if (entry.base_offset != partition->write_end()) {
    partition->take_offline(
        {ErrorKind::kCorrupt,
         file + ", byte " + std::to_string(byte) + ": the commit log goes on at offset " +
             std::to_string(entry.base_offset.value()) + ", the partition ends at " +
             std::to_string(partition->write_end().value())},
        true);
    return ok();
  }
  if (!entry.by_reference) return partition->replay(entry.data, std::nullopt);
  ByteView data = entry.data;
  for (const auto& piece : entry.pieces) {
    SLUICE_TRY(partition->replay(data.first(piece.size), piece.segment));
    data = data.subspan(piece.size);
  }
  return ok();
}

// What is read here may be in the page cache only (after a failed sync it looks clean there). So it
// is written to the segments anew and synced with the checkpoint, and only then served.
Status Recovery::replay(const Checkpoint& checkpoint) {
  SLUICE_ASSIGN(
      auto scan,
      scan_commit_log(context_.disk, context_.settings.directory, checkpoint.replay,
                      [&](const Frame& frame, const std::string& file, uint64_t byte) -> Status {
                        for (const auto& entry : frame.entries) {
                          SLUICE_TRY(replay_entry(entry, file, byte));
                        }
                        return ok();
                      }));
  report_.replayed_frames = scan.frames;
  report_.replayed_bytes = scan.bytes;
  report_.torn_tail_bytes = scan.torn_bytes;
  for (auto& [id, partition] : replayed_) partition->publish();
  SLUICE_CRASH_POINT("storage.recovery_replayed");
  // The disk may hold other bytes behind the last frame than the page cache shows (after a failed
  // sync): frames that were taken back. The checkpoint below leaves out their sequence, and so
  // their file, for ever.
  const bool cut = scan.files > 0 && !SLUICE_MUTANT("storage.torn_tail_not_cut");
  SLUICE_TRY(commit_log_.open(scan.next_sequence + (cut ? 1 : 0)));
  if (scan.files == 0 && checkpoint.clean) return ok();
  if (!SLUICE_MUTANT("storage.replay_without_checkpoint")) SLUICE_TRY(checkpointer_.run());
  // Only now: until there is a checkpoint behind the frames, another start would read what they
  // refer to.
  for (auto& [id, partition] : replayed_) SLUICE_TRY(partition->end_replay());
  replayed_.clear();
  SLUICE_CRASH_POINT("storage.recovery_done");
  return ok();
}

}  // namespace sluice::storage
