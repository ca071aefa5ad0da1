// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/frame.hpp"

#include "broker-core/base/crc32c.hpp"
#include "broker-core/base/mutant.hpp"
#include "broker-core/storage/codec.hpp"

namespace sluice::storage {
namespace {

constexpr size_t kCrcEnd = 8;  // magic, crc
constexpr uint64_t kKindData = 0;
constexpr uint64_t kKindReference = 1;

}  // namespace

void encode_frame(std::byte* to, FrameHeader& header, std::span<const FrameEntry> entries) {
  header.count = static_cast<uint32_t>(entries.size());
  header.length = frame_table_size(entries.size());
  std::byte* at = to + kFrameHeaderSize;
  for (const auto& entry : entries) {
    std::memcpy(at, entry.partition.topic.bytes.data(), 16);
    put_le(at + 16, entry.partition.partition.value());
    put_le(at + 20, entry.epoch.value());
    put_le(at + 24, entry.base_offset.value());
    put_le(at + 32, static_cast<uint64_t>(entry.data.size()));
    put_le(at + 40, entry.by_reference ? kKindReference : kKindData);
    at += kFrameEntrySize;
    header.length += entry.data.size();
  }
  put_le(to, kFrameMagic);
  put_le(to + 8, header.length);
  put_le(to + 16, header.file_id);
  put_le(to + 24, header.sequence);
  put_le(to + 32, header.synced);
  put_le(to + 40, header.count);
  put_le(to + 44, uint32_t{0});
  header.crc = crc32c({to + kCrcEnd, frame_table_size(entries.size()) - kCrcEnd});
  for (const auto& entry : entries) header.crc = crc32c(entry.data, header.crc);
  put_le(to + 4, header.crc);
}

std::optional<FrameHeader> peek_frame(ByteView bytes) {
  if (bytes.size() < kFrameHeaderSize || get_le<uint32_t>(bytes.data()) != kFrameMagic) return std::nullopt;
  FrameHeader header;
  header.crc = get_le<uint32_t>(bytes.data() + 4);
  header.length = get_le<uint64_t>(bytes.data() + 8);
  header.file_id = get_le<uint64_t>(bytes.data() + 16);
  header.sequence = get_le<uint64_t>(bytes.data() + 24);
  header.synced = get_le<uint64_t>(bytes.data() + 32);
  header.count = get_le<uint32_t>(bytes.data() + 40);
  if (header.length < frame_table_size(header.count) || header.length > uint64_t{1} << 40) return std::nullopt;
  return header;
}

std::optional<Frame> decode_frame(ByteView bytes) {
  auto header = peek_frame(bytes);
  if (!header || header->length > bytes.size()) return std::nullopt;
  if (crc32c(bytes.subspan(kCrcEnd, header->length - kCrcEnd)) != header->crc &&
      !SLUICE_MUTANT("storage.torn_frame_replayed"))
    return std::nullopt;
  Frame frame{*header, {}};
  frame.entries.reserve(header->count);
  const std::byte* at = bytes.data() + kFrameHeaderSize;
  uint64_t data = frame_table_size(header->count);
  for (uint32_t i = 0; i < header->count; ++i, at += kFrameEntrySize) {
    FrameEntry entry;
    std::memcpy(entry.partition.topic.bytes.data(), at, 16);
    entry.partition.partition = PartitionId(get_le<int32_t>(at + 16));
    entry.epoch = LeaderEpoch(get_le<int32_t>(at + 20));
    entry.base_offset = Offset(get_le<int64_t>(at + 24));
    const uint64_t size = get_le<uint64_t>(at + 32);
    const uint64_t kind = get_le<uint64_t>(at + 40);
    if (size > header->length - data || kind > kKindReference) return std::nullopt;
    entry.by_reference = kind == kKindReference;
    entry.data = bytes.subspan(data, size);
    data += size;
    frame.entries.push_back(entry);
  }
  if (data != header->length) return std::nullopt;
  return frame;
}

}  // namespace sluice::storage
