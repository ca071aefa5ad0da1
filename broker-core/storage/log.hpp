// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "broker-core/base/backup_folder.hpp"
#include "broker-core/base/clock.hpp"
#include "broker-core/base/disk.hpp"
#include "broker-core/base/executor.hpp"
#include "broker-core/base/result.hpp"
#include "broker-core/base/types.hpp"

// The storage of one data directory: every partition's segments and the one commit log that makes appends
// durable. See docs/formats for the bytes and docs/architecture for the order of writes.
namespace sluice::storage {

// What the storage has to know of a topic; metadata owns the truth and passes changes on.
struct TopicSettings {
  std::string name;                         // for folder names and messages only; identity is the TopicId
  uint64_t segment_bytes = 1u << 30;
  int64_t segment_ms = 7LL * 24 * 3600 * 1000;
  uint64_t segment_index_bytes = 10u << 20;  // a segment whose index would be larger is rolled
  uint64_t index_interval_bytes = 4096;
  bool compact = false;                     // cleanup.policy contains compact
  bool remove = true;                       // cleanup.policy contains delete
  int64_t retention_ms = 7LL * 24 * 3600 * 1000;  // -1 = no limit
  int64_t retention_bytes = -1;             // per partition; -1 = no limit
  int64_t delete_retention_ms = 24LL * 3600 * 1000;
  double min_cleanable_dirty_ratio = 0.5;
  int64_t min_compaction_lag_ms = 0;          // younger records are not compacted ...
  int64_t max_compaction_lag_ms = INT64_MAX;  // ... and older ones are, however little is dirty
  uint64_t max_message_bytes = 1048588;     // largest batch accepted
};

struct Settings {
  std::string directory;
  uint64_t commit_file_bytes = 64u << 20;         // size of one preallocated commit log file
  uint64_t checkpoint_bytes = 256u << 20;         // checkpoint after so many commit log bytes ...
  int64_t checkpoint_interval_ms = 60'000;        // ... or so much time with dirty partitions
  uint64_t round_bytes_max = 8u << 20;            // most bytes in one commit round
  // A partition that gets at least so many bytes in a round gets them in its segment at once, synced, and the commit
  // log a reference: writing them twice costs more than a second sync.
  uint64_t write_through_bytes = 1u << 20;
  uint64_t queue_bytes_max = 64u << 20;           // appends waiting; append() beyond fails with kRetriable
  int64_t housekeeping_interval_ms = 5 * 60'000;  // retention and compaction
  size_t open_segments_max = 500;                 // closed least recently used first
  size_t sync_all_from = 64;  // dirty partitions from which on a checkpoint syncs the file system, not each file
  // Told once, by any thread, when the directory stops taking writes, and why. Must not block.
  std::function<void(const std::string&)> on_failure;
};

// One partition's part of an append: whole RecordBatch v2 batches back to back, as made by BatchBuilder or a
// producer. The log stamps base offsets and leader epoch in place; CRCs must be right already.
struct PartitionAppend {
  TopicPartition partition;
  Bytes batches;
};

struct AppendResult {
  TopicPartition partition;
  Offset base_offset;  // of the first record
  Offset next_offset;  // one past the last record
};

// Called exactly once, from the commit thread, after the records are durable and visible to readers (or with
// the error, and then none of the append is or ever will be visible). Must not block.
using AppendDone = std::function<void(Result<std::vector<AppendResult>>)>;

struct ReadResult {
  Bytes batches;          // whole batches, verified; the first may begin before the asked offset
  Offset high_watermark;  // = first offset that is not durable
  Offset start_offset;    // log start
};

struct PartitionState {
  Offset start_offset;
  Offset high_watermark;
  uint64_t size_bytes = 0;
  int segments = 0;
  std::optional<Error> offline;  // damage found: the partition serves and takes nothing
};

struct RecoveryReport {
  bool clean = false;              // the last stop was clean, nothing was replayed
  uint64_t replayed_frames = 0;
  uint64_t replayed_bytes = 0;
  uint64_t torn_tail_bytes = 0;    // cut from the end of the commit log: never acknowledged
  std::vector<Error> offline;      // one for each partition taken offline
};

struct Stats {
  uint64_t rounds = 0, frames = 0, bytes = 0, syncs = 0, checkpoints = 0, segments_rolled = 0,
           segments_deleted = 0, segments_compacted = 0;
  bool failed = false;             // a sync failed; nothing is taken until restart
  std::string failure;
};

// Threads: every member function may be called from any thread. append() returns before anything is durable.
// Ownership: the caller keeps disk, clock and executor alive until the Log is destroyed.
// End: stop() (or the destructor) finishes queued appends, checkpoints, marks the stop clean.
class Log {
 public:
  // Recovers the directory: reads the checkpoint, cuts un-checkpointed segment tails, replays the commit log,
  // syncs what it replayed. `settings_of` gives each known partition's topic (nullopt: the topic is gone, its
  // folder is removed). Refuses (kCorrupt, with file and byte) a damaged checkpoint or commit log middle.
  // `commit_rounds_on_executor`: run commit rounds, checkpoints and housekeeping as executor work (simulation)
  // instead of on own threads (production).
  struct Dependencies {
    Disk& disk;
    Clock& clock;
    Executor* simulation = nullptr;
  };
  using SettingsOf = std::function<std::optional<TopicSettings>(const TopicId&)>;
  static Result<std::unique_ptr<Log>> open(Settings settings, Dependencies dependencies, SettingsOf settings_of);
  virtual ~Log() = default;

  virtual const RecoveryReport& recovery() const = 0;

  // Partitions of a topic that metadata has just created (durably). Idempotent; makes no files until the first append.
  virtual Status add_partitions(const TopicId& topic, const TopicSettings& settings, int32_t count) = 0;
  // After metadata has durably deleted the topic: forgets it, then removes its folders.
  virtual void remove_topic(const TopicId& topic) = 0;
  virtual void change_settings(const TopicId& topic, const TopicSettings& settings) = 0;

  // All entries become durable together or not at all (one frame). Bad input (unknown partition, CRC, size) is
  // reported through `done` before anything is written. Order: appends of one caller keep their order.
  virtual void append(std::vector<PartitionAppend> entries, AppendDone done) = 0;

  // Whole batches from the one holding `from` on, at least one if any is durable, else about `max_bytes`.
  // Empty at the high watermark; kOutOfRange below the log start or above the high watermark; kCorrupt (and the
  // partition goes offline) if a check fails.
  virtual Result<ReadResult> read(const TopicPartition& partition, Offset from, size_t max_bytes) = 0;

  // First offset whose batch's max timestamp is >= `timestamp` (ListOffsets); nullopt if there is none.
  virtual Result<std::optional<Offset>> offset_for_timestamp(const TopicPartition& partition,
                                                             TimestampMs timestamp) = 0;
  virtual Result<PartitionState> state(const TopicPartition& partition) = 0;

  // Calls `ready` once, from any thread, as soon as any of the partitions has a high watermark above the paired
  // offset (at once if it has already). The ticket's destruction withdraws the call and waits for a running one.
  class Watch { public: virtual ~Watch() = default; };
  virtual std::unique_ptr<Watch> watch(std::vector<std::pair<TopicPartition, Offset>> after,
                                       std::function<void()> ready) = 0;

  virtual Status delete_records(const TopicPartition& partition, Offset before) = 0;  // moves the log start
  virtual Status checkpoint() = 0;       // now: sync dirty segments, trim the commit log
  virtual Status run_housekeeping() = 0; // now: roll by age, retention, compaction
  // Copies what is durable at one moment after the call, while appends and reads go on; retention and compaction
  // wait. The copy needs no replay: it ends at a checkpoint.
  virtual Status backup(BackupFolder& target) = 0;
  virtual Stats stats() const = 0;
  virtual Status stop() = 0;
};

// One thing found by verify_directory.
struct Finding {
  bool damage = false;   // false: a remark that needs no action (torn tail that start-up will cut)
  std::string file;
  uint64_t byte = 0;
  std::optional<Offset> offset;
  std::string text;
};
// What an error says of its place ("FILE, byte N: text"); without a place in it, byte 0 of `file`.
Finding finding_of(const Error& error, const std::string& file);
// Reads every segment, sidecar, index, checkpoint and commit log file of a stopped directory without changing it.
// `progress` gets bytes done and bytes in all.
Result<std::vector<Finding>> verify_directory(Disk& disk, const std::string& directory,
                                              const std::function<void(uint64_t, uint64_t)>& progress);

}  // namespace sluice::storage
