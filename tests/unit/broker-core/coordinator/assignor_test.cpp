// SPDX-License-Identifier: Apache-2.0
#include "broker-core/coordinator/assignor.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "broker-core/coordinator/consumer_protocol.hpp"

namespace sluice::coordinator {
namespace {

std::string text(const Assignments& assignments) {
  std::string out;
  for (const auto& [member, partitions] : assignments) {
    out += member + ":";
    for (const auto& partition : partitions) out += " " + partition.to_string();
    out += "; ";
  }
  return out;
}

TEST(Assignor, RangeOfKafkasDocumentation) {  // two consumers, two topics of three partitions
  EXPECT_EQ(
      text(assign_range({{"C0", {"t0", "t1"}}, {"C1", {"t0", "t1"}}}, {{"t0", 3}, {"t1", 3}})),
      "C0: t0-0 t0-1 t1-0 t1-1; C1: t0-2 t1-2; ");
}

TEST(Assignor, RoundRobinOfKafkasDocumentation) {
  EXPECT_EQ(text(assign_round_robin({{"C0", {"t0", "t1"}}, {"C1", {"t0", "t1"}}},
                                    {{"t0", 3}, {"t1", 3}})),
            "C0: t0-0 t0-2 t1-1; C1: t0-1 t1-0 t1-2; ");
  // Differing subscriptions: t0 has 1 partition, t1 2, t2 3.
  EXPECT_EQ(
      text(assign_round_robin({{"C0", {"t0"}}, {"C1", {"t0", "t1"}}, {"C2", {"t0", "t1", "t2"}}},
                              {{"t0", 1}, {"t1", 2}, {"t2", 3}})),
      "C0: t0-0; C1: t1-0; C2: t1-1 t2-0 t2-1 t2-2; ");
}

TEST(Assignor, MoreMembersThanPartitionsAndUnknownTopics) {
  EXPECT_EQ(text(assign_range({{"a", {"t"}}, {"b", {"t"}}, {"c", {"gone"}}}, {{"t", 1}})),
            "a: t-0; b:; c:; ");
  EXPECT_EQ(text(assign_round_robin({{"a", {"t"}}, {"b", {"t"}}, {"c", {"gone"}}}, {{"t", 1}})),
            "a: t-0; b:; c:; ");
  EXPECT_TRUE(assign_range({}, {{"t", 1}}).empty());
  EXPECT_TRUE(assign_round_robin({}, {{"t", 1}}).empty());
}

TEST(Assignor, EveryPartitionGoesToExactlyOneSubscriber) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 500; ++round) {
    Subscriptions subscriptions;
    PartitionCounts counts;
    for (size_t t = random() % 5; t > 0; --t)
      counts["t" + std::to_string(t)] = static_cast<int32_t>(random() % 7);
    for (size_t m = 1 + random() % 5; m > 0; --m) {
      for (const auto& [topic, count] : counts) {
        if (random() % 2 == 0) subscriptions["m" + std::to_string(m)].push_back(topic);
      }
    }
    for (const auto& assign : {assign_range, assign_round_robin}) {
      std::set<TopicPartitionName> given;
      for (const auto& [member, partitions] : assign(subscriptions, counts)) {
        for (const auto& partition : partitions) {
          EXPECT_TRUE(given.insert(partition).second);
          const auto& topics = subscriptions[member];
          EXPECT_NE(std::find(topics.begin(), topics.end(), partition.topic), topics.end());
        }
      }
      size_t all = 0;
      for (const auto& [topic, count] : counts) {
        for (const auto& [member, topics] : subscriptions) {
          if (std::find(topics.begin(), topics.end(), topic) == topics.end()) continue;
          all += static_cast<size_t>(count);
          break;
        }
      }
      EXPECT_EQ(given.size(), all);
    }
  }
}

TEST(ConsumerProtocol, RoundTripAndTruncation) {
  const std::vector<std::string> topics = {"a", "topic.b"};
  EXPECT_EQ(*decode_subscription(encode_subscription(topics)), topics);
  const std::vector<TopicPartitionName> partitions = {
      {"a", PartitionId(0)}, {"a", PartitionId(7)}, {"b", PartitionId(1)}};
  const Bytes bytes = encode_assignment(partitions);
  EXPECT_EQ(*decode_assignment(bytes), partitions);
  for (size_t size = 1; size + 4 < bytes.size();
       ++size) {  // the user data at the end may be missing
    EXPECT_FALSE(decode_assignment(ByteView(bytes).first(size)).ok()) << size;
  }
  EXPECT_TRUE(decode_assignment({})->empty());
}

}  // namespace
}  // namespace sluice::coordinator
