// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "broker-core/storage/checkpoint.hpp"
#include "broker-core/storage/log.hpp"
#include "broker-core/storage/sidecar.hpp"

namespace sluice::storage {

// Reads one segment from end to end with its sidecar and indexes; used by verify_directory. Changes nothing.
class SegmentCheck {
 public:
  // `synced` bounds an active segment to what the checkpoint vouches for; nullptr for a closed one.
  SegmentCheck(Disk& disk, const TopicPartition& partition, const std::string& folder, Offset base,
               const SegmentState* synced, std::function<void(uint64_t)> progress, std::vector<Finding>& findings);
  // A compaction is to be finished at the next start: where there is a `.cleaned` file, it is the segment's.
  void prefer_cleaned() { prefer_cleaned_ = true; }
  // The offset after the last batch.
  Result<Offset> run();

 private:
  void damage(const std::string& file, uint64_t byte, std::optional<Offset> offset, const std::string& text);
  void check_batch(ByteView bytes, const CheckEntry& entry, uint64_t end);
  Status check_indexes();
  Result<std::string> path_of(const char* extension);
  Result<Bytes> read_entries(const char* extension, size_t entry_size, std::optional<uint64_t> synced);

  Disk& disk_;
  const TopicPartition partition_;
  const Offset base_;
  const std::string stem_;
  const SegmentState* const synced_;
  const std::function<void(uint64_t)> progress_;
  std::vector<Finding>& findings_;
  std::vector<CheckEntry> entries_;
  std::string log_path_;
  std::string check_path_;
  bool prefer_cleaned_ = false;
};

}  // namespace sluice::storage
