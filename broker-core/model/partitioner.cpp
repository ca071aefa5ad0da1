// SPDX-License-Identifier: Apache-2.0
#include "broker-core/model/partitioner.hpp"

namespace sluice::model {

int32_t murmur2(ByteView bytes) {
  constexpr uint32_t kSeed = 0x9747b28c;
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  const size_t size = bytes.size();
  auto at = [&](size_t i) { return static_cast<uint32_t>(bytes[i]); };
  uint32_t hash = kSeed ^ static_cast<uint32_t>(size);
  size_t i = 0;
  for (; i + 4 <= size; i += 4) {
    uint32_t word = at(i) | at(i + 1) << 8 | at(i + 2) << 16 | at(i + 3) << 24;
    word *= kMultiplier;
    word ^= word >> 24;
    word *= kMultiplier;
    hash *= kMultiplier;
    hash ^= word;
  }
  switch (size - i) {
    case 3:
      hash ^= at(i + 2) << 16;
      [[fallthrough]];
    case 2:
      hash ^= at(i + 1) << 8;
      [[fallthrough]];
    case 1:
      hash ^= at(i);
      hash *= kMultiplier;
      break;
    default:
      break;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return static_cast<int32_t>(hash);
}

PartitionId partition_for_key(ByteView key, int32_t partitions) {
  return PartitionId((murmur2(key) & 0x7fffffff) % partitions);
}

namespace {

// Decodes one code point at `position` and moves on; U+FFFD and one byte for what is no UTF-8.
uint32_t next_code_point(std::string_view text, size_t& position) {
  constexpr uint32_t kReplacement = 0xfffd;
  const auto lead = static_cast<uint8_t>(text[position++]);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xf0 && lead < 0xf5   ? 3
                   : lead >= 0xe0 && lead < 0xf0 ? 2
                   : lead >= 0xc2 && lead < 0xe0 ? 1
                                                 : 0;
  if (more == 0 || position + static_cast<size_t>(more) > text.size()) return kReplacement;
  uint32_t code = lead & (0x3fu >> more);
  for (int i = 0; i < more; ++i) {
    const auto byte = static_cast<uint8_t>(text[position + static_cast<size_t>(i)]);
    if ((byte & 0xc0) != 0x80) return kReplacement;
    code = code << 6 | (byte & 0x3fu);
  }
  constexpr uint32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
    return kReplacement;
  position += static_cast<size_t>(more);
  return code;
}

}  // namespace

int32_t java_string_hash(std::string_view utf8) {
  uint32_t hash = 0;
  size_t position = 0;
  while (position < utf8.size()) {
    const uint32_t code = next_code_point(utf8, position);
    if (code >= 0x10000) {  // Java hashes UTF-16 units
      hash = hash * 31 + (0xd800 + ((code - 0x10000) >> 10));
      hash = hash * 31 + (0xdc00 + ((code - 0x10000) & 0x3ff));
    } else {
      hash = hash * 31 + code;
    }
  }
  return static_cast<int32_t>(hash);
}

PartitionId partition_for_id(std::string_view id, int32_t partitions) {
  const int64_t hash = java_string_hash(id);
  // Kafka's Utils.abs: the one number without a positive counterpart counts as 0.
  const int64_t positive = hash == INT32_MIN ? 0 : hash < 0 ? -hash : hash;
  return PartitionId(static_cast<int32_t>(positive % partitions));
}

}  // namespace sluice::model
