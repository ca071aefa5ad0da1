// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker-core/base/types.hpp"

// One frame of the commit log: the batches of one append, of one or several partitions, under one checksum.
//   header | entry table | data of entry 0 | data of entry 1 ... | zeros up to a multiple of 8
// All is little-endian except the batches themselves. docs/formats/storage.md has the table.
namespace sluice::storage {

inline constexpr uint32_t kFrameMagic = 0x52464c53;  // "SLFR"
inline constexpr size_t kFrameHeaderSize = 48;
inline constexpr size_t kFrameEntrySize = 48;
inline constexpr size_t kFrameAlignment = 8;

struct FrameHeader {
  uint32_t crc = 0;        // CRC-32C of all that follows it in the frame, padding excluded
  uint64_t length = 0;     // header, table and data, without the padding
  uint64_t file_id = 0;    // of the file that it was written to: a recycled file's old bytes never count
  uint64_t sequence = 0;   // one more than that of the frame before
  uint64_t synced = 0;     // the newest sequence known to be durable when this one was written
  uint32_t count = 0;      // entries

  uint64_t padded() const { return (length + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment; }
};

// A part of what a frame refers to: where it stands in a segment.
struct SegmentPiece {
  Offset segment;  // its base offset
  uint64_t position = 0;
  uint64_t size = 0;
  uint32_t crc = 0;  // CRC-32C of the bytes
};

struct FrameEntry {
  TopicPartition partition;
  Offset base_offset;
  LeaderEpoch epoch;
  ByteView data;  // whole stamped batches; `by_reference`: where they stand (references.hpp)
  bool by_reference = false;
  // Of a frame that was read: the pieces that `data` was put together from, or why it could not be had.
  std::vector<SegmentPiece> pieces = {};
  std::string damage = {};
};

struct Frame {
  FrameHeader header;
  std::vector<FrameEntry> entries;
};

inline size_t frame_table_size(size_t entries) { return kFrameHeaderSize + entries * kFrameEntrySize; }

// Writes header and table (frame_table_size bytes) to `to`. `header.length` and `header.crc` are computed here.
void encode_frame(std::byte* to, FrameHeader& header, std::span<const FrameEntry> entries);

// The header at the front of `bytes` if it has the magic and a plausible length; its checksum is not looked at.
std::optional<FrameHeader> peek_frame(ByteView bytes);

// The whole frame at the front of `bytes`, checked; views into `bytes`. nullopt if anything is wrong with it.
std::optional<Frame> decode_frame(ByteView bytes);

}  // namespace sluice::storage
