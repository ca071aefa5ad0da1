// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The bytes of an exactly-once sink's sidecar file: two slots of equal size, written in turn, so
// that a torn write leaves the other one. Either valid slot describes a consistent state: the file
// up to file_length holds exactly the records before the positions. Pure functions;
// docs/connectors/file.md has the layout.
namespace sluice::file_plugin {

struct PartitionPosition {
  std::string topic;
  int32_t partition = 0;
  int64_t next_offset = -1;  // first offset that is not in the file
  bool operator==(const PartitionPosition&) const = default;
};

// Of a series of files (format version 2): the file that is being written, and what becomes of it.
struct RollState {
  uint64_t number = 1;   // the next finished file's
  int64_t begun_ms = 0;  // when the first line came into the one being written; 0: it is empty
  std::string target;    // not empty: it is being renamed to this
  bool operator==(const RollState&) const = default;
};

struct SidecarState {
  uint64_t sequence = 0;  // grows by one with each write; slot = sequence % 2
  int64_t epoch = 0;      // of the last owner; older ones are fenced
  uint64_t file_length = 0;
  uint32_t tail_size = 0;  // so many bytes before file_length have this checksum
  uint32_t tail_crc = 0;
  std::vector<PartitionPosition> positions;
  std::optional<RollState> roll;
  bool operator==(const SidecarState&) const = default;
};

constexpr size_t kMinSlotSize = 4096;
constexpr size_t kMaxSlotSize = 64u << 20;
constexpr uint32_t kTailWindow = 4096;

// The smallest slot that holds this state: a power of two, at least kMinSlotSize.
size_t slot_size_for(const SidecarState& state);
// slot_size bytes, padded with zeros.
std::string encode_slot(const SidecarState& state, size_t slot_size);

enum class SlotKind { kEmpty, kValid, kDamaged };
struct DecodedSlot {
  SlotKind kind = SlotKind::kDamaged;
  std::string why;  // kDamaged
  SidecarState state;
};
DecodedSlot decode_slot(std::string_view slot);

// CRC-32C; `crc` continues an earlier one.
uint32_t crc32c(std::string_view bytes, uint32_t crc = 0);

}  // namespace sluice::file_plugin
