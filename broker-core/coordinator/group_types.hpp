// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker-core/base/result.hpp"
#include "broker-core/base/types.hpp"

// What goes into the group coordinator and comes out of it: Kafka's classic group requests as plain
// values, whether they come from a socket or from a sink task in this process.
namespace sluice::coordinator {

// Kafka's error codes, as on the wire.
enum class GroupError : int16_t {
  kNone = 0,
  kUnknownTopicOrPartition = 3,
  kOffsetMetadataTooLarge = 12,
  kCoordinatorNotAvailable = 15,
  kIllegalGeneration = 22,
  kInconsistentGroupProtocol = 23,
  kInvalidGroupId = 24,
  kUnknownMemberId = 25,
  kInvalidSessionTimeout = 26,
  kRebalanceInProgress = 27,
  kInvalidRequest = 42,
  kNonEmptyGroup = 68,
  kGroupIdNotFound = 69,
  kMemberIdRequired = 79,
  kGroupMaxSizeReached = 81,
  kFencedInstanceId = 82,
};
const char* to_string(GroupError error);  // Kafka's names: UNKNOWN_MEMBER_ID, ...

// The error as a value of ours; `detail` (may be empty) says more than Kafka's text does. Not for
// kNone.
Error to_error(GroupError error, const std::string& detail = {});

enum class GroupState { kEmpty, kPreparingRebalance, kCompletingRebalance, kStable, kDead };
const char* to_string(GroupState state);  // Kafka's names: Empty, PreparingRebalance, ...

struct Protocol {
  std::string name;  // "range"
  Bytes metadata;    // for consumers a ConsumerProtocol subscription, see consumer_protocol.hpp
};

struct JoinRequest {
  std::string group;
  std::string member_id;                   // empty at first
  std::optional<std::string> instance_id;  // static membership
  std::string client_id;
  std::string client_host;
  int32_t session_timeout_ms = 45'000;
  int32_t rebalance_timeout_ms = 300'000;
  std::string protocol_type = "consumer";
  std::vector<Protocol> protocols;       // in order of preference
  bool require_known_member_id = false;  // JoinGroup v4 and later
  // A member in this process cannot vanish unnoticed: it needs no heartbeat and is told of a
  // rebalance by a notice.
  bool in_process = false;
};
struct JoinMember {
  std::string member_id;
  std::optional<std::string> instance_id;
  Bytes metadata;
};
struct JoinResponse {
  GroupError error = GroupError::kNone;
  GenerationId generation{-1};
  std::string protocol_type;
  std::string protocol;
  std::string leader;
  std::string member_id;
  std::vector<JoinMember> members;  // for the leader only
  bool is_leader() const { return leader == member_id; }
};

struct SyncRequest {
  std::string group;
  std::string member_id;
  std::optional<std::string> instance_id;
  GenerationId generation{-1};
  std::map<std::string, Bytes> assignments;  // by member id; from the leader only
};
struct SyncResponse {
  GroupError error = GroupError::kNone;
  std::string protocol_type;
  std::string protocol;
  Bytes assignment;
  std::string detail;
};

struct MemberRequest {  // heartbeat and leave
  std::string group;
  std::string member_id;
  std::optional<std::string> instance_id;
  GenerationId generation{-1};  // heartbeat only
};

struct CommittedOffset {
  Offset offset{-1};  // of the next record to read; -1 = nothing committed
  LeaderEpoch leader_epoch{-1};
  std::string metadata;
  TimestampMs commit_timestamp{-1};
};
struct CommitRequest {
  std::string group;
  std::string member_id;
  std::optional<std::string> instance_id;
  GenerationId generation{-1};  // -1 and no member: a consumer without group management
  std::map<TopicPartitionName, CommittedOffset> offsets;
};
struct CommitResponse {
  GroupError error = GroupError::kNone;                 // of the whole request
  std::map<TopicPartitionName, GroupError> partitions;  // those refused by themselves
  std::string detail;
};

struct DeleteResponse {
  GroupError error = GroupError::kNone;
  std::string detail;
};

struct MemberDescription {
  std::string member_id;
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string client_host;
  Bytes metadata;  // of the protocol in use
  Bytes assignment;
};
struct GroupDescription {
  std::string group;
  GroupState state = GroupState::kDead;
  std::string protocol_type;
  std::string protocol;
  GenerationId generation{0};
  std::vector<MemberDescription> members;
};
struct GroupListing {
  std::string group;
  std::string protocol_type;
  GroupState state;
};

// --- outputs

using RequestId = uint64_t;  // chosen by the caller; comes back with the one reply
using Response = std::variant<JoinResponse, SyncResponse, CommitResponse, DeleteResponse>;
struct Reply {
  RequestId request;
  Response response;
};

// A record for `__consumer_offsets`; no value = tombstone.
struct GroupRecord {
  Bytes key;
  std::optional<Bytes> value;
};
// Records that must be durable, all or none, before anything that depends on them is answered. The
// caller appends them in the order of their ids and reports each with appended().
struct Append {
  uint64_t id;
  PartitionId partition;
  std::vector<GroupRecord> records;
};

struct RebalanceNotice {  // to an in-process member: join again
  std::string group;
  std::string member_id;
};

struct Output {
  std::vector<Reply> replies;
  std::vector<Append> appends;
  std::vector<RebalanceNotice> notices;
};

}  // namespace sluice::coordinator
