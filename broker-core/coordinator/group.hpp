// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "broker-core/coordinator/group_records.hpp"
#include "broker-core/coordinator/group_types.hpp"

// What the coordinator remembers of one group. Internal to broker-core/coordinator.
namespace sluice::coordinator {

using Steady = std::chrono::nanoseconds;

struct Member {
  std::string id;
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string client_host;
  int32_t session_timeout_ms = 0;
  int32_t rebalance_timeout_ms = 0;
  bool in_process = false;
  std::vector<Protocol> protocols;
  Bytes assignment;
  std::optional<RequestId> join;  // waits for the rebalance to complete
  std::optional<RequestId> sync;  // waits for the leader's assignment
  Steady session_deadline = Steady::max();

  const Bytes* metadata(const std::string& protocol) const;
  bool supports(const std::string& protocol) const { return metadata(protocol) != nullptr; }
  bool same_protocols(const std::vector<Protocol>& others) const;
};

struct StoredOffset {
  CommittedOffset committed;
  uint64_t append = 0;  // of which append: a later one is never overwritten by an earlier
};

struct Group {
  std::string id;
  PartitionId partition;  // of `__consumer_offsets`
  GroupState state = GroupState::kEmpty;
  GenerationId generation{0};
  std::string protocol_type;
  std::optional<std::string> protocol;
  std::optional<std::string> leader;
  std::map<std::string, Member> members;
  std::map<std::string, std::string> instances;   // instance id -> member id
  std::map<std::string, Steady> pending_members;  // told their id by MEMBER_ID_REQUIRED; until when
  std::map<TopicPartitionName, StoredOffset> offsets;  // durable ones only
  Steady join_deadline = Steady::max();                // of PreparingRebalance
  Steady initial_deadline =
      Steady::min();                     // the first rebalance waits so long for more members ...
  Steady initial_end = Steady::min();    // ... at the very most
  Steady sync_deadline = Steady::max();  // of CompletingRebalance
  bool assigning = false;                // the leader's assignment is being made durable
  Steady timer = Steady::max();          // under which the coordinator's timers have it

  bool all_joined() const;
  std::chrono::milliseconds rebalance_timeout() const;  // the longest of the members
  std::string select_protocol() const;                  // the most votes among those common to all
  bool accepts(const std::string& type, const std::vector<Protocol>& protocols) const;
  Steady next_deadline() const;
  StoredGroup to_stored(TimestampMs now) const;
};

}  // namespace sluice::coordinator
