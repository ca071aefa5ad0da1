// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "broker-core/storage/context.hpp"
#include "broker-core/storage/references.hpp"
#include "broker-core/storage/segment.hpp"

namespace sluice::storage {

// One partition: its segments, its log start and its high watermark. Shared by the log and by whoever is using
// it. Makes no files before the first append and opens none before the first use.
// Threads: the functions marked (round) belong to the holder of the round's mutex, the others to any thread.
class PartitionLog {
 public:
  // `known` is what the last checkpoint says; nothing for a partition that had no data then.
  PartitionLog(Context& context, const TopicPartition& partition, std::shared_ptr<Topic> topic,
               const std::optional<PartitionCheckpoint>& known);

  const TopicPartition& id() const { return partition_; }
  Topic& topic() { return *topic_; }
  const std::string& folder() const { return folder_; }
  std::string name() const;  // for messages

  // (round) Opens what has to be open for an append; the error says why it cannot be.
  Status prepare();
  // (round) Offset that the next batch gets.
  Offset write_end() const { return write_end_; }
  // (round) Remembers where the partition stands, to be able to rewind() to it.
  void begin();
  // (round) Writes stamped batches to the active segment, rolling where needed. Not visible, not durable.
  Status write(std::span<const BatchRef> batches);
  // (round) Makes durable, with its names, all that was written since begin(). An error is fatal.
  Status write_through();
  // (round) Where the next `data` of what was written since begin() stands; called for all of it, in order.
  std::vector<SegmentPiece> place(ByteView data);
  // (round) Takes back all that was written since begin().
  void rewind();
  // (round) All that was written is durable now: moves the high watermark.
  Offset publish();
  // (round) Recovery: as prepare(), but what the segments hold beyond the checkpoint stays until end_replay(), which a
  // checkpoint comes before: frames may refer to it.
  Status begin_replay();
  // (round) Writes batches of a frame, `segment`: the one where they stand if the frame refers to them.
  Status replay(ByteView data, std::optional<Offset> segment);
  Status end_replay();
  // Whether housekeeping may have anything to do here; false costs no access to the disk. So partitions that are
  // not in use need not be loaded for it.
  bool needs_care(TimestampMs now) const;
  // (round) Begins a new segment if the active one's first batch is older than the topic lets it be, or if retention
  // would take all of it.
  Status roll_if_old(TimestampMs now);

  // What a checkpoint has to sync and to write down.
  struct Dirty {
    std::shared_ptr<PartitionLog> partition;
    PartitionCheckpoint state;
    std::vector<std::shared_ptr<Segment>> segments;
    bool names = false;        // files were made or removed
    bool folder = false;       // the folder itself was made
  };
  // (round) False if nothing has changed since the last one. Afterwards the partition counts as clean.
  bool take_dirty(Dirty& dirty);
  // (round) The checkpoint failed: dirty again.
  void give_back(Dirty dirty);
  // (round) State for a checkpoint, unchanged partitions included; nullopt if it never had data.
  std::optional<PartitionCheckpoint> checkpoint() const;

  Result<ReadResult> read(Offset from, size_t max_bytes);
  Result<std::optional<Offset>> offset_for_timestamp(TimestampMs timestamp);
  PartitionState state();
  Offset high_watermark() const;
  Offset log_start() const;

  // Takes the partition offline: it serves and takes nothing. `lost`: for good, records are missing.
  void take_offline(const Error& error, bool lost = false);
  std::optional<Error> offline() const;
  // The topic is being deleted: later calls fail with kNotFound.
  void set_removed();
  bool removed() const;

  // (round) Compaction is about to remove records below `to`; durable with the next checkpoint.
  void expect_holes(Offset to);
  // (round) Compaction is done up to `to`.
  void set_clean_to(Offset to);
  // (round) Moves the log start forward in memory; the caller checkpoints before it lets drop_old_segments() run.
  Status move_log_start(Offset to);
  // Offset at which retention would let the log start now, by the topic's settings.
  Result<Offset> retention_start(TimestampMs now);
  // (round) Forgets the segments wholly below `durable_start` (a log start that a checkpoint has named).
  std::vector<Offset> drop_old_segments(Offset durable_start);
  // Removes the files of what drop_old_segments() gave.
  Status remove_files(const std::vector<Offset>& bases);

 private:
  friend class Compactor;
  struct Hint {  // where a sequential reader goes on
    std::weak_ptr<Segment> segment;
    Offset offset;
    uint64_t entry = 0;
  };
  struct Run {  // what a segment got since begin()
    std::shared_ptr<Segment> segment;
    uint64_t position = 0, size = 0;
  };
  struct Range {  // what one read takes from one segment
    std::shared_ptr<Segment> segment;
    Segment::Visible visible;
    uint64_t entry = 0;
    std::vector<CheckEntry> entries;
    uint64_t begin = 0, end = 0;  // bytes of the log file
  };

  Status load();
  Status load_segments();
  Result<size_t> load_closed(Offset base, std::span<const Offset> after);
  Status load_active();
  Result<uint64_t> file_size(const std::string& path);
  Status remove_segment_files(Offset base);
  Status usable() const;
  Error does_not_exist() const;
  Status roll();
  Status write_run(std::span<const BatchRef> batches);
  static bool due_to_roll(const SegmentState& active, const TopicSettings& settings, TimestampMs now);
  bool must_roll(uint64_t pending, const BatchRef& batch) const;
  std::shared_ptr<Segment> active() const;

  Result<Range> locate(Offset from, size_t max_bytes);
  Result<uint64_t> find_entry(const std::shared_ptr<Segment>& segment, Offset from, uint64_t count);
  Status verify(const Range& range, ByteView bytes) const;
  uint64_t layout() const;
  void remember(const std::shared_ptr<Segment>& segment, Offset offset, uint64_t entry);
  Result<int64_t> max_timestamp(const std::shared_ptr<Segment>& segment);
  std::vector<std::pair<std::shared_ptr<Segment>, Segment::Visible>> visible_segments() const;

  Context& context_;
  const TopicPartition partition_;
  const std::shared_ptr<Topic> topic_;
  const std::string folder_;
  const std::optional<PartitionCheckpoint> known_;

  // Belong to the round's mutex.
  Offset write_end_;
  Offset begin_end_;
  SegmentState begin_state_;
  std::shared_ptr<Segment> begin_active_;
  std::vector<Run> runs_;       // in the order of the segments
  size_t placed_run_ = 0;       // where place() goes on
  uint64_t placed_ = 0;         // in that run
  std::vector<std::shared_ptr<Segment>> dirty_;
  bool changed_ = false;        // something that a checkpoint writes down
  bool names_dirty_ = false;
  bool folder_dirty_ = false;

  mutable std::mutex mutex_;    // guards all below
  bool loaded_ = false;
  bool replaying_ = false;
  std::vector<Offset> strays_;  // segments beyond the checkpoint that a replay may refer to
  bool removed_ = false;
  std::optional<Error> offline_;
  std::string lost_;
  std::vector<std::shared_ptr<Segment>> segments_;  // by base offset; the last is the active one
  Offset log_start_;
  Offset clean_to_;             // compaction went up to here
  Offset holes_to_;             // and may have taken records away up to here
  Offset high_watermark_;
  uint64_t layout_ = 0;         // counts removals and swaps of segments: a reader in between starts again
  std::array<Hint, 4> hints_;
  size_t next_hint_ = 0;
};

}  // namespace sluice::storage
