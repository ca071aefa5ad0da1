// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "broker-core/model/record_batch.hpp"
#include "broker-core/storage/checkpoint.hpp"
#include "broker-core/storage/entry_file.hpp"
#include "broker-core/storage/sidecar.hpp"

namespace sluice::storage {

inline constexpr size_t kIndexEntrySize = 8;  // Kafka's OffsetIndex: relative offset, position
inline constexpr size_t kTimeEntrySize = 12;  // Kafka's TimeIndex: timestamp, relative offset

// One stamped batch on its way into a segment.
struct BatchRef {
  ByteView bytes;
  Offset base;
  Offset last;
  LeaderEpoch epoch;
  uint32_t crc = 0;
  int64_t max_timestamp = -1;
};
// All batches of `data`, in order; kCorrupt if it does not consist of whole batches.
Status list_batches(ByteView data, std::vector<BatchRef>& into);

// One segment of a partition: the log file with Kafka's bytes, the sidecar, the two indexes. Owned
// by its PartitionLog and by readers in the middle of a read. `state` belongs to the holder of the
// round's mutex, `visible` to the partition's mutex; the files can be read by any thread.
class Segment {
 public:
  Segment(
      FileCache& files, const std::string& folder, Offset base, const SegmentState& state,
      const std::string& suffix = "");  // of all file names: compaction writes beside the segment

  // Appends batches that follow each other; all of them fit. On an error the caller rewinds.
  Status write(const TopicPartition& partition, std::span<const BatchRef> batches,
               uint64_t index_interval);
  // The log file may hold bytes behind the end that must stay until cut_tail().
  void keep_tail() { longer_ = true; }
  Status cut_tail();
  // Back to an earlier state; cuts the log file, so that its space is free again.
  void rewind(const SegmentState& earlier);
  // Empties what an earlier attempt may have left in the files.
  Status clear_files();
  // No more appends: the last time index entry, and files cut to what they hold.
  Status close();
  // Writes what is still in memory.
  Status flush();
  // All that was flushed becomes durable (the folder's names excepted). kFatal if that fails: what
  // is on disk is unknown then, and a second sync would say that all is well. kNotFound if the
  // files are gone.
  Status sync();
  // Before a sync of the whole file system: as File::write_back, errors as of sync().
  Status write_back(bool wait);

  // Number of the first sidecar entry, of `count`, whose last offset is >= `offset`; `count` if
  // there is none.
  Result<uint64_t> find(Offset offset, uint64_t count) const;
  Result<std::vector<CheckEntry>> entries(uint64_t first, uint64_t most) const;

  // kCorrupt unless the header of the entry's batch has the checksum that the entry says.
  Status check_header(const TopicPartition& partition, const CheckEntry& entry) const;

  struct Visible {
    uint64_t size = 0;
    uint64_t entries = 0;
    Offset next_offset;
    int64_t max_timestamp = -1;  // or kUnknown
  };
  static constexpr int64_t kUnknown = INT64_MIN;

  // Timestamp of the first batch, as segment_ms counts it; kUnknown if there is no batch.
  Result<int64_t> first_timestamp() const;
  // The highest timestamp, by the time index; the index is rebuilt if it does not agree with the
  // batches.
  Result<int64_t> find_max_timestamp(uint64_t interval);
  // Base offset of the first of `count` batches whose max timestamp is >= `timestamp`.
  // `may_rebuild`: the segment is closed, so its indexes can be made anew if they do not agree with
  // the batches.
  Result<std::optional<Offset>> find_timestamp(int64_t timestamp, uint64_t count, uint64_t interval,
                                               bool may_rebuild);
  // Writes both indexes anew from the sidecar and the batches' headers. Not while something is
  // appended. kNotFound once the segment is retired: the files of its names may be those of a
  // successor.
  Status rebuild_indexes(uint64_t interval);

  // Its files are about to be removed or replaced: whoever still holds the segment changes no file
  // any more.
  void retire();
  bool retired() const;

  FileCache& files;
  const Offset base;
  const std::string stem;  // path without extension
  const std::string log_path;
  EntryFile checks;
  EntryFile indexes;
  EntryFile times;
  SegmentState state;
  Visible visible;
  bool dirty = false;  // written since the last checkpoint; belongs to the round's mutex

 private:
  struct TimeEntry {
    int64_t timestamp = -1;
    Offset offset;
  };
  Result<model::BatchHeader> header_at(const CheckEntry& entry) const;
  Result<std::optional<TimeEntry>> time_entry(uint64_t number) const;
  Result<bool> indexed_to_end(uint64_t interval) const;
  Result<bool> agrees(const TimeEntry& entry) const;
  Status rebuild(uint64_t interval);
  void index(const BatchRef& batch, uint64_t position, uint64_t interval);
  mutable std::mutex
      rebuild_mutex_;  // guards retired_; held while the indexes are judged or made anew
  bool retired_ = false;
  bool longer_ = false;  // the log file may have bytes behind its end
};

}  // namespace sluice::storage
