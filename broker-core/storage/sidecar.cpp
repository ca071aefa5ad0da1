// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/sidecar.hpp"

#include "broker-core/base/crc32c.hpp"
#include "broker-core/storage/codec.hpp"

namespace sluice::storage {

void encode_check(std::byte* to, const CheckEntry& entry) {
  put_le(to, entry.relative_base);
  put_le(to + 4, entry.relative_last);
  put_le(to + 8, entry.position);
  put_le(to + 12, entry.checksum);
}

CheckEntry decode_check(const std::byte* from) {
  return {get_le<uint32_t>(from), get_le<uint32_t>(from + 4), get_le<uint32_t>(from + 8),
          get_le<uint32_t>(from + 12)};
}

uint32_t check_sum(const TopicPartition& partition, Offset base, Offset last, uint32_t position, uint32_t size,
                   LeaderEpoch epoch, uint32_t batch_crc) {
  std::byte bytes[52];
  std::memcpy(bytes, partition.topic.bytes.data(), 16);
  put_le(bytes + 16, partition.partition.value());
  put_le(bytes + 20, base.value());
  put_le(bytes + 28, last.value());
  put_le(bytes + 36, position);
  put_le(bytes + 40, size);
  put_le(bytes + 44, epoch.value());
  put_le(bytes + 48, batch_crc);
  return crc32c(bytes);
}

}  // namespace sluice::storage
