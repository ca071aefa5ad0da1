// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker-core/base/types.hpp"

// The sidecar of a segment (`.check`): one entry for each batch. It finds batches by offset, and its checksum
// binds a batch to its topic, partition, offset, place and length, all of which Kafka's CRC does not cover.
namespace sluice::storage {

inline constexpr size_t kCheckEntrySize = 16;

struct CheckEntry {
  uint32_t relative_base = 0;  // base offset minus the segment's
  uint32_t relative_last = 0;
  uint32_t position = 0;       // byte of the batch in the segment
  uint32_t checksum = 0;
};

void encode_check(std::byte* to, const CheckEntry& entry);
CheckEntry decode_check(const std::byte* from);

uint32_t check_sum(const TopicPartition& partition, Offset base, Offset last, uint32_t position, uint32_t size,
                   LeaderEpoch epoch, uint32_t batch_crc);

}  // namespace sluice::storage
