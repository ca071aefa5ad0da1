// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker-core/base/disk.hpp"
#include "broker-core/storage/frame.hpp"

namespace sluice::storage {

// What the commit log holds of a large append in place of its bytes: where they stand in a segment.
// They were synced there before the frame was written, so a valid frame whose bytes are not there
// is damage, never a torn end. One entry may have several pieces: the segment was rolled in
// between.
inline constexpr size_t kPieceSize = 32;
Bytes encode_pieces(std::span<const SegmentPiece> pieces);
// nullopt if the bytes are no pieces.
std::optional<std::vector<SegmentPiece>> decode_pieces(ByteView bytes);

// Reads what frames refer to. One thread.
class References {
 public:
  References(Disk& disk, const std::string& directory) : disk_(disk), directory_(directory) {}

  // Puts the batches in place of each reference of the frame, or the entry's `damage`. They live as
  // long as this object does, or until the next call. An error: the disk could not be read.
  Status resolve(Frame& frame);
  // The segment's file; nullopt if the partition has no folder (any more).
  Result<std::optional<std::string>> path_of(const TopicPartition& partition,
                                             const SegmentPiece& piece);

 private:
  Result<std::string> read(FrameEntry& entry, Bytes& into);

  Disk& disk_;
  const std::string directory_;
  std::optional<std::unordered_map<TopicPartition, std::string>>
      folders_;  // listed when first needed
  std::vector<Bytes> bytes_;
};

}  // namespace sluice::storage
