// SPDX-License-Identifier: Apache-2.0
#include "broker-core/coordinator/group_records.hpp"

#include "broker-core/model/primitives.hpp"

namespace sluice::coordinator {

namespace {

using model::PrimitiveReader;
using model::PrimitiveWriter;

constexpr int16_t kOffsetKeyVersion = 1;
constexpr int16_t kGroupKeyVersion = 2;
constexpr int16_t kValueVersion = 3;
constexpr int16_t kFlexibleVersion = 4;  // compact lengths and tagged fields from here on

Error malformed(const char* what) {
  return {ErrorKind::kCorrupt, std::string("__consumer_offsets: malformed ") + what};
}
Error newer(const char* what, int16_t version) {
  return {ErrorKind::kUnsupported, std::string("__consumer_offsets: ") + what + " version " +
                                       std::to_string(version) +
                                       " is newer than this broker knows"};
}

// The types of flexible versions: lengths are unsigned varints, one more than the length, 0 = null.
class FlexibleReader {
 public:
  explicit FlexibleReader(PrimitiveReader& in) : in_(in) {}
  uint32_t unsigned_varint() {
    uint32_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const auto byte = in_.number<uint8_t>();
      value |= static_cast<uint32_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    in_.raw(SIZE_MAX);  // too long: fails the reader
    return 0;
  }
  std::optional<ByteView> compact_bytes() {
    const uint32_t size = unsigned_varint();
    if (size == 0) return std::nullopt;
    return in_.raw(size - 1);
  }
  std::optional<std::string> nullable_string() {
    const auto bytes = compact_bytes();
    return bytes ? std::optional(std::string(as_text(*bytes))) : std::nullopt;
  }
  void skip_tags() {
    for (uint32_t count = unsigned_varint(); count > 0 && in_.ok(); --count) {
      unsigned_varint();
      in_.raw(unsigned_varint());
    }
  }

 private:
  PrimitiveReader& in_;
};

Bytes to_owned(std::optional<ByteView> view) {
  return view ? Bytes(view->begin(), view->end()) : Bytes();
}
std::optional<std::string> to_owned(std::optional<std::string_view> view) {
  return view ? std::optional(std::string(*view)) : std::nullopt;
}

StoredMember read_member(PrimitiveReader& in, int16_t version) {
  StoredMember member;
  member.member_id = in.string();
  if (version >= 3) member.instance_id = to_owned(in.nullable_string());
  member.client_id = in.string();
  member.client_host = in.string();
  const auto first = in.number<int32_t>();
  // Version 0 has the session timeout only.
  member.rebalance_timeout_ms = first;
  member.session_timeout_ms = version >= 1 ? in.number<int32_t>() : first;
  member.subscription = to_owned(std::optional(in.bytes()));
  member.assignment = to_owned(std::optional(in.bytes()));
  return member;
}

StoredMember read_flexible_member(PrimitiveReader& in) {
  FlexibleReader flexible(in);
  StoredMember member;
  member.member_id = flexible.nullable_string().value_or("");
  member.instance_id = flexible.nullable_string();
  member.client_id = flexible.nullable_string().value_or("");
  member.client_host = flexible.nullable_string().value_or("");
  member.rebalance_timeout_ms = in.number<int32_t>();
  member.session_timeout_ms = in.number<int32_t>();
  member.subscription = to_owned(flexible.compact_bytes());
  member.assignment = to_owned(flexible.compact_bytes());
  flexible.skip_tags();
  return member;
}

void read_flexible_group(PrimitiveReader& in, StoredGroup& group) {
  FlexibleReader flexible(in);
  group.protocol_type = flexible.nullable_string().value_or("");
  group.generation = GenerationId(in.number<int32_t>());
  group.protocol = flexible.nullable_string();
  group.leader = flexible.nullable_string();
  group.state_timestamp = TimestampMs(in.number<int64_t>());
  for (uint32_t count = flexible.unsigned_varint(); count > 1 && in.ok(); --count) {
    group.members.push_back(read_flexible_member(in));
  }
  flexible.skip_tags();
}

}  // namespace

Bytes encode_offset_key(const OffsetKey& key) {
  PrimitiveWriter out;
  out.number(kOffsetKeyVersion).string(key.group).string(key.partition.topic);
  out.number(key.partition.partition.value());
  return out.take();
}

Bytes encode_offset_value(const CommittedOffset& offset) {
  PrimitiveWriter out;
  out.number(kValueVersion).number(offset.offset.value()).number(offset.leader_epoch.value());
  out.string(offset.metadata).number(offset.commit_timestamp.value());
  return out.take();
}

Bytes encode_group_key(const std::string& group) {
  PrimitiveWriter out;
  out.number(kGroupKeyVersion).string(group);
  return out.take();
}

Bytes encode_group_value(const StoredGroup& group) {
  PrimitiveWriter out;
  out.number(kValueVersion).string(group.protocol_type).number(group.generation.value());
  out.nullable_string(group.protocol)
      .nullable_string(group.leader)
      .number(group.state_timestamp.value());
  out.number(static_cast<int32_t>(group.members.size()));
  for (const StoredMember& member : group.members) {
    out.string(member.member_id).nullable_string(member.instance_id);
    out.string(member.client_id).string(member.client_host);
    out.number(member.rebalance_timeout_ms).number(member.session_timeout_ms);
    out.bytes(member.subscription).bytes(member.assignment);
  }
  return out.take();
}

Result<RecordKey> decode_key(ByteView bytes) {
  PrimitiveReader in(bytes);
  const auto version = in.number<int16_t>();
  if (!in.ok() || version < 0) return malformed("key");
  if (version > kGroupKeyVersion) return RecordKey(UnknownKey{version});
  std::string group = in.string();
  if (version == kGroupKeyVersion) {
    if (!in.done()) return malformed("group key");
    return RecordKey(GroupKey{std::move(group)});
  }
  std::string topic = in.string();
  const PartitionId partition(in.number<int32_t>());
  if (!in.done()) return malformed("offset key");
  return RecordKey(OffsetKey{std::move(group), {std::move(topic), partition}});
}

Result<CommittedOffset> decode_offset_value(ByteView bytes) {
  PrimitiveReader in(bytes);
  const auto version = in.number<int16_t>();
  if (version > kFlexibleVersion) return newer("offset", version);
  CommittedOffset offset;
  offset.offset = Offset(in.number<int64_t>());
  if (version >= 3) offset.leader_epoch = LeaderEpoch(in.number<int32_t>());
  if (version == kFlexibleVersion) {
    offset.metadata = FlexibleReader(in).nullable_string().value_or("");
  } else {
    offset.metadata = in.string();
  }
  offset.commit_timestamp = TimestampMs(in.number<int64_t>());
  if (version == 1) in.number<int64_t>();  // expireTimestamp
  if (version == kFlexibleVersion) FlexibleReader(in).skip_tags();
  if (!in.done() || version < 0) return malformed("offset");
  return offset;
}

Result<StoredGroup> decode_group_value(ByteView bytes) {
  PrimitiveReader in(bytes);
  const auto version = in.number<int16_t>();
  if (version > kFlexibleVersion) return newer("group", version);
  StoredGroup group;
  if (version == kFlexibleVersion) {
    read_flexible_group(in, group);
  } else {
    group.protocol_type = in.string();
    group.generation = GenerationId(in.number<int32_t>());
    group.protocol = to_owned(in.nullable_string());
    group.leader = to_owned(in.nullable_string());
    if (version >= 2) group.state_timestamp = TimestampMs(in.number<int64_t>());
    for (size_t count = in.array(18); count > 0 && in.ok(); --count) {
      group.members.push_back(read_member(in, version));
    }
  }
  if (!in.done() || version < 0) return malformed("group");
  return group;
}

}  // namespace sluice::coordinator
