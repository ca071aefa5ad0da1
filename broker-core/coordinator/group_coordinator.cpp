// SPDX-License-Identifier: Apache-2.0
// Loading, appends and their outcomes, time, admin. Members: group_members.cpp. Offsets:
// group_offsets.cpp.
#include "broker-core/coordinator/group_coordinator.hpp"

#include <algorithm>

#include "broker-core/model/partitioner.hpp"
#include "broker-core/model/primitives.hpp"

namespace sluice::coordinator {

GroupCoordinator::GroupCoordinator(Settings settings, Random& random)
    : settings_(settings), random_(random) {}
GroupCoordinator::~GroupCoordinator() = default;

Group* GroupCoordinator::find(const std::string& id) {
  const auto found = groups_.find(id);
  return found == groups_.end() ? nullptr : found->second.get();
}
const Group* GroupCoordinator::find(const std::string& id) const {
  const auto found = groups_.find(id);
  return found == groups_.end() ? nullptr : found->second.get();
}

Group& GroupCoordinator::find_or_create(const std::string& id) {
  auto& slot = groups_[id];
  if (!slot) {
    slot = std::make_unique<Group>();
    slot->id = id;
    slot->partition = model::partition_for_id(id, kOffsetsPartitions);
  }
  return *slot;
}

// A group that never got a member, an offset or a record leaves no trace.
void GroupCoordinator::drop_if_forgettable(std::string id) {
  const Group* group = find(id);
  if (group == nullptr || group->state != GroupState::kEmpty || group->generation.value() != 0)
    return;
  if (!group->members.empty() || !group->pending_members.empty() || !group->offsets.empty()) return;
  const bool waits = std::any_of(pending_.begin(), pending_.end(),
                                 [&](const auto& p) { return p.second.group == id; });
  if (waits) return;
  timers_.erase({group->timer, id});
  groups_.erase(id);
}

void GroupCoordinator::update_timer(Group& group) {
  const Steady next = group.next_deadline();
  if (next == group.timer) return;
  timers_.erase({group.timer, group.id});
  group.timer = next;
  if (next != Steady::max()) timers_.emplace(next, group.id);
}

Steady GroupCoordinator::next_deadline() const {
  return timers_.empty() ? Steady::max() : timers_.begin()->first;
}

uint64_t GroupCoordinator::append(const Group& group, std::vector<GroupRecord> records,
                                  Pending pending, Output& out) {
  const uint64_t id = next_append_++;
  pending.group = group.id;
  pending_.emplace(id, std::move(pending));
  out.appends.push_back({id, group.partition, std::move(records)});
  return id;
}

void GroupCoordinator::append_state(Group& group, Pending::Kind kind, const Now& now, Output& out) {
  Pending pending;
  pending.kind = kind;
  pending.generation = group.generation;
  std::vector<GroupRecord> records;
  records.push_back({encode_group_key(group.id), encode_group_value(group.to_stored(now.wall))});
  append(group, std::move(records), std::move(pending), out);
}

// --- start

Status GroupCoordinator::load(PartitionId partition, ByteView key, std::optional<ByteView> value) {
  SLUICE_ASSIGN(const RecordKey decoded, decode_key(key));
  if (const auto* offset = std::get_if<OffsetKey>(&decoded)) {
    Group& group = find_or_create(offset->group);
    group.partition = partition;
    if (!value) {
      group.offsets.erase(offset->partition);
      return ok();
    }
    SLUICE_ASSIGN(CommittedOffset committed, decode_offset_value(*value));
    group.offsets[offset->partition] = {std::move(committed), 0};
  } else if (const auto* group_key = std::get_if<GroupKey>(&decoded)) {
    find_or_create(group_key->group).partition = partition;
    if (!value) {
      loading_.erase(group_key->group);
      return ok();
    }
    SLUICE_ASSIGN(loading_[group_key->group], decode_group_value(*value));
  }
  return ok();
}

void GroupCoordinator::partition_failed(PartitionId partition, const Error& why) {
  failed_.emplace(partition, why);
}

void GroupCoordinator::loaded_group(Group& group, const Now& now) {
  const auto stored = loading_.find(group.id);
  if (stored == loading_.end()) return;
  group.generation = stored->second.generation;
  group.protocol_type = stored->second.protocol_type;
  group.protocol = stored->second.protocol;
  group.leader = stored->second.leader;
  bool dropped = false;
  for (StoredMember& from : stored->second.members) {
    if (from.client_host == kInProcessHost) {
      dropped = true;
      continue;
    }
    Member member{from.member_id,
                  from.instance_id,
                  from.client_id,
                  from.client_host,
                  from.session_timeout_ms,
                  from.rebalance_timeout_ms,
                  false,
                  {},
                  std::move(from.assignment),
                  {},
                  {},
                  {}};
    member.protocols.push_back({group.protocol.value_or(""), std::move(from.subscription)});
    touch(member, now);
    if (member.instance_id) group.instances[*member.instance_id] = member.id;
    group.members.emplace(member.id, std::move(member));
  }
  group.state = group.members.empty() ? GroupState::kEmpty : GroupState::kStable;
  if (group.members.empty()) {
    group.protocol.reset();
    group.leader.reset();
  } else if (dropped) {
    // The others have to share what the members of the last process held.
    group.state = GroupState::kPreparingRebalance;
    group.join_deadline = now.steady + group.rebalance_timeout();
  }
  update_timer(group);
}

void GroupCoordinator::loaded(const Now& now) {
  for (auto at = groups_.begin(); at != groups_.end();) {
    Group& group = *at->second;
    loaded_group(group, now);
    const bool empty = group.offsets.empty() && !loading_.contains(group.id);
    at = empty ? groups_.erase(at) : std::next(at);
  }
  loading_.clear();
}

std::string GroupCoordinator::unavailable(const std::string& group) const {
  const auto failed = failed_.find(model::partition_for_id(group, kOffsetsPartitions));
  return failed == failed_.end() ? std::string() : failed->second.message;
}

// --- admin

std::vector<GroupListing> GroupCoordinator::list() const {
  std::vector<GroupListing> out;
  for (const auto& [id, group] : groups_) out.push_back({id, group->protocol_type, group->state});
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.group < b.group; });
  return out;
}

GroupDescription GroupCoordinator::describe(const std::string& id) const {
  GroupDescription out;
  out.group = id;
  const Group* group = find(id);
  if (group == nullptr) return out;
  out.state = group->state;
  out.protocol_type = group->protocol_type;
  out.protocol = group->protocol.value_or("");
  out.generation = group->generation;
  for (const auto& [member_id, member] : group->members) {
    const Bytes* metadata = group->protocol ? member.metadata(*group->protocol) : nullptr;
    out.members.push_back({member_id, member.instance_id, member.client_id, member.client_host,
                           metadata != nullptr ? *metadata : Bytes(), member.assignment});
  }
  return out;
}

void GroupCoordinator::delete_group(RequestId request, const std::string& id, Output& out) {
  auto refuse = [&](GroupError error, const std::string& detail) {
    out.replies.push_back({request, DeleteResponse{error, detail}});
  };
  if (const std::string why = unavailable(id); !why.empty()) {
    return refuse(GroupError::kCoordinatorNotAvailable, why);
  }
  Group* group = find(id);
  if (group == nullptr || group->state == GroupState::kDead)
    return refuse(GroupError::kGroupIdNotFound, id);
  if (group->state != GroupState::kEmpty) return refuse(GroupError::kNonEmptyGroup, id);
  group->state = GroupState::kDead;  // nothing is taken for it from here on
  std::vector<GroupRecord> records;
  for (const auto& [partition, offset] : group->offsets) {
    records.push_back({encode_offset_key({id, partition}), std::nullopt});
  }
  // Commits that are still under way come before these records, so they are covered when named as
  // well.
  for (const auto& [number, pending] : pending_) {
    if (pending.group != id) continue;
    for (const auto& [partition, offset] : pending.offsets) {
      if (!group->offsets.contains(partition)) {
        records.push_back({encode_offset_key({id, partition}), std::nullopt});
      }
    }
  }
  records.push_back({encode_group_key(id), std::nullopt});
  Pending pending;
  pending.kind = Pending::kDelete;
  pending.request = request;
  append(*group, std::move(records), std::move(pending), out);
}

// --- outcomes and time

void GroupCoordinator::appended(uint64_t id, const Status& status, const Now& now, Output& out) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  Pending pending = std::move(found->second);
  pending_.erase(found);
  const std::string detail = status.ok() ? std::string() : status.error().message;
  Group* group = find(pending.group);
  switch (pending.kind) {
    case Pending::kNote:
      break;  // the next change of the group says it again
    case Pending::kAssignment:
      if (group != nullptr) assignment_stored(*group, pending, status, now, out);
      break;
    case Pending::kCommit:
      if (!status.ok()) {
        pending.commit.error = GroupError::kCoordinatorNotAvailable;
        pending.commit.detail = detail;
      } else if (group != nullptr) {
        for (auto& [partition, offset] : pending.offsets) {
          StoredOffset& stored = group->offsets[partition];
          if (stored.append < id) stored = {std::move(offset), id};
        }
      }
      out.replies.push_back({*pending.request, std::move(pending.commit)});
      break;
    case Pending::kDelete:
      if (status.ok() && group != nullptr) {
        timers_.erase({group->timer, group->id});
        groups_.erase(pending.group);
      } else if (group != nullptr) {
        group->state = GroupState::kEmpty;
      }
      out.replies.push_back(
          {*pending.request,
           DeleteResponse{status.ok() ? GroupError::kNone : GroupError::kCoordinatorNotAvailable,
                          detail}});
      break;
  }
  drop_if_forgettable(pending.group);
}

void GroupCoordinator::tick(const Now& now, Output& out) {
  while (!timers_.empty() && timers_.begin()->first <= now.steady) {
    Group& group = *find(timers_.begin()->second);
    timers_.erase(timers_.begin());
    group.timer = Steady::max();
    std::erase_if(group.pending_members, [&](const auto& p) { return p.second <= now.steady; });
    std::vector<std::string> expired;
    for (const auto& [id, member] : group.members) {
      const bool late = group.state == GroupState::kCompletingRebalance &&
                        group.sync_deadline <= now.steady && !member.sync && !group.assigning;
      const bool silent = !member.join && !member.sync && member.session_deadline <= now.steady;
      if (late || silent) expired.push_back(id);
    }
    if (group.state == GroupState::kCompletingRebalance && group.sync_deadline <= now.steady) {
      group.sync_deadline = Steady::max();
    }
    for (const std::string& id : expired) {
      remove_member(group, id, GroupError::kUnknownMemberId, now, out);
    }
    if (group.state == GroupState::kPreparingRebalance) {
      maybe_complete_join(group, now, out, group.join_deadline <= now.steady);
    }
    update_timer(group);
    drop_if_forgettable(group.id);
  }
}

}  // namespace sluice::coordinator
