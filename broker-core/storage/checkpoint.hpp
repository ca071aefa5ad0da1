// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker-core/base/disk.hpp"
#include "broker-core/storage/commit_log.hpp"

namespace sluice::storage {

// Where the active segment ends and what is known of it without reading it.
struct SegmentState {
  uint64_t size = 0;              // bytes of the log file
  uint64_t checks = 0;            // entries of the sidecar
  uint64_t indexes = 0;           // entries of the offset index
  uint64_t times = 0;             // entries of the time index
  Offset next_offset;
  int64_t max_timestamp = -1;     // of all batches so far, and the last offset of the batch that has it
  Offset max_timestamp_offset;
  int64_t first_timestamp = -1;   // of the first batch: for rolling by age
  uint64_t since_index = 0;       // log bytes since the last index entry
};

// All that is durable of one partition. Bytes of its segments beyond this are not trusted at recovery.
struct PartitionCheckpoint {
  TopicPartition partition;
  Offset log_start;
  Offset clean_to;                // compaction went up to here
  Offset holes_to;                // and may have taken records away up to here
  bool has_segments = false;
  Offset active_base;             // these three: only with segments
  SegmentState active;
  uint64_t closed_bytes = 0;      // in the closed segments, for state() without opening any
  uint32_t closed_segments = 0;
  std::string lost;               // not empty: offline for good, records are missing (why)
};

struct Checkpoint {
  bool clean = false;             // written by a clean stop
  CommitPosition replay;          // where recovery begins to read the commit log
  std::vector<PartitionCheckpoint> partitions;
};

Bytes encode_checkpoint(const Checkpoint& checkpoint);
Result<Checkpoint> decode_checkpoint(ByteView bytes, const std::string& path);

// nullopt if there is none yet; kCorrupt if it is damaged.
Result<std::optional<Checkpoint>> read_checkpoint(Disk& disk, const std::string& directory);
Status write_checkpoint(Disk& disk, const std::string& directory, const Checkpoint& checkpoint);

}  // namespace sluice::storage
