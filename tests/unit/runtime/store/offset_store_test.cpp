// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/offset_store.hpp"

#include <gmock/gmock.h>

#include "broker-core/model/partitioner.hpp"
#include "broker-core/model/record_batch.hpp"
#include "tests/support/fake_log.hpp"
#include "tests/support/sim_executor.hpp"

namespace sluice::store {
namespace {

using ::testing::ElementsAre;
using testing::FakeLog;
using ::testing::Pair;

void write(FakeLog& log, int64_t timestamp, const std::string& key,
           std::optional<std::string> value) {
  model::BatchBuilder builder;
  std::optional<ByteView> bytes;
  if (value) bytes = as_bytes(*value);
  ASSERT_TRUE(builder.add(timestamp, as_bytes(key), bytes));
  log::AppendRequest request;
  request.batches.push_back(
      {{"connect-offsets", model::partition_for_key(as_bytes(key), 25)}, builder.finish()});
  ASSERT_TRUE(log::append_and_wait(log, std::move(request)).ok());
}

TEST(OffsetStore, TheNewestOffsetOfEachPartitionCounts) {
  FakeLog log;
  auto store = OffsetStore::open(log, nullptr).value();
  EXPECT_EQ(store->read("c", R"({"filename":"/a"})").value(), std::nullopt);
  write(log, 1, R"(["c",{"filename":"/a"}])", R"({"position":1})");
  write(log, 2, R"(["c",{"filename":"/a"}])", R"({"position":2})");
  write(log, 3, R"(["c",{"filename":"/b"}])", R"({"position":7})");
  write(log, 4, R"(["d",{"filename":"/a"}])", R"({"position":9})");
  EXPECT_EQ(store->read("c", R"({ "filename" : "/a" })").value(), R"({"position":2})");
  EXPECT_THAT(store->list("c").value(),
              ElementsAre(Pair(R"({"filename":"/a"})", R"({"position":2})"),
                          Pair(R"({"filename":"/b"})", R"({"position":7})")));
  write(log, 5, R"(["c",{"filename":"/b"}])", std::nullopt);
  EXPECT_EQ(store->read("c", R"({"filename":"/b"})").value(), std::nullopt);
  EXPECT_EQ(store->list("c").value().size(), 1u);
  auto again = OffsetStore::open(log, nullptr).value();
  EXPECT_EQ(again->list("c").value(), store->list("c").value());
}

TEST(OffsetStore, KeysInAnotherOrderAreTheSamePartition) {
  FakeLog log;
  auto store = OffsetStore::open(log, nullptr).value();
  write(log, 10, R"(["c",{"b":1,"a":2}])", R"({"o":"new"})");
  write(log, 5, R"(["c",{"a":2,"b":1}])", R"({"o":"old"})");
  EXPECT_EQ(store->read("c", R"({"a":2,"b":1})").value(), R"({"o":"new"})");
  EXPECT_EQ(store->list("c").value().size(), 1u);
}

TEST(OffsetStore, WhatCannotBeReadIsNamedAndIgnored) {
  FakeLog log;
  std::vector<std::string> warnings;
  auto store = OffsetStore::open(log, nullptr, offset_topic(), [&](const std::string& line) {
                 warnings.push_back(line);
               }).value();
  write(log, 1, "nonsense", "{}");
  write(log, 2, R"(["c",null])", "{}");
  EXPECT_TRUE(store->list("c").value().empty());
  EXPECT_EQ(warnings.size(), 2u);
  EXPECT_FALSE(store->read("c", "[1]").ok());
}

TEST(OffsetStore, ReadsInTheBackgroundWhileOffsetsCome) {
  testing::SimClock clock;
  testing::SimExecutor executor(1, clock);
  FakeLog log;
  int unreadable = 0;
  auto store = OffsetStore::open(log, &executor, offset_topic(), [&](const std::string&) {
                 ++unreadable;
               }).value();
  for (int round = 1; round <= 3; ++round) {
    write(log, round, "nonsense", "{}");  // seen exactly when the topic is read
    EXPECT_EQ(unreadable, round - 1);
    executor.advance(std::chrono::seconds(5));
    EXPECT_EQ(unreadable, round);
  }
  store.reset();
  write(log, 9, "nonsense", "{}");
  executor.advance(std::chrono::seconds(5));
  EXPECT_EQ(unreadable, 3);
}

}  // namespace
}  // namespace sluice::store
