// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker-core/base/result.hpp"
#include "broker-core/coordinator/group_types.hpp"

// The records of `__consumer_offsets`, byte for byte Kafka's (OffsetCommitKey/Value,
// GroupMetadataKey/Value). docs/formats/consumer_offsets.md lists the fields.
namespace sluice::coordinator {

inline constexpr int32_t kOffsetsPartitions = 50;

struct OffsetKey {
  std::string group;
  TopicPartitionName partition;
  bool operator==(const OffsetKey&) const = default;
};
struct GroupKey {
  std::string group;
  bool operator==(const GroupKey&) const = default;
};
// A key of a version that this broker does not know (of Kafka's newer group protocols): not an
// error, skipped.
struct UnknownKey {
  int16_t version;
  bool operator==(const UnknownKey&) const = default;
};
using RecordKey = std::variant<OffsetKey, GroupKey, UnknownKey>;

struct StoredMember {
  std::string member_id;
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string client_host;
  int32_t rebalance_timeout_ms = 0;
  int32_t session_timeout_ms = 0;
  Bytes subscription;
  Bytes assignment;
  bool operator==(const StoredMember&) const = default;
};
struct StoredGroup {
  std::string protocol_type;
  GenerationId generation{0};
  std::optional<std::string> protocol;
  std::optional<std::string> leader;
  TimestampMs state_timestamp{-1};
  std::vector<StoredMember> members;
  bool operator==(const StoredGroup&) const = default;
};

// Keys: OffsetCommitKey version 1, GroupMetadataKey version 2. Values: version 3 of both. The texts
// must be at most 32767 bytes long, which the coordinator checks when they come in.
Bytes encode_offset_key(const OffsetKey& key);
Bytes encode_offset_value(const CommittedOffset& offset);
Bytes encode_group_key(const std::string& group);
Bytes encode_group_value(const StoredGroup& group);

// Read every version that Kafka's classic groups have written (keys 0 to 2, offsets 0 to 4, groups
// 0 to 4).
Result<RecordKey> decode_key(ByteView bytes);
Result<CommittedOffset> decode_offset_value(ByteView bytes);
Result<StoredGroup> decode_group_value(ByteView bytes);

}  // namespace sluice::coordinator
