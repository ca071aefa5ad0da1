// SPDX-License-Identifier: Apache-2.0
// The offsets that groups commit.
#include "broker-core/coordinator/group_coordinator.hpp"
#include "broker-core/model/primitives.hpp"

namespace sluice::coordinator {

GroupError GroupCoordinator::check_commit(const Group* group, const CommitRequest& commit) const {
  if (commit.group.empty() || commit.group.size() > model::kStringMax)
    return GroupError::kInvalidGroupId;
  const bool simple =
      commit.generation.value() < 0 && commit.member_id.empty() && !commit.instance_id;
  if (group == nullptr) return simple ? GroupError::kNone : GroupError::kIllegalGeneration;
  if (group->state == GroupState::kDead) return GroupError::kCoordinatorNotAvailable;
  if (simple)
    return group->state == GroupState::kEmpty ? GroupError::kNone : GroupError::kUnknownMemberId;
  const GroupError error =
      check_member(*group, commit.member_id, commit.instance_id, commit.generation, true);
  if (error != GroupError::kNone) return error;
  // The member knows the new generation but not yet its part of it, so it must not commit for it.
  if (group->state == GroupState::kCompletingRebalance) return GroupError::kRebalanceInProgress;
  return GroupError::kNone;
}

void GroupCoordinator::commit(RequestId request, const CommitRequest& commit, const Now& now,
                              Output& out) {
  CommitResponse response;
  Group* group = find(commit.group);
  response.error = check_commit(group, commit);
  if (const std::string why = unavailable(commit.group); !why.empty()) {
    response.error = GroupError::kCoordinatorNotAvailable;
    response.detail = why;
  }
  if (response.error != GroupError::kNone) {
    out.replies.push_back({request, std::move(response)});
    return;
  }
  if (group != nullptr && !commit.member_id.empty()) {
    touch(group->members.at(commit.member_id), now);
    update_timer(*group);
  }
  Pending pending;
  pending.kind = Pending::kCommit;
  pending.request = request;
  std::vector<GroupRecord> records;
  for (const auto& [partition, offset] : commit.offsets) {
    if (offset.metadata.size() > settings_.offset_metadata_max) {
      response.partitions[partition] = GroupError::kOffsetMetadataTooLarge;
      continue;
    }
    if (partition.topic.size() > model::kStringMax) {
      response.partitions[partition] = GroupError::kInvalidRequest;
      continue;
    }
    CommittedOffset stamped = offset;
    if (stamped.commit_timestamp.value() < 0) stamped.commit_timestamp = now.wall;
    records.push_back({encode_offset_key({commit.group, partition}), encode_offset_value(stamped)});
    pending.offsets.emplace(partition, std::move(stamped));
  }
  if (records.empty()) {
    out.replies.push_back({request, std::move(response)});
    return;
  }
  pending.commit = std::move(response);
  append(find_or_create(commit.group), std::move(records), std::move(pending), out);
}

GroupCoordinator::Fetched GroupCoordinator::fetch(
    const std::string& id, const std::optional<std::vector<TopicPartitionName>>& partitions) const {
  Fetched out;
  if (!unavailable(id).empty()) {
    out.error = GroupError::kCoordinatorNotAvailable;
    return out;
  }
  const Group* group = find(id);
  if (!partitions) {
    if (group == nullptr) return out;
    for (const auto& [partition, stored] : group->offsets)
      out.offsets[partition] = stored.committed;
    return out;
  }
  for (const TopicPartitionName& partition : *partitions) {
    out.offsets[partition];  // -1
    if (group == nullptr) continue;
    const auto stored = group->offsets.find(partition);
    if (stored != group->offsets.end()) out.offsets[partition] = stored->second.committed;
  }
  return out;
}

void GroupCoordinator::remove_topic(const std::string& topic, Output& out) {
  for (auto& [id, group] : groups_) {
    std::vector<GroupRecord> records;
    for (auto at = group->offsets.lower_bound({topic, PartitionId(INT32_MIN)});
         at != group->offsets.end() && at->first.topic == topic;) {
      records.push_back({encode_offset_key({id, at->first}), std::nullopt});
      at = group->offsets.erase(at);
    }
    // Commits under way come before these records in the log, and must not come back to memory
    // after them.
    for (auto& [number, pending] : pending_) {
      if (pending.group != id) continue;
      std::erase_if(pending.offsets, [&](const auto& offset) {
        if (offset.first.topic != topic) return false;
        records.push_back({encode_offset_key({id, offset.first}), std::nullopt});
        return true;
      });
    }
    if (!records.empty()) append(*group, std::move(records), Pending(), out);
  }
}

}  // namespace sluice::coordinator
