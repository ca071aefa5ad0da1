// SPDX-License-Identifier: Apache-2.0
#include "broker-core/coordinator/group.hpp"

#include <algorithm>

namespace sluice::coordinator {

const Bytes* Member::metadata(const std::string& protocol) const {
  for (const Protocol& own : protocols) {
    if (own.name == protocol) return &own.metadata;
  }
  return nullptr;
}

bool Member::same_protocols(const std::vector<Protocol>& others) const {
  return std::equal(protocols.begin(), protocols.end(), others.begin(), others.end(),
                    [](const Protocol& a, const Protocol& b) {
                      return a.name == b.name && a.metadata == b.metadata;
                    });
}

bool Group::all_joined() const {
  return pending_members.empty() && std::all_of(members.begin(), members.end(), [](const auto& m) {
           return m.second.join.has_value();
         });
}

std::chrono::milliseconds Group::rebalance_timeout() const {
  int32_t longest = 0;
  for (const auto& [member_id, member] : members)
    longest = std::max(longest, member.rebalance_timeout_ms);
  return std::chrono::milliseconds(longest);
}

std::string Group::select_protocol() const {
  auto common = [this](const std::string& name) {
    return std::all_of(members.begin(), members.end(),
                       [&](const auto& m) { return m.second.supports(name); });
  };
  std::map<std::string, int> votes;
  for (const auto& [member_id, member] : members) {
    for (const Protocol& own : member.protocols) {
      if (!common(own.name)) continue;
      ++votes[own.name];  // each member votes for the first that all know
      break;
    }
  }
  const auto most = std::max_element(
      votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == votes.end() ? std::string() : most->first;
}

bool Group::accepts(const std::string& type, const std::vector<Protocol>& protocols) const {
  if (type.empty() || protocols.empty()) return false;
  if (members.empty()) return true;
  if (type != protocol_type) return false;
  return std::any_of(protocols.begin(), protocols.end(), [this](const Protocol& offered) {
    return std::all_of(members.begin(), members.end(),
                       [&](const auto& m) { return m.second.supports(offered.name); });
  });
}

Steady Group::next_deadline() const {
  Steady next = Steady::max();
  if (state == GroupState::kPreparingRebalance) {
    next = all_joined() && !members.empty() ? std::min(join_deadline, initial_deadline)
                                            : join_deadline;
  }
  if (state == GroupState::kCompletingRebalance) next = sync_deadline;
  for (const auto& [pending_id, deadline] : pending_members) next = std::min(next, deadline);
  for (const auto& [member_id, member] : members) {
    if (!member.join && !member.sync) next = std::min(next, member.session_deadline);
  }
  return next;
}

StoredGroup Group::to_stored(TimestampMs now) const {
  StoredGroup stored{protocol_type, generation, protocol, leader, now, {}};
  for (const auto& [member_id, member] : members) {
    const Bytes* metadata = protocol ? member.metadata(*protocol) : nullptr;
    stored.members.push_back({member_id, member.instance_id, member.client_id, member.client_host,
                              member.rebalance_timeout_ms, member.session_timeout_ms,
                              metadata != nullptr ? *metadata : Bytes(), member.assignment});
  }
  return stored;
}

}  // namespace sluice::coordinator
