// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/broker-core/storage/log_fixture.hpp"

namespace sluice::storage {
namespace {

using testing::DiskCall;
using testing::DiskFault;

TEST(Log, appendedRecordsAreReadBackWithTheirOffsets) {
  LogHarness h;
  h.open();
  auto first = h.append(partition(1), {"a", "b"});
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ((*first)[0].base_offset, Offset(0));
  EXPECT_EQ((*first)[0].next_offset, Offset(2));
  auto second = h.append(partition(1), {"c"});
  EXPECT_EQ((*second)[0].base_offset, Offset(2));
  auto all = h.read_all(partition(1));
  ASSERT_TRUE(all.ok()) << all.error().message;
  EXPECT_EQ(*all, (std::map<int64_t, std::string>{{0, "a"}, {1, "b"}, {2, "c"}}));
  auto middle = h.log->read(partition(1), Offset(1), 1);
  EXPECT_EQ(records_of(middle->batches).begin()->first, 0);  // the batch that holds offset 1
  EXPECT_EQ(middle->high_watermark, Offset(3));
}

TEST(Log, readingOutsideOfTheLogSaysSo) {
  LogHarness h;
  h.open();
  ASSERT_TRUE(h.append(partition(1), {"a"}).ok());
  EXPECT_TRUE(h.log->read(partition(1), Offset(1), 100)->batches.empty());
  EXPECT_EQ(h.log->read(partition(1), Offset(2), 100).error().kind, ErrorKind::kOutOfRange);
  EXPECT_EQ(h.log->read(partition(1), Offset(-1), 100).error().kind, ErrorKind::kOutOfRange);
  EXPECT_EQ(h.log->read(partition(9), Offset(0), 100).error().kind, ErrorKind::kNotFound);
}

TEST(Log, badInputIsRefusedBeforeAnythingIsWritten) {
  LogHarness h;
  h.open();
  const uint64_t writes = h.disk.calls(DiskCall::kWrite);
  auto refuse = [&](TopicPartition to, Bytes bytes) {
    std::vector<PartitionAppend> entries;
    entries.push_back({partition(1), batch({"good"})});
    entries.push_back({to, std::move(bytes)});
    return h.append(std::move(entries)).error().kind;
  };
  EXPECT_EQ(refuse(partition(9), batch({"x"})), ErrorKind::kNotFound);
  EXPECT_EQ(refuse(partition(1), {}), ErrorKind::kInvalid);
  auto flipped = batch({"x"});
  flipped.back() ^= std::byte{1};
  EXPECT_EQ(refuse(partition(1), flipped), ErrorKind::kCorrupt);
  auto cut = batch({"x"});
  cut.pop_back();
  EXPECT_EQ(refuse(partition(1), cut), ErrorKind::kCorrupt);
  EXPECT_EQ(refuse(partition(1), batch({std::string(2 << 20, 'x')})), ErrorKind::kRecord);
  EXPECT_EQ(h.disk.calls(DiskCall::kWrite), writes);
  EXPECT_EQ(h.log->state(partition(1))->high_watermark, Offset(0));
}

TEST(Log, nothingIsVisibleBeforeTheRound) {
  LogHarness h;
  h.open();
  auto outcome = h.start_append([] {
    std::vector<PartitionAppend> entries;
    entries.push_back({partition(1), batch({"a"})});
    return entries;
  }());
  EXPECT_FALSE(outcome->has_value());
  EXPECT_EQ(h.log->state(partition(1))->high_watermark, Offset(0));
  h.executor.run_ready();
  ASSERT_TRUE(outcome->has_value());
  EXPECT_EQ(h.log->state(partition(1))->high_watermark, Offset(1));
}

TEST(Log, manyAppendsShareOneSync) {
  LogHarness h;
  h.open();
  ASSERT_TRUE(h.append(partition(1), {"warm"}).ok());
  const uint64_t before = h.log->stats().syncs;
  std::vector<std::shared_ptr<LogHarness::Outcome>> outcomes;
  for (int i = 0; i < 100; ++i) {
    std::vector<PartitionAppend> entries;
    entries.push_back({partition(static_cast<uint8_t>(1 + i % 2), i % 3), batch({std::to_string(i)})});
    outcomes.push_back(h.start_append(std::move(entries)));
  }
  h.executor.run_ready();
  for (auto& outcome : outcomes) EXPECT_TRUE(outcome->has_value() && (*outcome)->ok());
  EXPECT_EQ(h.log->stats().syncs, before + 1);
}

TEST(Log, segmentsRollAndReadsCrossThem) {
  LogHarness h;
  h.open();
  std::map<int64_t, std::string> expected;
  for (int i = 0; i < 100; ++i) {
    expected[i] = std::string(1000, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(h.append(partition(1), {expected[i]}).ok());
  }
  EXPECT_GT(h.log->state(partition(1))->segments, 5);
  EXPECT_GT(h.log->stats().checkpoints, 0u);
  EXPECT_EQ(*h.read_all(partition(1)), expected);
  EXPECT_EQ(*h.read_all(partition(1), 1), expected);
}

TEST(Log, aCleanStopReplaysNothingAndOpensNoSegment) {
  LogHarness h;
  h.open();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(h.append(partition(1, i % 3), {std::string(1000, 'x')}).ok());
  auto before = *h.read_all(partition(1));
  ASSERT_TRUE(h.log->stop().ok());
  const uint64_t opened = h.disk.calls(DiskCall::kOpen);
  h.open();
  EXPECT_TRUE(h.log->recovery().clean);
  EXPECT_LT(h.disk.calls(DiskCall::kOpen) - opened, 5u);
  EXPECT_GT(h.log->state(partition(1))->size_bytes, 10'000u);
  EXPECT_EQ(*h.read_all(partition(1)), before);
  EXPECT_EQ((*h.append(partition(1), {"more"}))[0].base_offset, Offset(17));
}

TEST(Log, anAppendAfterTheStopIsAnsweredWithAnError) {
  LogHarness h;
  h.open();
  ASSERT_TRUE(h.append(partition(1), {"a"}).ok());
  ASSERT_TRUE(h.log->stop().ok());
  auto late = h.append(partition(1), {"b"});
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().kind, ErrorKind::kShutdown);
}

TEST(Log, aKilledProcessLosesNothingAcknowledged) {
  LogHarness h;
  h.open();
  std::map<int64_t, std::string> expected;
  for (int i = 0; i < 60; ++i) {
    expected[i] = "v" + std::to_string(i);
    ASSERT_TRUE(h.append(partition(1), {expected[i]}).ok());
  }
  h.crash();
  h.open();
  EXPECT_FALSE(h.log->recovery().clean);
  EXPECT_EQ(h.log->recovery().replayed_frames, 60u);
  EXPECT_EQ(*h.read_all(partition(1)), expected);
  h.crash();
  h.open();
  EXPECT_EQ(h.log->recovery().replayed_frames, 0u);
  EXPECT_EQ(*h.read_all(partition(1)), expected);
}

TEST(Log, aFullDiskFailsAppendsUntilThereIsSpaceAgain) {
  LogHarness h;
  h.open();
  ASSERT_TRUE(h.append(partition(1), {"first"}).ok());
  ASSERT_TRUE(h.log->checkpoint().ok());
  const uint64_t used = UINT64_MAX - *h.disk.free_bytes("data");
  h.disk.set_capacity(used + 200);
  int64_t next = 1;
  bool failed = false;
  for (int i = 0; i < 10; ++i) {
    auto result = h.append(partition(1), {std::string(100, 'x')});
    if (result.ok()) {
      EXPECT_EQ((*result)[0].base_offset, Offset(next++));
    } else {
      failed = true;
      EXPECT_EQ(result.error().kind, ErrorKind::kRetriable);
    }
    EXPECT_EQ(h.log->state(partition(1))->high_watermark, Offset(next));
  }
  EXPECT_TRUE(failed);
  EXPECT_FALSE(h.log->stats().failed);
  h.disk.set_capacity(UINT64_MAX);
  EXPECT_EQ((*h.append(partition(1), {"last"}))[0].base_offset, Offset(next));
  auto all = *h.read_all(partition(1));
  EXPECT_EQ(all.size(), static_cast<size_t>(next + 1));
  EXPECT_EQ(all[next], "last");
  h.crash();
  h.open();
  EXPECT_EQ(*h.read_all(partition(1)), all);
}

TEST(Log, spaceRunningOutInTheMiddleOfAnyWriteLeavesNoTrace) {
  for (uint64_t nth = 1; nth < 12; ++nth) {
    for (DiskCall call : {DiskCall::kWrite, DiskCall::kCreate, DiskCall::kAllocate}) {
      LogHarness h(nth);
      h.open();
      std::map<int64_t, std::string> expected;
      h.disk.inject(call, call == DiskCall::kWrite ? DiskFault::kShortNoSpace : DiskFault::kNoSpace, nth);
      for (int i = 0; i < 30; ++i) {
        const std::string value = std::to_string(i) + std::string(2000, 'v');
        auto result = h.append(partition(1), {value});
        if (result.ok()) {
          expected[(*result)[0].base_offset.value()] = value;
        } else {
          EXPECT_EQ(result.error().kind, ErrorKind::kRetriable) << result.error().message;
        }
      }
      EXPECT_GE(expected.size(), 28u);
      EXPECT_EQ(*h.read_all(partition(1)), expected);
      h.crash();
      h.open();
      EXPECT_EQ(*h.read_all(partition(1)), expected) << static_cast<int>(call) << " " << nth;
    }
  }
}

TEST(Log, aFailedSyncStopsTheDirectoryButNotTheReaders) {
  LogHarness h;
  h.open();
  ASSERT_TRUE(h.append(partition(1), {"a"}).ok());
  h.disk.inject(DiskCall::kSync, DiskFault::kSyncDrops);
  auto failed = h.append(partition(1), {"b"});
  EXPECT_EQ(failed.error().kind, ErrorKind::kFatal);
  EXPECT_NE(failed.error().message.find("restart"), std::string::npos);
  const uint64_t syncs = h.disk.calls(DiskCall::kSync);
  EXPECT_EQ(h.append(partition(2), {"c"}).error().kind, ErrorKind::kFatal);
  EXPECT_EQ(h.disk.calls(DiskCall::kSync), syncs);  // never tried again
  EXPECT_TRUE(h.log->stats().failed);
  EXPECT_EQ(h.read_all(partition(1))->size(), 1u);
}

TEST(Log, afterAFailedSyncARestartServesNothingThatOnlyThePageCacheHas) {
  LogHarness h;
  h.open();
  ASSERT_TRUE(h.append(partition(1), {"a"}).ok());
  h.disk.inject(DiskCall::kSync, DiskFault::kSyncDrops);
  ASSERT_FALSE(h.append(partition(1), {"b"}).ok());
  h.log.reset();
  h.open();  // the page cache still shows the lost frame
  auto served = *h.read_all(partition(1));
  h.crash();
  h.open();
  EXPECT_EQ(*h.read_all(partition(1)), served);
}

TEST(Log, watchesFireOnceWhenTheirPartitionGrows) {
  LogHarness h;
  h.open();
  int fired = 0;
  auto watch = h.log->watch({{partition(1), Offset(0)}, {partition(2), Offset(0)}}, [&] { ++fired; });
  EXPECT_EQ(fired, 0);
  ASSERT_TRUE(h.append(partition(2), {"a"}).ok());
  EXPECT_EQ(fired, 1);
  ASSERT_TRUE(h.append(partition(1), {"a"}).ok());
  EXPECT_EQ(fired, 1);
  auto at_once = h.log->watch({{partition(1), Offset(0)}}, [&] { ++fired; });
  EXPECT_EQ(fired, 2);
  auto withdrawn = h.log->watch({{partition(1), Offset(1)}}, [&] { ++fired; });
  withdrawn.reset();
  ASSERT_TRUE(h.append(partition(1), {"a"}).ok());
  EXPECT_EQ(fired, 2);
}

TEST(Log, aDeletedTopicIsGoneAndItsSuccessorStartsEmpty) {
  LogHarness h;
  h.open();
  ASSERT_TRUE(h.append(partition(1), {"old"}).ok());
  h.topics.erase(topic_id(1));
  h.log->remove_topic(topic_id(1));
  EXPECT_EQ(h.log->read(partition(1), Offset(0), 100).error().kind, ErrorKind::kNotFound);
  h.add_topic(3, "one");
  ASSERT_TRUE(h.log->add_partitions(topic_id(3), h.topics[topic_id(3)], 3).ok());
  EXPECT_EQ((*h.append(partition(3), {"new"}))[0].base_offset, Offset(0));
  h.crash();
  h.open();
  EXPECT_EQ(h.read_all(partition(3))->at(0), "new");
  EXPECT_EQ(h.disk.files("data/topics/one-0-" + topic_id(1).to_string()).size(), 0u);
}

TEST(Log, offsetForTimestampFindsTheFirstBatch) {
  LogHarness h;
  h.open();
  for (int i = 0; i < 200; ++i) {
    std::vector<PartitionAppend> entries;
    entries.push_back({partition(1), batch({std::string(500, 'x')}, 1000 + i * 10)});
    ASSERT_TRUE(h.append(std::move(entries)).ok());
  }
  for (bool reopened : {false, true}) {
    if (reopened) {
      h.crash();
      h.open();
    }
    EXPECT_EQ(*h.log->offset_for_timestamp(partition(1), TimestampMs(0)), Offset(0));
    EXPECT_EQ(*h.log->offset_for_timestamp(partition(1), TimestampMs(1500)), Offset(50));
    EXPECT_EQ(*h.log->offset_for_timestamp(partition(1), TimestampMs(1501)), Offset(51));
    EXPECT_EQ(*h.log->offset_for_timestamp(partition(1), TimestampMs(2990)), Offset(199));
    EXPECT_EQ(*h.log->offset_for_timestamp(partition(1), TimestampMs(2991)), std::nullopt);
  }
}

TEST(Log, deletedRecordsStayDeleted) {
  LogHarness h;
  h.open();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(h.append(partition(1), {std::string(1000, 'x')}).ok());
  const int segments = h.log->state(partition(1))->segments;
  ASSERT_TRUE(h.log->delete_records(partition(1), Offset(40)).ok());
  EXPECT_EQ(h.log->state(partition(1))->start_offset, Offset(40));
  EXPECT_LT(h.log->state(partition(1))->segments, segments);
  EXPECT_EQ(h.log->read(partition(1), Offset(39), 100).error().kind, ErrorKind::kOutOfRange);
  EXPECT_EQ(h.log->delete_records(partition(1), Offset(61)).error().kind, ErrorKind::kOutOfRange);
  h.crash();
  h.open();
  EXPECT_EQ(h.log->state(partition(1))->start_offset, Offset(40));
  EXPECT_EQ(h.read_all(partition(1))->begin()->first, 40);
}

}  // namespace
}  // namespace sluice::storage
