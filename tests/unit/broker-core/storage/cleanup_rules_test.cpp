// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/crc32c.hpp"
#include "broker-core/model/endian.hpp"
#include "tests/unit/broker-core/storage/log_fixture.hpp"

// When a segment is rolled, removed or compacted: each topic config on a clock that moves when
// told.
namespace sluice::storage {
namespace {

using std::chrono::milliseconds;

class Rules : public ::testing::Test {
 protected:
  // A record of about `size` bytes with the clock's time.
  void put(const std::string& key, size_t size = 500, std::optional<int64_t> at = std::nullopt) {
    std::vector<PartitionAppend> entries;
    const std::string value = std::to_string(next_++) + std::string(size, 'v');
    entries.push_back({partition(1), batch({value}, at.value_or(h_.clock.now_ms().value()), key)});
    ASSERT_TRUE(h_.append(std::move(entries)).ok());
  }
  void put_many(const std::string& key, int count) {
    for (int i = 0; i < count; ++i) put(key);
  }
  void clean() {
    auto done = h_.log->run_housekeeping();
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  TopicSettings& topic() { return h_.topics[topic_id(1)]; }
  void apply() { h_.log->change_settings(topic_id(1), topic()); }
  int segments() { return h_.log->state(partition(1))->segments; }
  int64_t start() { return h_.log->state(partition(1))->start_offset.value(); }
  int64_t end() { return h_.log->state(partition(1))->high_watermark.value(); }
  size_t records() { return h_.read_all(partition(1))->size(); }
  uint64_t compacted() { return h_.log->stats().segments_compacted; }

  LogHarness h_;
  int next_ = 0;
};

TEST_F(Rules, segmentBytesRolls) {
  topic().segment_bytes = 4000;
  h_.open();
  for (int i = 0; i < 20; ++i) put("k");
  EXPECT_EQ(segments(), 4);  // six batches of less than 600 bytes fit into each
  put("k", 9000);            // larger than a segment: has one of its own
  EXPECT_EQ(segments(), 5);
}

TEST_F(Rules, segmentMsRollsByRecordTimeOnAppendAndByTheClockWithoutAppends) {
  topic().segment_ms = 1000;
  h_.open();
  put("k");
  h_.clock.move(milliseconds(1000));
  put("k");
  EXPECT_EQ(segments(), 1);
  h_.clock.move(milliseconds(1));
  put("k");
  EXPECT_EQ(segments(), 2);
  clean();
  EXPECT_EQ(segments(), 2);
  h_.clock.move(milliseconds(1001));
  clean();
  EXPECT_EQ(segments(), 3);
  h_.clock.move(milliseconds(5000));
  clean();  // an empty segment is not rolled
  EXPECT_EQ(segments(), 3);
}

TEST_F(Rules, segmentIndexBytesRolls) {
  topic().segment_bytes = 1 << 20;
  topic().index_interval_bytes = 1000;
  topic().segment_index_bytes = 120;  // ten time index entries, the last one for the roll
  h_.open();
  for (int i = 0; i < 100; ++i) put("k");  // an index entry for every second or third batch
  const int by_time_index = segments();
  EXPECT_GE(by_time_index, 4);
  for (const auto& name : h_.disk.files("data/topics/one-0")) {
    if (name.ends_with(".timeindex")) {
      EXPECT_LE(h_.disk.content(name).size(), 120u) << name;
    }
  }
  topic().segment_index_bytes = 10 << 20;
  apply();
  for (int i = 0; i < 100; ++i) put("k");
  EXPECT_EQ(segments(), by_time_index);
}

TEST_F(Rules, retentionMsCountsFromTheNewestRecordOfASegment) {
  topic().segment_bytes = 4000;
  topic().retention_ms = 1000;
  h_.open();
  put_many("k", 6);
  h_.clock.move(milliseconds(600));
  put_many("k", 6);
  clean();
  EXPECT_EQ(start(), 0);
  h_.clock.move(milliseconds(401));
  clean();
  EXPECT_EQ(start(), 6);
  topic().retention_ms = -1;
  apply();
  h_.clock.move(milliseconds(1'000'000));
  clean();
  EXPECT_EQ(start(), 6);
}

TEST_F(Rules, retentionBytesKeepsAtLeastAsMuch) {
  topic().segment_bytes = 4000;
  topic().retention_bytes = 8000;
  topic().retention_ms = -1;
  h_.open();
  put_many("k", 60);
  clean();
  const auto size = h_.log->state(partition(1))->size_bytes;
  EXPECT_GE(size, 8000u);
  EXPECT_LT(size, 12'000u);
  topic().retention_bytes = 0;  // Kafka takes the active segment then, too
  apply();
  clean();
  EXPECT_EQ(start(), 60);
  EXPECT_EQ(end(), 60);
  put("k");
  EXPECT_EQ(records(), 1u);
}

class CompactionRules : public Rules {
 protected:
  void SetUp() override {
    topic().compact = true;
    topic().remove = false;
    topic().segment_bytes = 4000;
    topic().retention_ms = 10;  // has no effect without the policy delete
  }
};

TEST_F(CompactionRules, neverTouchTheActiveSegment) {
  topic().segment_bytes = 1 << 20;
  topic().min_cleanable_dirty_ratio = 0;
  h_.open();
  put_many("k", 50);
  clean();
  EXPECT_EQ(records(), 50u);
  topic().segment_bytes = 4000;
  apply();
  put("k");  // rolls
  clean();
  EXPECT_EQ(records(), 2u);  // the last of the closed segment, the one of the active segment
  EXPECT_EQ(start(), 0);
  EXPECT_EQ(end(), 51);
}

TEST_F(CompactionRules, minCleanableDirtyRatio) {
  h_.open();
  for (int i = 0; i < 60; ++i) put("k" + std::to_string(i));
  clean();  // all is dirty
  EXPECT_EQ(records(), 60u);
  put_many("k0", 30);  // less than half of the closed bytes
  clean();
  EXPECT_EQ(records(), 90u);
  put_many("k0", 40);
  clean();
  EXPECT_LT(records(), 75u);
  const auto before = compacted();
  clean();  // nothing is dirty
  EXPECT_EQ(compacted(), before);
  topic().min_cleanable_dirty_ratio = 1;  // nothing is more than all
  apply();
  put_many("k1", 100);
  clean();
  EXPECT_EQ(compacted(), before);
}

TEST_F(CompactionRules, minCompactionLagKeepsTheYoungRecords) {
  topic().min_cleanable_dirty_ratio = 0;
  topic().min_compaction_lag_ms = 1000;
  h_.open();
  put_many("k", 12);  // two segments
  h_.clock.move(milliseconds(500));
  put_many("k", 12);
  clean();
  EXPECT_EQ(records(), 24u);
  h_.clock.move(milliseconds(500));
  clean();
  EXPECT_EQ(records(), 13u);  // one of the first two segments and all that is younger
  h_.clock.move(milliseconds(500));
  clean();
  EXPECT_EQ(records(), 7u);  // and what is in the active segment stays
}

TEST_F(CompactionRules, maxCompactionLagCompactsHoweverLittleIsDirty) {
  topic().max_compaction_lag_ms = 1000;
  h_.open();
  for (int i = 0; i < 60; ++i) put("k" + std::to_string(i));
  clean();
  h_.clock.move(milliseconds(600));
  put("k0");
  h_.clock.move(milliseconds(600));
  clean();  // 1200 ms after the first 60 and 600 after k0: only some of the first are still dirty
  h_.clock.move(milliseconds(401));
  clean();  // the segment with k0 is rolled by the clock and compacted, though it is a small part
  EXPECT_EQ(records(), 60u);
  EXPECT_EQ(start(), 0);
  EXPECT_EQ(h_.read_all(partition(1))->begin()->first, 1);
}

TEST_F(CompactionRules, compactAndDeleteDoesBoth) {
  topic().remove = true;
  topic().retention_ms = 10'000;
  topic().min_cleanable_dirty_ratio = 0;
  h_.open();
  for (int i = 0; i < 30; ++i) put("k" + std::to_string(i));
  put_many("k0", 30);
  clean();
  EXPECT_LT(records(), 40u);
  EXPECT_EQ(start(), 0);
  h_.clock.move(milliseconds(10'001));
  put("new");
  clean();
  EXPECT_GE(start(), 54);
  EXPECT_EQ(h_.read_all(partition(1))->rbegin()->first, 60);
  h_.crash();
  h_.open();
  EXPECT_GE(start(), 54);
  EXPECT_EQ(h_.read_all(partition(1))->rbegin()->first, 60);
}

TEST_F(CompactionRules, logAppendTimeBatchesAreThinnedLikeOthers) {
  topic().min_cleanable_dirty_ratio = 0;
  h_.open();
  for (int i = 0; i < 20; ++i) {
    model::BatchBuilder builder;
    for (const char* key : {"a", "b"})
      builder.add(1000 + i, as_bytes(key), as_bytes(std::string(300, *key)));
    Bytes bytes = builder.finish();
    model::store_big<int16_t>(bytes.data() + 21, 8);  // LogAppendTime
    model::store_big<uint32_t>(bytes.data() + 17, crc32c(ByteView(bytes).subspan(21)));
    std::vector<PartitionAppend> entries;
    entries.push_back({partition(1), std::move(bytes)});
    ASSERT_TRUE(h_.append(std::move(entries)).ok());
  }
  clean();
  EXPECT_LE(records(), 14u);
  auto read = *h_.log->read(partition(1), Offset(0), 1);
  auto reader = *model::RecordReader::open(read.batches);
  model::RecordView record;
  ASSERT_TRUE(*reader.next(record));
  EXPECT_EQ(record.timestamp, reader.header().max_timestamp);
}

}  // namespace
}  // namespace sluice::storage
