// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/runtime/log/log_suite.hpp"

namespace sluice::log::suite {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LogSuite);

TEST_P(LogSuite, TopicsAreMadeOnceAndFound) {
  make_topic("t", 3);
  auto again = log().create_topic({"t", 1, -1, {}});
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().kind, ErrorKind::kConflict);
  auto topics = log().topics("t").value();
  ASSERT_EQ(topics.size(), 1u);
  EXPECT_EQ(topics[0].partitions, 3);
  EXPECT_FALSE(topics[0].id.empty());
  EXPECT_FALSE(topics[0].internal);
  EXPECT_TRUE(log().topics("none").value().empty());
  EXPECT_EQ(log().ranges("t").value().size(), 3u);
  EXPECT_EQ(log().ranges("none").error().kind, ErrorKind::kNotFound);
  EXPECT_FALSE(log().cluster_id().empty());
}

TEST_P(LogSuite, AReplicationFactorThatCannotBeHadIsClamped) {
  auto topic = log().create_topic({"t", 2, 3, {{"cleanup.policy", "compact"}}});
  ASSERT_TRUE(topic.ok());
  EXPECT_EQ(topic->configs.at("cleanup.policy"), "compact");
}

TEST_P(LogSuite, WhatIsAcknowledgedIsReadAndSurvivesAReopen) {
  make_topic("t");
  auto appended = append("t", 0, {"a", "b"});
  ASSERT_TRUE(appended.ok());
  ASSERT_EQ(appended->size(), 1u);
  EXPECT_EQ((*appended)[0].base_offset, Offset(0));
  EXPECT_EQ((*appended)[0].next_offset, Offset(2));
  EXPECT_THAT(read("t", 0), ElementsAre("a", "b"));
  EXPECT_THAT(read("t", 0, 1), ElementsAre("b"));
  EXPECT_THAT(read("t", 0, 2), IsEmpty());
  const std::string id = log().cluster_id();
  fixture_->reopen();
  EXPECT_THAT(read("t", 0), ElementsAre("a", "b"));
  EXPECT_EQ(log().ranges("t").value().at(0).end, Offset(2));
  EXPECT_EQ(log().cluster_id(), id);
}

TEST_P(LogSuite, ReadingWhereNothingIsIsAnError) {
  make_topic("t");
  EXPECT_EQ(log().read({"t", PartitionId(0)}, Offset(1), 100).error().kind, ErrorKind::kOutOfRange);
  EXPECT_EQ(log().read({"none", PartitionId(0)}, Offset(0), 100).error().kind,
            ErrorKind::kNotFound);
  EXPECT_EQ(log().read({"t", PartitionId(7)}, Offset(0), 100).error().kind, ErrorKind::kNotFound);
  EXPECT_FALSE(append("none", 0, {"x"}).ok());
}

TEST_P(LogSuite, SeveralPartitionsAndOffsetsAreOneAppend) {
  make_topic("t", 2);
  AppendRequest request;
  request.batches.push_back({{"t", PartitionId(0)}, batch_of({"a"})});
  request.batches.push_back({{"t", PartitionId(1)}, batch_of({"b", "c"})});
  request.batches.push_back({{"t", PartitionId(0)}, batch_of({"d"})});
  request.offsets.push_back({"conn", R"({"f":"/x"})", R"({"position":4})"});
  request.offsets.push_back({"conn", R"({"f":"/gone"})", std::nullopt});
  ASSERT_TRUE(append(std::move(request)).ok());
  EXPECT_THAT(read("t", 0), ElementsAre("a", "d"));
  EXPECT_THAT(read("t", 1), ElementsAre("b", "c"));
  auto topic = log().topics("connect-offsets").value();
  ASSERT_EQ(topic.size(), 1u);
  EXPECT_EQ(topic[0].partitions, 25);
  EXPECT_THAT(read_offsets(), ::testing::UnorderedElementsAre(R"({"position":4})", "null"));
}

TEST_P(LogSuite, AnAppendThatIsRefusedLeavesNothingBehind) {
  make_topic("t");
  AppendRequest request;
  request.batches.push_back({{"t", PartitionId(0)}, batch_of({"a"})});
  request.batches.push_back({{"t", PartitionId(9)}, batch_of({"b"})});
  request.offsets.push_back({"conn", "{}", "{}"});
  ASSERT_FALSE(append(std::move(request)).ok());
  EXPECT_THAT(read("t", 0), IsEmpty());
  AppendRequest corrupt;
  corrupt.batches.push_back({{"t", PartitionId(0)}, batch_of({"abc"})});
  corrupt.batches[0].batches.back() ^= std::byte{1};
  corrupt.offsets.push_back({"conn", "{}", "{}"});
  ASSERT_FALSE(append(std::move(corrupt)).ok());
  EXPECT_THAT(read("t", 0), IsEmpty());
  EXPECT_THAT(read_offsets(), IsEmpty());
}

TEST_P(LogSuite, AnOlderEpochIsFencedAndEpochsGrowOverRestarts) {
  make_topic("t");
  const int64_t first = log().fence("c-0").value();
  AppendRequest request;
  request.batches.push_back({{"t", PartitionId(0)}, batch_of({"a"})});
  request.producer = "c-0";
  request.epoch = first;
  ASSERT_TRUE(append(request).ok());
  const int64_t second = log().fence("c-0").value();
  EXPECT_GT(second, first);
  auto refused = append(request);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kFenced);
  request.epoch = second;
  ASSERT_TRUE(append(request).ok());
  fixture_->reopen();
  EXPECT_EQ(append(request).error().kind, ErrorKind::kFenced);
  EXPECT_GT(log().fence("c-0").value(), second);
  EXPECT_EQ(read("t", 0).size(), 2u);
}

TEST_P(LogSuite, AWatchCallsOnceWhenThereIsSomething) {
  make_topic("t", 2);
  std::atomic<int> calls{0};
  auto watch = log().watch({{{"t", PartitionId(0)}, Offset(0)}, {{"t", PartitionId(1)}, Offset(0)}},
                           [&] { ++calls; });
  EXPECT_EQ(calls, 0);
  ASSERT_TRUE(append("t", 1, {"a"}).ok());
  EXPECT_TRUE(fixture_->until([&] { return calls == 1; }));
  ASSERT_TRUE(append("t", 0, {"b"}).ok());
  EXPECT_EQ(calls, 1);
  auto at_once = log().watch({{{"t", PartitionId(0)}, Offset(0)}}, [&] { ++calls; });
  EXPECT_TRUE(fixture_->until([&] { return calls == 2; }));
  auto withdrawn = log().watch({{{"t", PartitionId(0)}, Offset(1)}}, [&] { ++calls; });
  withdrawn.reset();
  ASSERT_TRUE(append("t", 0, {"c"}).ok());
  EXPECT_EQ(calls, 2);
  auto gone = log().watch({{{"none", PartitionId(0)}, Offset(0)}}, [] {});
  EXPECT_NE(gone, nullptr);
}

TEST_P(LogSuite, AMemberReadsAllFromTheEarliestAndIsWokenForMore) {
  make_topic("t", 2);
  ASSERT_TRUE(append("t", 0, {"a"}).ok());
  ASSERT_TRUE(append("t", 1, {"b"}).ok());
  Member member(*fixture_, subscription("connect-x", {"t"}));
  ASSERT_TRUE(fixture_->until([&] {
    member.drain();
    return member.read.size() == 2;
  }));
  EXPECT_EQ(member.owned.size(), 2u);
  EXPECT_EQ(member.assignments, 1);
  member.drain();
  const int woken = member.woken;
  ASSERT_TRUE(append("t", 1, {"c"}).ok());
  ASSERT_TRUE(fixture_->until([&] { return member.woken > woken; }));
  member.drain();
  EXPECT_THAT(member.read, ::testing::UnorderedElementsAre("a", "b", "c"));
  EXPECT_TRUE(member.errors.empty());
}

TEST_P(LogSuite, CommitsAreTheGroupsAndTheNextMemberGoesOnThere) {
  make_topic("t");
  const TopicPartitionName partition{"t", PartitionId(0)};
  ASSERT_TRUE(append("t", 0, {"a", "b", "c"}).ok());
  int64_t epoch = 0;
  {
    Member member(*fixture_, subscription("connect-x", {"t"}));
    ASSERT_TRUE(fixture_->until([&] {
      member.drain();
      return member.read.size() == 3;
    }));
    EXPECT_EQ(member.owned.at(partition), Offset(-1));
    ASSERT_TRUE(member.commit(partition, 2).ok());
    epoch = member.epochs.back();
  }
  auto offsets = log().group_offsets("connect-x").value();
  ASSERT_EQ(offsets.size(), 1u);
  EXPECT_EQ(offsets[0].next, Offset(2));
  fixture_->reopen();
  Member member(*fixture_, subscription("connect-x", {"t"}));
  ASSERT_TRUE(fixture_->until([&] {
    member.drain();
    return !member.read.empty();
  }));
  EXPECT_EQ(member.owned.at(partition), Offset(2));
  EXPECT_THAT(member.read, ElementsAre("c"));
  EXPECT_GT(member.epochs.back(), epoch);
  EXPECT_TRUE(log().group_offsets("connect-none").value().empty());
}

TEST_P(LogSuite, MembersShareThePartitionsAndTakeOverFromOneThatLeaves) {
  make_topic("t", 4);
  Member one(*fixture_, subscription("connect-x", {"t"}));
  ASSERT_TRUE(fixture_->until([&] {
    one.drain();
    return one.owned.size() == 4;
  }));
  auto two = std::make_unique<Member>(*fixture_, subscription("connect-x", {"t"}));
  ASSERT_TRUE(fixture_->until([&] {
    one.drain();
    two->drain();
    return one.owned.size() == 2 && two->owned.size() == 2;
  }));
  EXPECT_EQ(one.revocations, 1);
  EXPECT_FALSE(one.lost);
  for (const auto& [partition, offset] : one.owned) EXPECT_FALSE(two->owned.contains(partition));
  EXPECT_GT(two->epochs.back(), one.epochs.front());
  two.reset();
  ASSERT_TRUE(fixture_->until([&] {
    one.drain();
    return one.owned.size() == 4;
  }));
}

TEST_P(LogSuite, AMemberThatLeavesBeforeItsJoinIsAnsweredKeepsNothing) {
  make_topic("t", 4);
  Member one(*fixture_, subscription("connect-x", {"t"}));
  ASSERT_TRUE(fixture_->until([&] {
    one.drain();
    return one.owned.size() == 4;
  }));
  {
    Member two(*fixture_, subscription("connect-x", {"t"}));
    two.drain();  // asks to join; the answer waits for `one`
  }
  ASSERT_TRUE(fixture_->until([&] {
    one.drain();
    return one.revocations > 0 && one.owned.size() == 4;
  }));
}

TEST_P(LogSuite, ACommitOfAGenerationThatIsOverIsFenced) {
  make_topic("t", 2);
  auto one = std::make_unique<Member>(*fixture_, subscription("connect-x", {"t"}));
  ASSERT_TRUE(fixture_->until([&] {
    one->drain();
    return one->owned.size() == 2;
  }));
  // The owner is told to let go, does so, and commits too late: its generation has ended with the
  // next one.
  Member two(*fixture_, subscription("connect-x", {"t"}));
  ASSERT_TRUE(fixture_->until([&] {
    one->drain();
    two.drain();
    return one->owned.size() == 1 && two.owned.size() == 1;
  }));
  const TopicPartitionName own = one->owned.begin()->first;
  EXPECT_TRUE(one->commit(own, 0).ok());
}

TEST_P(LogSuite, TopicsThatAppearLaterArePickedUp) {
  Member named(*fixture_, subscription("connect-a", {"later"}));
  auto by_regex = subscription("connect-b", {});
  by_regex.topics_regex = "lat.*";
  Member pattern(*fixture_, by_regex);
  named.drain();
  pattern.drain();
  make_topic("later", 1);
  make_topic("other", 1);
  ASSERT_TRUE(append("later", 0, {"a"}).ok());
  ASSERT_TRUE(append("other", 0, {"b"}).ok());
  ASSERT_TRUE(fixture_->until([&] {
    named.drain();
    pattern.drain();
    return !named.read.empty() && !pattern.read.empty();
  }));
  EXPECT_THAT(named.read, ElementsAre("a"));
  EXPECT_THAT(pattern.read, ElementsAre("a"));
}

TEST_P(LogSuite, APatternMeansWhatItMeansInJava) {
  make_topic("Lines-a.b", 1);
  make_topic("lines-axb", 1);
  ASSERT_TRUE(append("Lines-a.b", 0, {"a"}).ok());
  ASSERT_TRUE(append("lines-axb", 0, {"b"}).ok());
  auto by_regex = subscription("connect-x", {});
  by_regex.topics_regex = "(?i)LINES-\\Qa.b\\E";
  Member member(*fixture_, by_regex);
  ASSERT_TRUE(fixture_->until([&] {
    member.drain();
    return !member.read.empty();
  }));
  EXPECT_THAT(member.read, ElementsAre("a"));
}

TEST_P(LogSuite, PauseAndSeek) {
  make_topic("t", 1);
  const TopicPartitionName partition{"t", PartitionId(0)};
  ASSERT_TRUE(append("t", 0, {"a"}).ok());
  ASSERT_TRUE(append("t", 0, {"b"}).ok());
  Member member(*fixture_, subscription("connect-x", {"t"}));
  ASSERT_TRUE(fixture_->until([&] {
    member.drain();
    return member.read.size() == 2;
  }));
  member.consumer().pause(partition, true);
  member.consumer().seek(partition, Offset(1));
  member.drain();
  EXPECT_EQ(member.read.size(), 2u);
  member.consumer().pause(partition, false);
  member.drain();
  EXPECT_THAT(member.read, ElementsAre("a", "b", "b"));
  member.consumer().seek(partition, Offset(-1));  // as if nothing was committed
  member.drain();
  EXPECT_EQ(member.read.size(), 5u);
  member.consumer().seek(partition, Offset(100));
  member.drain();
  ASSERT_EQ(member.errors.size(), 1u);
  EXPECT_EQ(member.errors[0].kind, ErrorKind::kOutOfRange);
}

TEST_P(LogSuite, FromTheLatestOnly) {
  make_topic("t", 1);
  ASSERT_TRUE(append("t", 0, {"old"}).ok());
  auto latest = subscription("connect-x", {"t"});
  latest.from_latest = true;
  Member member(*fixture_, latest);
  ASSERT_TRUE(fixture_->until([&] {
    member.drain();
    return member.owned.size() == 1;
  }));
  member.drain();
  ASSERT_TRUE(append("t", 0, {"new"}).ok());
  ASSERT_TRUE(fixture_->until([&] {
    member.drain();
    return !member.read.empty();
  }));
  EXPECT_THAT(member.read, ElementsAre("new"));
}

TEST_P(LogSuite, ABadPatternIsRefused) {
  auto bad = subscription("connect-x", {});
  bad.topics_regex = "(";
  auto consumer = log().subscribe(bad, [] {});
  ASSERT_FALSE(consumer.ok());
  EXPECT_EQ(consumer.error().kind, ErrorKind::kInvalid);
}

}  // namespace sluice::log::suite
