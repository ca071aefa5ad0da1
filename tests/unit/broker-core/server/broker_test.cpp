// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "tests/unit/broker-core/server/broker_fixture.hpp"

namespace sluice::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class BrokerTest : public SimBroker {};

TEST_F(BrokerTest, WhatIsAppendedIsRead) {
  open();
  ASSERT_TRUE(broker_->create_topic("orders", 2, {}).ok());
  auto appended =
      append({{kFirst, batch_of({{"k", "a"}, {{}, "b"}})}, {kSecond, batch_of({{{}, "c"}})}});
  ASSERT_TRUE(appended.ok()) << appended.error().message;
  EXPECT_EQ((*appended)[0].partition, kFirst);
  EXPECT_EQ((*appended)[0].next_offset.value(), 2);
  EXPECT_EQ((*appended)[1].next_offset.value(), 1);
  appended = append({{kFirst, batch_of({{{}, "d"}})}});
  EXPECT_EQ((*appended)[0].base_offset.value(), 2);
  auto read = broker_->read(kFirst, Offset(0), 1 << 20);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_THAT(values_of(read->batches), ElementsAre("a", "b", "d"));
  EXPECT_EQ(broker_->latest_offset(kFirst)->value(), 3);
  EXPECT_EQ(broker_->earliest_offset(kFirst)->value(), 0);
  EXPECT_EQ(broker_->offset_for_timestamp(kFirst, TimestampMs(1))->value().value(), 0);
  EXPECT_EQ(broker_->offset_for_timestamp(kFirst, TimestampMs(1'800'000'000'000))->has_value(),
            false);
}

TEST_F(BrokerTest, AcknowledgedRecordsTopicsAndIdsSurviveEveryEnd) {
  open();
  const std::string cluster = broker_->cluster_id();
  EXPECT_EQ(cluster.size(), 22u);
  const TopicId id = (*broker_->create_topic("orders", 1, {{"retention.ms", "-1"}}))->id;
  int written = 0;
  for (const char* end : {"stop", "kill", "power", "power", "stop"}) {
    ASSERT_TRUE(append({{kFirst, batch_of({{{}, std::to_string(written)}})}}).ok());
    ++written;
    if (end == std::string("stop")) {
      EXPECT_TRUE(broker_->stop().ok());
      broker_.reset();
    } else {
      kill(end == std::string("power"));
    }
    open();
    EXPECT_EQ(broker_->cluster_id(), cluster);
    ASSERT_TRUE(broker_->topic("orders").ok());
    EXPECT_EQ((*broker_->topic("orders"))->id, id);
    EXPECT_EQ(broker_->latest_offset(kFirst)->value(), written) << end;
    EXPECT_EQ(values_of(broker_->read(kFirst, Offset(0), 1 << 20)->batches).back(),
              std::to_string(written - 1));
  }
}

TEST_F(BrokerTest, TopicsAreDeletedWithTheirRecords) {
  open();
  ASSERT_TRUE(broker_->create_topic("orders", 1, {}).ok());
  ASSERT_TRUE(append({{kFirst, batch_of({{{}, "old"}})}}).ok());
  ASSERT_TRUE(broker_->delete_topic("orders").ok());
  EXPECT_EQ(broker_->read(kFirst, Offset(0), 100).error().kind, ErrorKind::kNotFound);
  ASSERT_TRUE(broker_->create_topic("orders", 1, {}).ok());
  EXPECT_EQ(broker_->latest_offset(kFirst)->value(), 0);
  kill(true);
  open();
  EXPECT_EQ(broker_->latest_offset(kFirst)->value(), 0);
}

TEST_F(BrokerTest, Refusals) {
  open();
  ASSERT_TRUE(broker_->create_topic("orders", 1, {{"cleanup.policy", "compact"}}).ok());
  auto text = [](const auto& result) {
    return result.ok() ? std::string("ok") : result.error().message;
  };
  EXPECT_THAT(text(append({{{"nope", PartitionId(0)}, batch_of({{"k", "v"}})}})),
              HasSubstr("does not host this"));
  EXPECT_THAT(text(append({{kSecond, batch_of({{"k", "v"}})}})), HasSubstr("does not host this"));
  EXPECT_THAT(
      text(append({{kFirst, batch_of({{"k", "v"}, {{}, "keyless"}})}})),
      HasSubstr("Compacted topic cannot accept message without key in topic partition orders-0."));
  EXPECT_THAT(text(append({{{"__consumer_offsets", PartitionId(0)}, batch_of({{"k", "v"}})}})),
              HasSubstr("written by the broker only"));
  Bytes damaged = batch_of({{"k", "v"}});
  damaged.back() ^= std::byte{1};
  EXPECT_FALSE(append({{kFirst, damaged}}).ok());
  EXPECT_EQ(broker_->latest_offset(kFirst)->value(), 0);
  EXPECT_THAT(text(broker_->delete_topic("__consumer_offsets")), HasSubstr("cannot be deleted"));
  EXPECT_EQ(text(broker_->topic("nope")), "The topic 'nope' does not exist.");
}

TEST_F(BrokerTest, LogAppendTimeStampsTheBatch) {
  open();
  ASSERT_TRUE(
      broker_->create_topic("orders", 1, {{"message.timestamp.type", "LogAppendTime"}}).ok());
  ASSERT_TRUE(append({{kFirst, batch_of({{{}, "a"}}, 5)}}).ok());
  const Bytes batches = broker_->read(kFirst, Offset(0), 1000)->batches;
  ASSERT_TRUE(model::verify_batch_crc(batches).ok());
  auto reader = model::RecordReader::open(batches);
  model::RecordView record;
  ASSERT_TRUE(*reader->next(record));
  EXPECT_GE(record.timestamp, 1'700'000'000'000);
  Bytes damaged = batch_of({{{}, "b"}});
  damaged.back() ^= std::byte{1};
  EXPECT_FALSE(append({{kFirst, damaged}}).ok());
}

TEST_F(BrokerTest, WatchTellsOfNewRecords) {
  open();
  ASSERT_TRUE(broker_->create_topic("orders", 2, {}).ok());
  int ready = 0;
  auto watch = broker_->watch({{kFirst, Offset(0)}, {kSecond, Offset(0)}}, [&] { ++ready; });
  ASSERT_TRUE(watch.ok());
  executor_.run_ready();
  EXPECT_EQ(ready, 0);
  ASSERT_TRUE(append({{kSecond, batch_of({{{}, "x"}})}}).ok());
  executor_.run_ready();
  EXPECT_EQ(ready, 1);
  EXPECT_EQ(broker_->watch({{{"nope", PartitionId(0)}, Offset(0)}}, [] {}).error().kind,
            ErrorKind::kNotFound);
}

TEST_F(BrokerTest, ConfigsReachTheLog) {
  open();
  ASSERT_TRUE(broker_->create_topic("orders", 1, {}).ok());
  const Bytes large = batch_of({{{}, std::string(5000, 'x')}});
  ASSERT_TRUE(append({{kFirst, large}}).ok());
  ASSERT_TRUE(broker_->alter_configs("orders", {{"max.message.bytes", "1000"}}).ok());
  EXPECT_FALSE(append({{kFirst, large}}).ok());
  kill(true);
  open();
  EXPECT_FALSE(append({{kFirst, large}}).ok());
  ASSERT_TRUE(broker_->alter_configs("orders", {{"max.message.bytes", {}}}).ok());
  EXPECT_TRUE(append({{kFirst, large}}).ok());
  ASSERT_TRUE(broker_->set_partitions("orders", 2).ok());
  EXPECT_TRUE(append({{kSecond, large}}).ok());
}

TEST_F(BrokerTest, ASecondWorkerIsRefused) {
  open();
  auto second = try_open();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
  EXPECT_THAT(second.error().message, HasSubstr("/var/data is in use by another worker"));
  ASSERT_TRUE(broker_->stop().ok());
  EXPECT_TRUE(try_open().ok());  // the lock went with stop()
}

// The production form: threads, the real disk.
TEST(BrokerThreads, AppendFromManyThreads) {
  std::string pattern = (std::filesystem::temp_directory_path() / "sluice-broker-XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  constexpr int kThreads = 4, kEach = 50;
  {
    Broker::Settings settings;
    settings.directory = pattern + "/new/data";
    settings.storage.commit_file_bytes = 1u << 20;
    auto broker = Broker::open(settings, {posix_disk(), system_clock(), system_random()});
    ASSERT_TRUE(broker.ok()) << broker.error().message;
    ASSERT_TRUE((*broker)->create_topic("orders", kThreads, {}).ok());
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        const TopicPartitionName mine{"orders", PartitionId(t)};
        for (int i = 0; i < kEach; ++i) {
          std::promise<bool> done;
          (*broker)->append({{mine, batch_of({{{}, std::to_string(i)}})}},
                            [&](auto r) { done.set_value(r.ok()); });
          EXPECT_TRUE(done.get_future().get());
          std::promise<coordinator::CommitResponse> committed;
          coordinator::CommitRequest request;
          request.group = "group-" + std::to_string(t % 2);
          request.offsets[mine].offset = Offset(i);
          (*broker)->commit_offsets(request, [&](auto r) { committed.set_value(std::move(r)); });
          EXPECT_EQ(committed.get_future().get().error, coordinator::GroupError::kNone);
        }
      });
    }
    for (auto& thread : threads) thread.join();
    for (int t = 0; t < kThreads; ++t) {
      EXPECT_EQ((*broker)->latest_offset({"orders", PartitionId(t)})->value(), kEach);
    }
    EXPECT_TRUE((*broker)->stop().ok());
    broker->reset();
    broker = Broker::open(settings, {posix_disk(), system_clock(), system_random()});
    ASSERT_TRUE(broker.ok()) << broker.error().message;
    for (int t = 0; t < kThreads; ++t) {
      const TopicPartitionName mine{"orders", PartitionId(t)};
      EXPECT_EQ((*broker)->latest_offset(mine)->value(), kEach);
      auto offsets = (*broker)->fetch_offsets("group-" + std::to_string(t % 2));
      ASSERT_TRUE(offsets.ok());
      EXPECT_EQ(offsets->at(mine).offset.value(), kEach - 1);
    }
  }
  std::filesystem::remove_all(pattern);
}

}  // namespace
}  // namespace sluice::server
