// SPDX-License-Identifier: Apache-2.0
#include "broker-core/model/partitioner.hpp"
#include "tests/unit/broker-core/coordinator/coordinator_fixture.hpp"

namespace sluice::coordinator {
namespace {

const GenerationId kNone{-1};

class Coordinator : public ::testing::Test {
 protected:
  // One member, joined and synced.
  JoinResponse stable(const std::string& group) {
    const JoinResponse joined = d.joined(d.join(group));
    d.sync(group, joined, {{joined.member_id, "all"}});
    d.finish_all();
    EXPECT_EQ(d.state(group), GroupState::kStable);
    return joined;
  }
  // Two members in one generation.
  std::pair<JoinResponse, JoinResponse> two(const std::string& group) {
    const JoinResponse first = stable(group);
    const RequestId second = d.join(group);
    const RequestId again = d.join(group, first.member_id);
    const JoinResponse a = d.joined(again), b = d.joined(second);
    d.sync(group, b);
    d.sync(group, a, {{a.member_id, "A"}, {b.member_id, "B"}});
    d.finish_all();
    EXPECT_EQ(d.state(group), GroupState::kStable);
    return {a, b};
  }
  GroupError commit_error(RequestId request) { return d.reply<CommitResponse>(request).error; }
  GroupError sync_error(RequestId request) { return d.reply<SyncResponse>(request).error; }

  Driver d;
};

TEST_F(Coordinator, FirstMemberLeadsAndGetsItsAssignmentWhenItIsDurable) {
  const JoinResponse joined = d.joined(d.join("g"));
  EXPECT_EQ(joined.error, GroupError::kNone);
  EXPECT_EQ(joined.generation.value(), 1);
  EXPECT_TRUE(joined.is_leader());
  EXPECT_EQ(joined.protocol, "range");
  ASSERT_EQ(joined.members.size(), 1u);
  EXPECT_EQ(joined.members[0].metadata, to_bytes("m"));
  EXPECT_EQ(joined.member_id, "client-00000000-0000-0000-0000-000000000001");
  EXPECT_EQ(d.state("g"), GroupState::kCompletingRebalance);
  const RequestId sync = d.sync("g", joined, {{joined.member_id, "mine"}});
  EXPECT_FALSE(d.answered(sync));
  ASSERT_EQ(d.appends.size(), 1u);
  EXPECT_EQ(d.appends[0].partition, model::partition_for_id("g", 50));
  d.finish_one();
  EXPECT_EQ(d.reply<SyncResponse>(sync).assignment, to_bytes("mine"));
  EXPECT_EQ(d.state("g"), GroupState::kStable);
}

TEST_F(Coordinator, EveryMemberOfAGenerationGetsItsPart) {
  const auto [a, b] = two("g");
  EXPECT_EQ(a.generation, b.generation);
  EXPECT_EQ(a.generation.value(), 2);
  EXPECT_EQ(a.members.size(), 2u);
  EXPECT_TRUE(b.members.empty());
  EXPECT_EQ(d.reply<SyncResponse>(d.sync("g", b)).assignment, to_bytes("B"));
  const auto group = d.coordinator.describe("g");
  ASSERT_EQ(group.members.size(), 2u);
  EXPECT_EQ(group.members[0].client_host, "/host");
}

TEST_F(Coordinator, HeartbeatTellsOfARebalance) {
  const JoinResponse a = stable("g");
  EXPECT_EQ(d.heartbeat("g", a), GroupError::kNone);
  const RequestId second = d.join("g");
  EXPECT_FALSE(d.answered(second));
  EXPECT_EQ(d.heartbeat("g", a), GroupError::kRebalanceInProgress);
  JoinResponse old = a;
  old.generation = GenerationId(0);
  EXPECT_EQ(d.heartbeat("g", old), GroupError::kIllegalGeneration);
  old.member_id = "x";
  EXPECT_EQ(d.heartbeat("g", old), GroupError::kUnknownMemberId);
  EXPECT_EQ(d.heartbeat("nope", a), GroupError::kUnknownMemberId);
}

TEST_F(Coordinator, CommitsAreCheckedAgainstMemberAndGeneration) {
  const auto [a, b] = two("g");
  EXPECT_EQ(commit_error(d.commit("g", "stranger", a.generation, 1)), GroupError::kUnknownMemberId);
  EXPECT_EQ(commit_error(d.commit("g", a.member_id, GenerationId(1), 1)),
            GroupError::kIllegalGeneration);
  EXPECT_EQ(commit_error(d.commit("g", "", kNone, 1)), GroupError::kUnknownMemberId)
      << "the group has members";
  EXPECT_EQ(commit_error(d.commit("new", a.member_id, a.generation, 1)),
            GroupError::kIllegalGeneration);
  EXPECT_EQ(commit_error(d.commit("", "", kNone, 1)), GroupError::kInvalidGroupId);
  const RequestId good = d.commit("g", b.member_id, b.generation, 42);
  EXPECT_FALSE(d.answered(good));
  EXPECT_EQ(d.committed("g"), -1) << "not before it is durable";
  d.finish_one();
  EXPECT_EQ(commit_error(good), GroupError::kNone);
  EXPECT_EQ(d.committed("g"), 42);
  // While the others come back for a rebalance the old generation may still commit; once the new
  // one is out, not.
  const RequestId again = d.join("g", a.member_id, "changed");
  EXPECT_EQ(d.state("g"), GroupState::kPreparingRebalance);
  d.commit("g", b.member_id, b.generation, 43);
  d.finish_all();
  EXPECT_EQ(d.committed("g"), 43);
  d.join("g", b.member_id);
  EXPECT_EQ(commit_error(d.commit("g", b.member_id, b.generation, 44)),
            GroupError::kIllegalGeneration);
  EXPECT_EQ(commit_error(d.commit("g", b.member_id, d.joined(again).generation, 44)),
            GroupError::kRebalanceInProgress);
}

TEST_F(Coordinator, SimpleConsumersCommitToEmptyGroups) {
  const RequestId request = d.commit("simple", "", kNone, 5);
  d.finish_all();
  EXPECT_EQ(commit_error(request), GroupError::kNone);
  EXPECT_EQ(d.committed("simple"), 5);
  EXPECT_EQ(d.state("simple"), GroupState::kEmpty);
  EXPECT_EQ(d.committed("unknown"), -1);
  EXPECT_EQ(d.state("unknown"), GroupState::kDead);
}

TEST_F(Coordinator, LargeMetadataIsRefusedForItsPartitionOnly) {
  CommitRequest request{"g", "", {}, kNone, {}};
  request.offsets[{"t", PartitionId(0)}] = {Offset(1), LeaderEpoch(-1), std::string(4097, 'x'),
                                            TimestampMs(-1)};
  request.offsets[{"t", PartitionId(1)}] = {Offset(2), LeaderEpoch(-1), std::string(4096, 'x'),
                                            TimestampMs(-1)};
  const RequestId id = d.commit(request);
  d.finish_all();
  const auto& response = d.reply<CommitResponse>(id);
  EXPECT_EQ(response.error, GroupError::kNone);
  ASSERT_EQ(response.partitions.size(), 1u);
  EXPECT_EQ(response.partitions.begin()->second, GroupError::kOffsetMetadataTooLarge);
  EXPECT_EQ(d.committed("g"), -1);
  EXPECT_EQ(d.coordinator.fetch("g", std::nullopt).offsets.size(), 1u);
}

TEST_F(Coordinator, AFailedAppendIsAnswered) {
  const RequestId request = d.commit("g", "", kNone, 5);
  d.finish_one(Error{ErrorKind::kIo, "disk is gone"});
  EXPECT_EQ(commit_error(request), GroupError::kCoordinatorNotAvailable);
  EXPECT_EQ(d.reply<CommitResponse>(request).detail, "disk is gone");
  EXPECT_EQ(d.committed("g"), -1);
  EXPECT_EQ(d.state("g"), GroupState::kDead) << "a group of which nothing is left is forgotten";
  const JoinResponse joined = d.joined(d.join("h"));
  const RequestId sync = d.sync("h", joined, {{joined.member_id, "all"}});
  d.finish_one(Error{ErrorKind::kIo, "disk is gone"});
  EXPECT_EQ(sync_error(sync), GroupError::kCoordinatorNotAvailable);
  EXPECT_EQ(d.state("h"), GroupState::kPreparingRebalance);
}

TEST_F(Coordinator, ASilentMemberIsExpelled) {
  const auto [a, b] = two("g");
  d.advance(seconds(9));
  EXPECT_EQ(d.heartbeat("g", a), GroupError::kNone);
  d.advance(seconds(2));
  EXPECT_EQ(d.heartbeat("g", b), GroupError::kUnknownMemberId);
  EXPECT_EQ(d.heartbeat("g", a), GroupError::kRebalanceInProgress);
  const JoinResponse alone = d.joined(d.join("g", a.member_id));
  EXPECT_EQ(alone.generation.value(), 3);
  EXPECT_EQ(alone.members.size(), 1u);
  d.sync("g", alone);
  d.finish_all();
  d.advance(seconds(11));
  EXPECT_EQ(d.state("g"), GroupState::kEmpty);
  EXPECT_EQ(d.coordinator.describe("g").generation.value(), 4);
  EXPECT_EQ(d.coordinator.next_deadline(), Steady::max());
}

TEST_F(Coordinator, WhoDoesNotRejoinInTimeIsLeftOut) {
  const JoinResponse a = stable("g");
  const RequestId second = d.join("g");
  for (int i = 0; i < 12; ++i) {
    EXPECT_FALSE(d.answered(second));
    EXPECT_EQ(d.heartbeat("g", a), GroupError::kRebalanceInProgress);
    d.advance(seconds(5) + milliseconds(1));
  }
  const JoinResponse b = d.joined(second);
  EXPECT_TRUE(b.is_leader());
  EXPECT_EQ(b.members.size(), 1u);
  EXPECT_EQ(d.heartbeat("g", a), GroupError::kUnknownMemberId);
}

TEST_F(Coordinator, ALeaderThatNeverSyncsHoldsNobodyForEver) {
  const JoinResponse a = stable("g");
  const RequestId second = d.join("g");
  const JoinResponse leader = d.joined(d.join("g", a.member_id));
  const JoinResponse b = d.joined(second);
  ASSERT_TRUE(leader.is_leader());
  const RequestId waiting = d.sync("g", b);
  for (int i = 0; i < 13; ++i) {
    d.heartbeat("g", leader);
    d.advance(seconds(5));
  }
  EXPECT_EQ(sync_error(waiting), GroupError::kRebalanceInProgress);
  EXPECT_EQ(d.heartbeat("g", leader), GroupError::kUnknownMemberId);
  EXPECT_TRUE(d.joined(d.join("g", b.member_id)).is_leader());
}

TEST_F(Coordinator, LeavingRebalancesTheOthers) {
  const auto [a, b] = two("g");
  EXPECT_EQ(d.leave("g", a.member_id), GroupError::kNone);
  EXPECT_EQ(d.leave("g", a.member_id), GroupError::kUnknownMemberId);
  EXPECT_EQ(d.heartbeat("g", b), GroupError::kRebalanceInProgress);
  EXPECT_EQ(d.leave("g", b.member_id), GroupError::kNone);
  EXPECT_EQ(d.state("g"), GroupState::kEmpty);
  d.finish_all();
  EXPECT_EQ(d.leave("nope", "x"), GroupError::kUnknownMemberId);
}

TEST_F(Coordinator, ARejoinWithoutChangeIsAnsweredFromWhatIsThere) {
  const auto [a, b] = two("g");
  const JoinResponse again = d.joined(d.join("g", b.member_id));
  EXPECT_EQ(again.generation, b.generation);
  EXPECT_EQ(d.state("g"), GroupState::kStable);
  d.join("g", a.member_id);  // the leader's rejoin asks for a new assignment
  EXPECT_EQ(d.state("g"), GroupState::kPreparingRebalance);
}

TEST_F(Coordinator, Refusals) {
  stable("g");
  auto error = [&](auto change) {
    JoinRequest request;
    request.group = "g";
    request.protocols = {{"range", {}}};
    change(request);
    return d.joined(d.join(request)).error;
  };
  EXPECT_EQ(error([](auto& r) { r.group = ""; }), GroupError::kInvalidGroupId);
  EXPECT_EQ(error([](auto& r) { r.group = std::string(40'000, 'x'); }),
            GroupError::kInvalidGroupId);
  EXPECT_EQ(error([](auto& r) { r.client_id = std::string(40'000, 'x'); }),
            GroupError::kInvalidRequest);
  EXPECT_EQ(error([](auto& r) { r.session_timeout_ms = 5'999; }),
            GroupError::kInvalidSessionTimeout);
  EXPECT_EQ(error([](auto& r) { r.session_timeout_ms = 1'800'001; }),
            GroupError::kInvalidSessionTimeout);
  EXPECT_EQ(error([](auto& r) { r.member_id = "never-told"; }), GroupError::kUnknownMemberId);
  EXPECT_EQ(error([](auto& r) { r.member_id = "x", r.group = "other"; }),
            GroupError::kUnknownMemberId);
  EXPECT_EQ(error([](auto& r) { r.protocol_type = "connect"; }),
            GroupError::kInconsistentGroupProtocol);
  EXPECT_EQ(error([](auto& r) { r.protocols = {{"sticky", {}}}; }),
            GroupError::kInconsistentGroupProtocol);
  EXPECT_EQ(error([](auto& r) { r.group = "other", r.protocols = {}; }),
            GroupError::kInconsistentGroupProtocol);
  EXPECT_EQ(d.state("other"), GroupState::kDead);
}

TEST_F(Coordinator, MemberIdRequiredFirst) {
  JoinRequest request;
  request.group = "g";
  request.client_id = "c";
  request.protocols = {{"range", {}}};
  request.require_known_member_id = true;
  const JoinResponse told = d.joined(d.join(request));
  EXPECT_EQ(told.error, GroupError::kMemberIdRequired);
  request.member_id = told.member_id;
  EXPECT_EQ(d.joined(d.join(request)).error, GroupError::kNone);
  request.member_id = "";
  const JoinResponse forgotten = d.joined(d.join(request));
  d.advance(seconds(46));
  request.member_id = forgotten.member_id;
  EXPECT_EQ(d.joined(d.join(request)).error, GroupError::kUnknownMemberId) << "it came too late";
}

TEST_F(Coordinator, AStaticMemberReplacesItself) {
  JoinRequest request;
  request.group = "g";
  request.instance_id = "pod-1";
  request.protocols = {{"range", {}}};
  const JoinResponse first = d.joined(d.join(request));
  const JoinResponse second = d.joined(d.join(request));
  EXPECT_EQ(second.error, GroupError::kNone);
  EXPECT_NE(second.member_id, first.member_id);
  EXPECT_EQ(d.coordinator.heartbeat({"g", first.member_id, "pod-1", first.generation}, d.now),
            GroupError::kFencedInstanceId);
  EXPECT_EQ(d.coordinator.describe("g").members.size(), 1u);
}

TEST_F(Coordinator, InitialDelayGathersMembers) {
  Driver delayed({6'000, 1'800'000, 3'000, 10, 4096});
  const RequestId a = delayed.join("g");
  delayed.advance(seconds(2));
  const RequestId b = delayed.join("g");
  EXPECT_FALSE(delayed.answered(a));
  delayed.advance(seconds(2));
  EXPECT_FALSE(delayed.answered(a)) << "each new member prolongs the wait";
  delayed.advance(seconds(2));
  EXPECT_EQ(delayed.joined(a).generation.value(), 1);
  EXPECT_EQ(delayed.joined(b).generation.value(), 1);
}

TEST_F(Coordinator, GroupSizeIsBounded) {
  Driver small({6'000, 1'800'000, 0, 2, 4096});
  small.join("g");
  small.join("g");
  EXPECT_EQ(small.joined(small.join("g")).error, GroupError::kGroupMaxSizeReached);
}

TEST_F(Coordinator, ProtocolWithMostVotesAmongCommonOnes) {
  auto join = [&](std::vector<std::string> names, const std::string& member = {}) {
    JoinRequest request;
    request.group = "g";
    request.member_id = member;
    for (const auto& name : names) request.protocols.push_back({name, {}});
    return d.join(request);
  };
  const JoinResponse a = d.joined(join({"sticky", "range", "only-a"}));
  const RequestId b = join({"range", "sticky"}), c = join({"range", "sticky"});
  join({"only-a", "sticky", "range"}, a.member_id);
  EXPECT_EQ(d.joined(b).protocol, "range");
  EXPECT_EQ(d.joined(c).protocol, "range");
}

TEST_F(Coordinator, DeletingWritesTombstones) {
  stable("g");
  const RequestId busy = d.remove("g");
  EXPECT_EQ(d.reply<DeleteResponse>(busy).error, GroupError::kNonEmptyGroup);
  EXPECT_EQ(d.reply<DeleteResponse>(d.remove("nope")).error, GroupError::kGroupIdNotFound);
  d.commit("h", "", kNone, 5);
  d.finish_all();
  const RequestId removed = d.remove("h");
  EXPECT_FALSE(d.answered(removed));
  ASSERT_EQ(d.appends.size(), 1u);
  ASSERT_EQ(d.appends[0].records.size(), 2u);
  EXPECT_FALSE(d.appends[0].records[0].value.has_value());
  EXPECT_FALSE(d.appends[0].records[1].value.has_value());
  EXPECT_EQ(d.appends[0].records[1].key, encode_group_key("h"));
  EXPECT_EQ(commit_error(d.commit("h", "", kNone, 6)), GroupError::kCoordinatorNotAvailable);
  d.finish_all();
  EXPECT_EQ(d.reply<DeleteResponse>(removed).error, GroupError::kNone);
  EXPECT_EQ(d.state("h"), GroupState::kDead);
  d.commit("h", "", kNone, 7);
  const RequestId failed = d.remove("h");  // before the commit is durable: it is covered too
  d.finish_one();
  d.finish_one(Error{ErrorKind::kIo, "no"});
  EXPECT_EQ(d.reply<DeleteResponse>(failed).error, GroupError::kCoordinatorNotAvailable);
  EXPECT_EQ(d.committed("h"), 7) << "nothing was deleted";
}

TEST_F(Coordinator, DeletingATopicTakesItsOffsetsEvenThoseUnderWay) {
  d.commit("g", "", kNone, 5, "t");
  d.commit("g", "", kNone, 6, "other");
  d.finish_all();
  d.commit("h", "", kNone, 9, "t");
  Output out;
  d.coordinator.remove_topic("t", out);
  d.take(std::move(out));
  d.finish_all();
  EXPECT_EQ(d.committed("g", "t"), -1);
  EXPECT_EQ(d.committed("h", "t"), -1);
  EXPECT_EQ(d.committed("g", "other"), 6);
}

TEST_F(Coordinator, InProcessMembersGetNoticesAndNeedNoHeartbeat) {
  JoinRequest request;
  request.group = "g";
  request.in_process = true;
  request.rebalance_timeout_ms = 60'000;
  request.protocols = {{"range", {}}};
  const JoinResponse a = d.joined(d.join(request));
  d.sync("g", a);
  d.finish_all();
  d.advance(seconds(100'000));
  EXPECT_EQ(d.state("g"), GroupState::kStable);
  EXPECT_TRUE(d.notices.empty());
  const RequestId b = d.join(request);
  EXPECT_EQ(d.notices, std::vector<std::string>{a.member_id});
  request.member_id = a.member_id;
  d.join(request);
  EXPECT_EQ(d.joined(b).generation.value(), 2);
}

TEST_F(Coordinator, LoadsWhatWasWritten) {
  const auto [a, b] = two("g");
  d.commit("g", a.member_id, a.generation, 11);
  d.commit("simple", "", kNone, 22);
  JoinRequest own;
  own.group = "own";
  own.client_host = GroupCoordinator::kInProcessHost;
  own.in_process = true;
  own.protocols = {{"range", {}}};
  d.sync("own", d.joined(d.join(own)));
  d.finish_all();
  CountingRandom random;
  GroupCoordinator loaded({}, random);
  for (const auto& [partition, record] : d.durable) {
    ASSERT_TRUE(loaded
                    .load(partition, record.key,
                          record.value ? std::optional<ByteView>(*record.value) : std::nullopt)
                    .ok());
  }
  Now now = d.now;
  loaded.loaded(now);
  EXPECT_EQ(loaded.list().size(), 3u);
  EXPECT_EQ(loaded.describe("g").state, GroupState::kStable);
  EXPECT_EQ(loaded.describe("g").generation, a.generation);
  EXPECT_EQ(loaded.heartbeat({"g", a.member_id, {}, a.generation}, now), GroupError::kNone);
  EXPECT_EQ(loaded.fetch("g", std::nullopt).offsets.begin()->second.offset.value(), 11);
  EXPECT_EQ(loaded.fetch("simple", std::nullopt).offsets.begin()->second.offset.value(), 22);
  EXPECT_EQ(loaded.describe("own").state, GroupState::kEmpty) << "its member went with the process";
  EXPECT_EQ(loaded.describe("own").generation.value(), 1);
  now.steady += seconds(11);
  Output out;
  loaded.tick(now, out);
  EXPECT_EQ(loaded.describe("g").state, GroupState::kEmpty)
      << "members that do not come back expire";
}

TEST_F(Coordinator, GroupsOfADamagedPartitionAreUnavailableNotEmpty) {
  d.coordinator.partition_failed(model::partition_for_id("g", 50), {ErrorKind::kCorrupt, "byte 7"});
  EXPECT_EQ(d.joined(d.join("g")).error, GroupError::kCoordinatorNotAvailable);
  EXPECT_EQ(commit_error(d.commit("g", "", kNone, 1)), GroupError::kCoordinatorNotAvailable);
  EXPECT_EQ(d.coordinator.fetch("g", std::nullopt).error, GroupError::kCoordinatorNotAvailable);
  EXPECT_EQ(d.reply<DeleteResponse>(d.remove("g")).detail, "byte 7");
}

}  // namespace
}  // namespace sluice::coordinator
