// SPDX-License-Identifier: Apache-2.0
#include "broker-core/coordinator/group_types.hpp"

namespace sluice::coordinator {

namespace {

struct ErrorText {
  GroupError error;
  const char* name;
  ErrorKind kind;
  const char* text;
};

constexpr ErrorText kTexts[] = {
    {GroupError::kUnknownTopicOrPartition, "UNKNOWN_TOPIC_OR_PARTITION", ErrorKind::kNotFound,
     "This server does not host this topic-partition."},
    {GroupError::kOffsetMetadataTooLarge, "OFFSET_METADATA_TOO_LARGE", ErrorKind::kInvalid,
     "The metadata field of the offset request was too large."},
    {GroupError::kCoordinatorNotAvailable, "COORDINATOR_NOT_AVAILABLE", ErrorKind::kRetriable,
     "The coordinator is not available."},
    {GroupError::kIllegalGeneration, "ILLEGAL_GENERATION", ErrorKind::kFenced,
     "Specified group generation id is not valid."},
    {GroupError::kInconsistentGroupProtocol, "INCONSISTENT_GROUP_PROTOCOL", ErrorKind::kInvalid,
     "The group member's supported protocols are incompatible with those of existing members."},
    {GroupError::kInvalidGroupId, "INVALID_GROUP_ID", ErrorKind::kInvalid,
     "The configured groupId is invalid."},
    {GroupError::kUnknownMemberId, "UNKNOWN_MEMBER_ID", ErrorKind::kFenced,
     "The coordinator is not aware of this member."},
    {GroupError::kInvalidSessionTimeout, "INVALID_SESSION_TIMEOUT", ErrorKind::kInvalid,
     "The session timeout is not within the range allowed by the broker."},
    {GroupError::kRebalanceInProgress, "REBALANCE_IN_PROGRESS", ErrorKind::kRetriable,
     "The group is rebalancing, so a rejoin is needed."},
    {GroupError::kInvalidRequest, "INVALID_REQUEST", ErrorKind::kInvalid,
     "The request is malformed."},
    {GroupError::kNonEmptyGroup, "NON_EMPTY_GROUP", ErrorKind::kConflict,
     "The group is not empty."},
    {GroupError::kGroupIdNotFound, "GROUP_ID_NOT_FOUND", ErrorKind::kNotFound,
     "The group id does not exist."},
    {GroupError::kMemberIdRequired, "MEMBER_ID_REQUIRED", ErrorKind::kRetriable,
     "The group member needs to have a valid member id before actually entering a consumer group."},
    {GroupError::kGroupMaxSizeReached, "GROUP_MAX_SIZE_REACHED", ErrorKind::kInvalid,
     "The group has reached its maximum size."},
    {GroupError::kFencedInstanceId, "FENCED_INSTANCE_ID", ErrorKind::kFenced,
     "Another member has registered with the same group instance id."},
};

}  // namespace

const char* to_string(GroupError error) {
  for (const ErrorText& text : kTexts) {
    if (text.error == error) return text.name;
  }
  return "NONE";
}

Error to_error(GroupError error, const std::string& detail) {
  for (const ErrorText& text : kTexts) {
    if (text.error != error) continue;
    return {text.kind, std::string(text.name) + ": " + text.text +
                           (detail.empty() ? "" : " (" + detail + ")")};
  }
  return {ErrorKind::kFatal, "no error"};
}

const char* to_string(GroupState state) {
  switch (state) {
    case GroupState::kEmpty:
      return "Empty";
    case GroupState::kPreparingRebalance:
      return "PreparingRebalance";
    case GroupState::kCompletingRebalance:
      return "CompletingRebalance";
    case GroupState::kStable:
      return "Stable";
    case GroupState::kDead:
      return "Dead";
  }
  return "?";
}

}  // namespace sluice::coordinator
