// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <set>
#include <unordered_map>

#include "broker-core/base/random.hpp"
#include "broker-core/coordinator/group.hpp"

namespace sluice::coordinator {

// When something happens, by the caller's clocks.
struct Now {
  Steady steady{0};
  TimestampMs wall{0};
};

// Kafka's coordinator of classic groups and keeper of committed offsets, as a pure state machine:
// requests and the passing of time go in, replies and records to append come out. No I/O, no
// threads, no clock.
//
// Order of use: load() for every record of `__consumer_offsets`, loaded() once, then the rest.
// Whoever drives it appends Output::appends in their order and calls appended() with the outcome of
// each; nothing that depends on a record is answered or visible before that. Owned by the Broker,
// called under its lock. Ends with its destructor; requests that wait are then simply never
// answered.
class GroupCoordinator {
 public:
  struct Settings {
    int32_t session_timeout_min_ms = 6'000;
    int32_t session_timeout_max_ms = 1'800'000;
    int32_t initial_rebalance_delay_ms = 0;  // Kafka waits 3 s; our members come within a moment
    size_t group_size_max = 10'000;
    size_t offset_metadata_max = 4096;
  };
  // What in-process members have as their client's host: they do not outlive the process, so load()
  // drops them.
  static constexpr std::string_view kInProcessHost = "/in-process";

  GroupCoordinator(Settings settings, Random& random);
  ~GroupCoordinator();

  // --- start
  Status load(PartitionId partition, ByteView key, std::optional<ByteView> value);
  // The groups of this partition cannot be known: they answer COORDINATOR_NOT_AVAILABLE, never
  // "nothing committed".
  void partition_failed(PartitionId partition, const Error& why);
  void loaded(const Now& now);

  // --- members. Exactly one reply per request, perhaps later.
  void join(RequestId request, const JoinRequest& join, const Now& now, Output& out);
  void sync(RequestId request, const SyncRequest& sync, const Now& now, Output& out);
  GroupError heartbeat(const MemberRequest& member, const Now& now);
  GroupError leave(const MemberRequest& member, const Now& now, Output& out);

  // --- offsets
  void commit(RequestId request, const CommitRequest& commit, const Now& now, Output& out);
  // Durable offsets of the group; -1 for each asked partition without one. An unknown group is no
  // error.
  struct Fetched {
    GroupError error = GroupError::kNone;
    std::map<TopicPartitionName, CommittedOffset> offsets;
  };
  Fetched fetch(const std::string& group,
                const std::optional<std::vector<TopicPartitionName>>& partitions) const;
  // The topic was deleted: so are all offsets of it.
  void remove_topic(const std::string& topic, Output& out);

  // --- admin
  std::vector<GroupListing> list() const;
  GroupDescription describe(const std::string& group) const;  // state Dead: unknown
  void delete_group(RequestId request, const std::string& group, Output& out);
  std::string unavailable(const std::string& group) const;  // why its partition failed; else empty

  // --- outcomes and time
  void appended(uint64_t append, const Status& status, const Now& now, Output& out);
  void tick(const Now& now, Output& out);
  Steady next_deadline() const;  // when tick() should be called next; max = never

 private:
  struct Pending {  // an append under way
    enum Kind { kNote, kAssignment, kCommit, kDelete } kind = kNote;
    std::string group;
    GenerationId generation{0};
    std::optional<RequestId> request;
    CommitResponse commit;
    std::map<TopicPartitionName, CommittedOffset> offsets;
  };

  Group* find(const std::string& id);
  const Group* find(const std::string& id) const;
  Group& find_or_create(const std::string& id);
  void drop_if_forgettable(std::string id);
  void update_timer(Group& group);
  uint64_t append(const Group& group, std::vector<GroupRecord> records, Pending pending,
                  Output& out);
  void append_state(Group& group, Pending::Kind kind, const Now& now, Output& out);

  GroupError check_join(const JoinRequest& join) const;
  void join_new(RequestId request, const JoinRequest& join, Group& group, const Now& now,
                Output& out);
  void join_known(RequestId request, const JoinRequest& join, Group& group, Member& member,
                  const Now& now, Output& out);
  void add_member(RequestId request, const JoinRequest& join, std::string id, Group& group,
                  const Now& now, Output& out);
  void prepare_rebalance(Group& group, const Now& now, Output& out);
  void maybe_complete_join(Group& group, const Now& now, Output& out, bool timed_out = false);
  void complete_join(Group& group, const Now& now, Output& out);
  void reply_joined(const Group& group, const Member& member, RequestId request, Output& out) const;
  void remove_member(Group& group, const std::string& id, GroupError reason, const Now& now,
                     Output& out);
  void forget_member(Group& group, const std::string& id, GroupError reason, Output& out);
  void fail_syncs(Group& group, GroupError error, const std::string& detail, const Now& now,
                  Output& out);
  GroupError check_member(const Group& group, const std::string& id,
                          const std::optional<std::string>& instance, GenerationId generation,
                          bool check_generation) const;
  GroupError check_commit(const Group* group, const CommitRequest& commit) const;
  void touch(Member& member, const Now& now);
  void assignment_stored(Group& group, const Pending& pending, const Status& status, const Now& now,
                         Output& out);
  std::string new_member_id(const JoinRequest& join);
  void loaded_group(Group& group, const Now& now);

  Settings settings_;
  Random& random_;
  std::unordered_map<std::string, std::unique_ptr<Group>> groups_;
  std::set<std::pair<Steady, std::string>> timers_;
  std::map<uint64_t, Pending> pending_;
  uint64_t next_append_ = 1;
  std::map<PartitionId, Error> failed_;
  std::map<std::string, StoredGroup> loading_;
};

}  // namespace sluice::coordinator
