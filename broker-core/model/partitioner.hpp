// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "broker-core/base/types.hpp"

// The hashes that decide which partition something belongs to; they must equal Kafka's bit for bit.
namespace sluice::model {

// Murmur2 with the seed of Kafka's clients.
int32_t murmur2(ByteView bytes);

// The partition of a record's key as Kafka's default partitioner chooses it. `partitions` > 0.
PartitionId partition_for_key(ByteView key, int32_t partitions);

// java.lang.String.hashCode of the text, given in UTF-8 (malformed bytes count as U+FFFD, one
// each).
int32_t java_string_hash(std::string_view utf8);

// The partition of `__consumer_offsets` or `__transaction_state` that a group or a transactional id
// lives in.
PartitionId partition_for_id(std::string_view id, int32_t partitions);

}  // namespace sluice::model
