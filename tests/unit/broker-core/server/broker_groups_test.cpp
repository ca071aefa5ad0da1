// SPDX-License-Identifier: Apache-2.0
#include "broker-core/coordinator/assignor.hpp"
#include "broker-core/coordinator/consumer_protocol.hpp"
#include "broker-core/model/partitioner.hpp"
#include "tests/unit/broker-core/server/broker_fixture.hpp"

namespace sluice::server {
namespace {

using namespace coordinator;

class BrokerGroups : public SimBroker {
 protected:
  void SetUp() override {
    open();
    ASSERT_TRUE(broker_->create_topic("orders", 4, {}).ok());
  }
};

// What a sink task does: joins, leads if it has to, and joins again whenever it is told to.
class TaskMember {
 public:
  TaskMember(Broker& broker, std::string group) : broker_(broker), group_(std::move(group)) {}
  void join() {
    partitions_.reset();
    JoinRequest request;
    request.group = group_;
    request.member_id = member_id_;
    request.client_id = "connector-consumer";
    request.client_host = GroupCoordinator::kInProcessHost;
    request.in_process = true;
    request.protocols = {{"range", encode_subscription({"orders"})}};
    broker_.join_group(
        request, [this](JoinResponse response) { joined(std::move(response)); },
        [this] {
          ++notices;
          if (rejoin) join();
        });
  }
  void leave() { left_ = broker_.leave_group({group_, member_id_, {}, generation_}); }
  CommitRequest commit_of(int64_t offset) const {
    CommitRequest request{group_, member_id_, {}, generation_, {}};
    request.offsets[kFirst].offset = Offset(offset);
    return request;
  }

  std::optional<std::vector<TopicPartitionName>> partitions_;
  GenerationId generation_{-1};
  int notices = 0;
  bool rejoin = true;

 private:
  void joined(JoinResponse response) {
    ASSERT_EQ(response.error, GroupError::kNone) << to_string(response.error);
    member_id_ = response.member_id;
    generation_ = response.generation;
    SyncRequest sync{group_, member_id_, {}, generation_, {}};
    if (response.is_leader()) {
      Subscriptions subscriptions;
      for (const JoinMember& member : response.members) {
        subscriptions[member.member_id] = *decode_subscription(member.metadata);
      }
      for (const auto& [id, partitions] : assign_range(subscriptions, {{"orders", 4}})) {
        sync.assignments[id] = encode_assignment(partitions);
      }
    }
    broker_.sync_group(sync, [this](SyncResponse synced) {
      if (synced.error == GroupError::kNone) partitions_ = *decode_assignment(synced.assignment);
    });
  }

  Broker& broker_;
  std::string group_;
  std::string member_id_;
  GroupError left_ = GroupError::kNone;
};

TEST_F(BrokerGroups, TasksShareThePartitionsAndShareAnewWhenOneLeaves) {
  TaskMember a(*broker_, "connect-sink"), b(*broker_, "connect-sink");
  a.join();
  ASSERT_TRUE(executor_.run_until([&] { return a.partitions_.has_value(); }));
  EXPECT_EQ(a.partitions_->size(), 4u);
  b.join();
  ASSERT_TRUE(
      executor_.run_until([&] { return a.partitions_.has_value() && b.partitions_.has_value(); }));
  EXPECT_EQ(a.notices, 1);
  EXPECT_EQ(a.partitions_->size(), 2u);
  EXPECT_EQ(b.partitions_->size(), 2u);
  EXPECT_NE(*a.partitions_, *b.partitions_);
  EXPECT_EQ(a.generation_, b.generation_);
  const GroupDescription group = broker_->describe_group("connect-sink");
  EXPECT_EQ(group.state, GroupState::kStable);
  EXPECT_EQ(group.protocol, "range");
  EXPECT_EQ(group.members.size(), 2u);
  a.partitions_.reset();
  b.leave();
  ASSERT_TRUE(executor_.run_until([&] { return a.partitions_.has_value(); }));
  EXPECT_EQ(a.partitions_->size(), 4u);
  EXPECT_GT(a.generation_, b.generation_);
  EXPECT_EQ(commit(b.commit_of(1)).error, GroupError::kUnknownMemberId);
  EXPECT_EQ(commit(a.commit_of(7)).error, GroupError::kNone);
  EXPECT_EQ(committed("connect-sink", kFirst), 7);
}

TEST_F(BrokerGroups, AMemberThatDoesNotComeBackLosesItsPlace) {
  TaskMember a(*broker_, "g"), stuck(*broker_, "g");
  stuck.join();
  ASSERT_TRUE(executor_.run_until([&] { return stuck.partitions_.has_value(); }));
  stuck.rejoin = false;
  a.join();
  executor_.run_ready();
  EXPECT_FALSE(a.partitions_.has_value());
  executor_.advance(std::chrono::minutes(6));  // beyond its rebalance timeout
  ASSERT_TRUE(executor_.run_until([&] { return a.partitions_.has_value(); }));
  EXPECT_EQ(a.partitions_->size(), 4u);
  EXPECT_EQ(commit(stuck.commit_of(1)).error, GroupError::kUnknownMemberId);
}

TEST_F(BrokerGroups, OffsetsAndGenerationsLiveOn) {
  GenerationId before;
  {
    TaskMember a(*broker_, "connect-sink");
    a.join();
    ASSERT_TRUE(executor_.run_until([&] { return a.partitions_.has_value(); }));
    before = a.generation_;
    ASSERT_EQ(commit(a.commit_of(5)).error, GroupError::kNone);
    ASSERT_EQ(commit(a.commit_of(6)).error, GroupError::kNone);
    kill(true);
  }
  open();
  EXPECT_EQ(committed("connect-sink", kFirst), 6);
  EXPECT_EQ(broker_->describe_group("connect-sink").state, GroupState::kEmpty)
      << "its members went with the process";
  TaskMember again(*broker_, "connect-sink");
  again.join();
  ASSERT_TRUE(executor_.run_until([&] { return again.partitions_.has_value(); }));
  EXPECT_GT(again.generation_, before);
}

TEST_F(BrokerGroups, UnknownIsMinusOne) {
  EXPECT_EQ(committed("nobody", kFirst), -1);
  EXPECT_TRUE(broker_->fetch_offsets("nobody")->empty());
  EXPECT_TRUE(broker_->groups().empty());
  CommitRequest request;
  request.group = "simple";
  request.offsets[{"nope", PartitionId(0)}].offset = Offset(1);
  request.offsets[kFirst].offset = Offset(2);
  const CommitResponse response = commit(request);
  EXPECT_EQ(response.error, GroupError::kNone);
  EXPECT_EQ(response.partitions.at({"nope", PartitionId(0)}), GroupError::kUnknownTopicOrPartition);
  EXPECT_EQ(committed("simple", kFirst), 2);
}

TEST_F(BrokerGroups, DeletedGroupsAndTopicsLeaveNothing) {
  ASSERT_EQ(commit("g1", kFirst, 5).error, GroupError::kNone);
  ASSERT_EQ(commit("g2", kFirst, 6).error, GroupError::kNone);
  std::optional<DeleteResponse> deleted;
  broker_->delete_group("g1", [&](DeleteResponse response) { deleted = response; });
  EXPECT_EQ(wait(deleted).error, GroupError::kNone);
  EXPECT_EQ(committed("g1", kFirst), -1);
  ASSERT_TRUE(broker_->delete_topic("orders").ok());
  executor_.run_ready();
  EXPECT_TRUE(broker_->fetch_offsets("g2")->empty());
  kill(true);
  open();
  ASSERT_TRUE(broker_->create_topic("orders", 1, {}).ok());
  EXPECT_EQ(committed("g1", kFirst), -1);
  EXPECT_EQ(committed("g2", kFirst), -1);
}

TEST_F(BrokerGroups, NothingIsAnsweredBeforeItIsDurable) {
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(commit("g", kFirst, i).error, GroupError::kNone);
    kill(true);
    open();
    ASSERT_EQ(committed("g", kFirst), i);
  }
}

TEST_F(BrokerGroups, AFailedSyncIsAnErrorAndShowsNothing) {
  ASSERT_EQ(commit("g", kFirst, 1).error, GroupError::kNone);
  disk_.inject(testing::DiskCall::kSync, testing::DiskFault::kSyncDrops, 1, 1, "commit");
  const CommitResponse response = commit("g", kFirst, 2);
  EXPECT_EQ(response.error, GroupError::kCoordinatorNotAvailable);
  EXPECT_FALSE(response.detail.empty());
  EXPECT_EQ(committed("g", kFirst), 1);
}

TEST_F(BrokerGroups, StopAnswersWhoeverWaits) {
  TaskMember holder(*broker_, "g");
  holder.join();
  ASSERT_TRUE(executor_.run_until([&] { return holder.partitions_.has_value(); }));
  holder.rejoin = false;
  JoinRequest request;
  request.group = "g";
  request.in_process = true;
  request.protocols = {{"range", encode_subscription({"orders"})}};
  std::optional<JoinResponse> waiting;
  broker_->join_group(request, [&](JoinResponse response) { waiting = std::move(response); });
  executor_.run_ready();
  ASSERT_FALSE(waiting);
  ASSERT_TRUE(broker_->stop().ok());
  ASSERT_TRUE(waiting);
  EXPECT_EQ(waiting->error, GroupError::kCoordinatorNotAvailable);
}

}  // namespace
}  // namespace sluice::server
