// SPDX-License-Identifier: Apache-2.0
// Members: join, sync, heartbeat, leave, and the rebalance between them.
#include <algorithm>

#include "broker-core/coordinator/group_coordinator.hpp"
#include "broker-core/model/primitives.hpp"

namespace sluice::coordinator {

namespace {

void refuse_join(RequestId request, GroupError error, const std::string& member_id, Output& out) {
  JoinResponse response;
  response.error = error;
  response.member_id = member_id;
  out.replies.push_back({request, std::move(response)});
}

void refuse_sync(RequestId request, GroupError error, const std::string& detail, Output& out) {
  SyncResponse response;
  response.error = error;
  response.detail = detail;
  out.replies.push_back({request, std::move(response)});
}

bool too_long(const std::string& text) {
  return text.size() > model::kStringMax;
}

// Kafka's order of ids is that of random UUIDs; ours only have to differ.
constexpr size_t kSuffixBytes = 16;

}  // namespace

std::string GroupCoordinator::new_member_id(const JoinRequest& join) {
  uint8_t raw[kSuffixBytes];
  random_.fill(raw);
  std::string id = join.instance_id.value_or(join.client_id) + "-";
  constexpr char kHex[] = "0123456789abcdef";
  for (size_t i = 0; i < kSuffixBytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) id += '-';
    id += kHex[raw[i] >> 4];
    id += kHex[raw[i] & 15];
  }
  return id;
}

void GroupCoordinator::touch(Member& member, const Now& now) {
  member.session_deadline = member.in_process
                                ? Steady::max()
                                : now.steady + std::chrono::milliseconds(member.session_timeout_ms);
}

GroupError GroupCoordinator::check_join(const JoinRequest& join) const {
  if (join.group.empty() || too_long(join.group)) return GroupError::kInvalidGroupId;
  if (!unavailable(join.group).empty()) return GroupError::kCoordinatorNotAvailable;
  const bool session_ok = join.session_timeout_ms >= settings_.session_timeout_min_ms &&
                          join.session_timeout_ms <= settings_.session_timeout_max_ms;
  if (!join.in_process && !session_ok) return GroupError::kInvalidSessionTimeout;
  // Half of what a string may have, so that the member id that is made of them fits too.
  const size_t name_max = model::kStringMax / 2;
  if (join.client_id.size() > name_max || too_long(join.client_host) ||
      too_long(join.protocol_type) || (join.instance_id && join.instance_id->size() > name_max) ||
      join.rebalance_timeout_ms < 0) {
    return GroupError::kInvalidRequest;
  }
  for (const Protocol& protocol : join.protocols) {
    if (too_long(protocol.name)) return GroupError::kInvalidRequest;
  }
  const Group* group = find(join.group);
  if (group != nullptr && group->state == GroupState::kDead)
    return GroupError::kCoordinatorNotAvailable;
  const bool known = group != nullptr && group->members.contains(join.member_id);
  if (!known && group != nullptr && !group->accepts(join.protocol_type, join.protocols)) {
    return GroupError::kInconsistentGroupProtocol;
  }
  if (group == nullptr && (join.protocol_type.empty() || join.protocols.empty())) {
    return GroupError::kInconsistentGroupProtocol;
  }
  return GroupError::kNone;
}

void GroupCoordinator::join(RequestId request, const JoinRequest& join, const Now& now,
                            Output& out) {
  if (const GroupError error = check_join(join); error != GroupError::kNone) {
    return refuse_join(request, error, join.member_id, out);
  }
  if (find(join.group) == nullptr && !join.member_id.empty()) {
    return refuse_join(request, GroupError::kUnknownMemberId, join.member_id, out);
  }
  Group& group = find_or_create(join.group);
  const auto known = group.members.find(join.member_id);
  if (known != group.members.end()) {
    const GroupError error =
        check_member(group, join.member_id, join.instance_id, GenerationId(-1), false);
    if (error != GroupError::kNone) return refuse_join(request, error, join.member_id, out);
    join_known(request, join, group, known->second, now, out);
  } else {
    join_new(request, join, group, now, out);
  }
  update_timer(group);
  drop_if_forgettable(join.group);
}

void GroupCoordinator::join_new(RequestId request, const JoinRequest& join, Group& group,
                                const Now& now, Output& out) {
  if (group.members.size() + group.pending_members.size() >= settings_.group_size_max) {
    return refuse_join(request, GroupError::kGroupMaxSizeReached, join.member_id, out);
  }
  std::string id = join.member_id;
  if (!id.empty()) {
    const bool told = group.pending_members.erase(id) > 0;
    const bool fenced = !told && join.instance_id && group.instances.contains(*join.instance_id);
    if (!told) {
      return refuse_join(
          request, fenced ? GroupError::kFencedInstanceId : GroupError::kUnknownMemberId, id, out);
    }
  } else {
    id = new_member_id(join);
    if (join.require_known_member_id && !join.instance_id) {
      group.pending_members[id] = now.steady + std::chrono::milliseconds(join.session_timeout_ms);
      return refuse_join(request, GroupError::kMemberIdRequired, id, out);
    }
  }
  if (join.instance_id) {
    // A static member came back under a new id: whoever still uses the old one is fenced.
    const auto old = group.instances.find(*join.instance_id);
    if (old != group.instances.end())
      forget_member(group, std::string(old->second), GroupError::kFencedInstanceId, out);
  }
  add_member(request, join, std::move(id), group, now, out);
}

void GroupCoordinator::add_member(RequestId request, const JoinRequest& join, std::string id,
                                  Group& group, const Now& now, Output& out) {
  if (group.members.empty()) group.protocol_type = join.protocol_type;
  Member member{id,
                join.instance_id,
                join.client_id,
                join.client_host,
                join.session_timeout_ms,
                join.rebalance_timeout_ms,
                join.in_process,
                join.protocols,
                {},
                request,
                {},
                {}};
  touch(member, now);
  if (join.instance_id) group.instances[*join.instance_id] = id;
  if (!group.leader || !group.members.contains(*group.leader)) group.leader = id;
  group.members.insert_or_assign(id, std::move(member));
  if (group.state == GroupState::kPreparingRebalance) {
    const auto delay = std::chrono::milliseconds(settings_.initial_rebalance_delay_ms);
    if (group.initial_deadline > now.steady) {
      group.initial_deadline = std::min(group.initial_end, now.steady + delay);
    }
    group.join_deadline = std::max(group.join_deadline, now.steady + group.rebalance_timeout());
    maybe_complete_join(group, now, out);
  } else {
    prepare_rebalance(group, now, out);
  }
}

void GroupCoordinator::join_known(RequestId request, const JoinRequest& join, Group& group,
                                  Member& member, const Now& now, Output& out) {
  const bool same = member.same_protocols(join.protocols);
  const bool is_leader = group.leader == member.id;
  const bool answered_from_here = (group.state == GroupState::kCompletingRebalance && same) ||
                                  (group.state == GroupState::kStable && same && !is_leader);
  touch(member, now);
  if (answered_from_here) return reply_joined(group, member, request, out);
  if (!same) {
    Member probe = std::move(member);
    group.members.erase(join.member_id);
    const bool fits = group.accepts(join.protocol_type, join.protocols);
    if (fits) probe.protocols = join.protocols;
    group.members.emplace(join.member_id, std::move(probe));
    if (!fits)
      return refuse_join(request, GroupError::kInconsistentGroupProtocol, join.member_id, out);
  }
  Member& again = group.members.at(join.member_id);
  again.rebalance_timeout_ms = join.rebalance_timeout_ms;
  again.session_timeout_ms = join.session_timeout_ms;
  if (again.join) refuse_join(*again.join, GroupError::kRebalanceInProgress, again.id, out);
  again.join = request;
  if (group.state == GroupState::kPreparingRebalance) {
    maybe_complete_join(group, now, out);
  } else {
    prepare_rebalance(group, now, out);
  }
}

void GroupCoordinator::reply_joined(const Group& group, const Member& member, RequestId request,
                                    Output& out) const {
  JoinResponse response;
  response.generation = group.generation;
  response.protocol_type = group.protocol_type;
  response.protocol = group.protocol.value_or("");
  response.leader = group.leader.value_or("");
  response.member_id = member.id;
  if (response.is_leader()) {
    for (const auto& [id, other] : group.members) {
      const Bytes* metadata = other.metadata(response.protocol);
      response.members.push_back(
          {id, other.instance_id, metadata != nullptr ? *metadata : Bytes()});
    }
  }
  out.replies.push_back({request, std::move(response)});
}

void GroupCoordinator::prepare_rebalance(Group& group, const Now& now, Output& out) {
  if (group.state == GroupState::kCompletingRebalance) {
    for (auto& [id, member] : group.members) member.assignment.clear();
    fail_syncs(group, GroupError::kRebalanceInProgress, {}, now, out);
  }
  const auto timeout = group.rebalance_timeout();
  if (group.state == GroupState::kEmpty) {
    const auto delay = std::chrono::milliseconds(settings_.initial_rebalance_delay_ms);
    group.initial_end = now.steady + timeout;
    group.initial_deadline = now.steady + std::min<Steady>(delay, timeout);
  }
  group.state = GroupState::kPreparingRebalance;
  group.assigning = false;
  group.join_deadline = now.steady + timeout;
  for (const auto& [id, member] : group.members) {
    if (member.in_process && !member.join) out.notices.push_back({group.id, id});
  }
  maybe_complete_join(group, now, out);
}

void GroupCoordinator::maybe_complete_join(Group& group, const Now& now, Output& out,
                                           bool timed_out) {
  if (group.state != GroupState::kPreparingRebalance) return;
  const bool all_here =
      group.all_joined() && (group.members.empty() || now.steady >= group.initial_deadline);
  if (all_here || timed_out) complete_join(group, now, out);
}

void GroupCoordinator::complete_join(Group& group, const Now& now, Output& out) {
  std::vector<std::string> absent;
  for (const auto& [id, member] : group.members) {
    if (!member.join) absent.push_back(id);
  }
  for (const std::string& id : absent) forget_member(group, id, GroupError::kUnknownMemberId, out);
  group.generation =
      GenerationId(group.generation.value() == INT32_MAX ? 1 : group.generation.value() + 1);
  group.initial_deadline = group.initial_end = Steady::min();
  group.join_deadline = Steady::max();
  if (group.members.empty()) {
    group.state = GroupState::kEmpty;
    group.protocol.reset();
    group.leader.reset();
    append_state(group, Pending::kNote, now, out);
    return;
  }
  if (!group.leader || !group.members.contains(*group.leader))
    group.leader = group.members.begin()->first;
  group.protocol = group.select_protocol();
  group.state = GroupState::kCompletingRebalance;
  group.sync_deadline = now.steady + group.rebalance_timeout();
  for (auto& [id, member] : group.members) {
    const RequestId request = *member.join;
    member.join.reset();
    touch(member, now);
    reply_joined(group, member, request, out);
  }
}

void GroupCoordinator::sync(RequestId request, const SyncRequest& sync, const Now& now,
                            Output& out) {
  if (const std::string why = unavailable(sync.group); !why.empty()) {
    return refuse_sync(request, GroupError::kCoordinatorNotAvailable, why, out);
  }
  Group* group = find(sync.group);
  if (group == nullptr) return refuse_sync(request, GroupError::kUnknownMemberId, {}, out);
  GroupError error = check_member(*group, sync.member_id, sync.instance_id, sync.generation, true);
  if (error == GroupError::kNone && group->state == GroupState::kPreparingRebalance) {
    error = GroupError::kRebalanceInProgress;
  }
  if (error != GroupError::kNone) return refuse_sync(request, error, {}, out);
  Member& member = group->members.at(sync.member_id);
  touch(member, now);
  if (group->state == GroupState::kStable) {
    out.replies.push_back({request, SyncResponse{GroupError::kNone,
                                                 group->protocol_type,
                                                 group->protocol.value_or(""),
                                                 member.assignment,
                                                 {}}});
  } else {
    if (member.sync) refuse_sync(*member.sync, GroupError::kRebalanceInProgress, {}, out);
    member.sync = request;
    if (group->leader == member.id && !group->assigning) {
      for (auto& [id, other] : group->members) {
        const auto given = sync.assignments.find(id);
        other.assignment = given == sync.assignments.end() ? Bytes() : given->second;
      }
      group->assigning = true;
      append_state(*group, Pending::kAssignment, now, out);
    }
  }
  update_timer(*group);
}

void GroupCoordinator::assignment_stored(Group& group, const Pending& pending, const Status& status,
                                         const Now& now, Output& out) {
  // Another rebalance may have begun meanwhile; then these assignments are history.
  if (group.state != GroupState::kCompletingRebalance || group.generation != pending.generation)
    return;
  group.assigning = false;
  if (!status.ok()) {
    for (auto& [id, member] : group.members) member.assignment.clear();
    fail_syncs(group, GroupError::kCoordinatorNotAvailable, status.error().message, now, out);
    prepare_rebalance(group, now, out);
  } else {
    group.state = GroupState::kStable;
    group.sync_deadline = Steady::max();
    for (auto& [id, member] : group.members) {
      if (!member.sync) continue;
      out.replies.push_back({*member.sync, SyncResponse{GroupError::kNone,
                                                        group.protocol_type,
                                                        group.protocol.value_or(""),
                                                        member.assignment,
                                                        {}}});
      member.sync.reset();
      touch(member, now);
    }
  }
  update_timer(group);
}

void GroupCoordinator::fail_syncs(Group& group, GroupError error, const std::string& detail,
                                  const Now& now, Output& out) {
  for (auto& [id, member] : group.members) {
    if (!member.sync) continue;
    refuse_sync(*member.sync, error, detail, out);
    member.sync.reset();
    touch(member, now);  // it could not send heartbeats while it waited
  }
}

GroupError GroupCoordinator::check_member(const Group& group, const std::string& id,
                                          const std::optional<std::string>& instance,
                                          GenerationId generation, bool check_generation) const {
  if (group.state == GroupState::kDead) return GroupError::kCoordinatorNotAvailable;
  if (instance) {
    const auto owner = group.instances.find(*instance);
    if (owner == group.instances.end()) return GroupError::kUnknownMemberId;
    if (owner->second != id) return GroupError::kFencedInstanceId;
  }
  if (!group.members.contains(id)) return GroupError::kUnknownMemberId;
  if (check_generation && generation != group.generation) return GroupError::kIllegalGeneration;
  return GroupError::kNone;
}

GroupError GroupCoordinator::heartbeat(const MemberRequest& request, const Now& now) {
  if (!unavailable(request.group).empty()) return GroupError::kCoordinatorNotAvailable;
  Group* group = find(request.group);
  if (group == nullptr) return GroupError::kUnknownMemberId;
  const GroupError error =
      check_member(*group, request.member_id, request.instance_id, request.generation, true);
  if (error != GroupError::kNone) return error;
  touch(group->members.at(request.member_id), now);
  update_timer(*group);
  return group->state == GroupState::kPreparingRebalance ? GroupError::kRebalanceInProgress
                                                         : GroupError::kNone;
}

GroupError GroupCoordinator::leave(const MemberRequest& request, const Now& now, Output& out) {
  if (!unavailable(request.group).empty()) return GroupError::kCoordinatorNotAvailable;
  Group* group = find(request.group);
  if (group == nullptr) return GroupError::kUnknownMemberId;
  if (group->pending_members.erase(request.member_id) > 0) {
    maybe_complete_join(*group, now, out);
    update_timer(*group);
    drop_if_forgettable(request.group);
    return GroupError::kNone;
  }
  std::string id = request.member_id;
  if (request.instance_id && id.empty()) {  // an administrator removes a static member by its name
    const auto owner = group->instances.find(*request.instance_id);
    if (owner == group->instances.end()) return GroupError::kUnknownMemberId;
    id = owner->second;
  }
  const GroupError error = check_member(*group, id, request.instance_id, GenerationId(-1), false);
  if (error != GroupError::kNone) return error;
  remove_member(*group, id, GroupError::kUnknownMemberId, now, out);
  update_timer(*group);
  return GroupError::kNone;
}

// Takes the member out of the group and answers what it waits for.
void GroupCoordinator::forget_member(Group& group, const std::string& id, GroupError reason,
                                     Output& out) {
  const auto found = group.members.find(id);
  if (found == group.members.end()) return;
  Member member = std::move(found->second);
  group.members.erase(found);
  if (member.instance_id) group.instances.erase(*member.instance_id);
  if (member.join) refuse_join(*member.join, reason, member.id, out);
  if (member.sync) refuse_sync(*member.sync, reason, {}, out);
  if (member.in_process) out.notices.push_back({group.id, member.id});
  if (group.leader == member.id) {
    group.leader.reset();
    if (!group.members.empty()) group.leader = group.members.begin()->first;
  }
}

void GroupCoordinator::remove_member(Group& group, const std::string& id, GroupError reason,
                                     const Now& now, Output& out) {
  forget_member(group, id, reason, out);
  if (group.state == GroupState::kStable || group.state == GroupState::kCompletingRebalance) {
    prepare_rebalance(group, now, out);
  } else {
    maybe_complete_join(group, now, out);
  }
}

}  // namespace sluice::coordinator
