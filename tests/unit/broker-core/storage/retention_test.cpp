// SPDX-License-Identifier: Apache-2.0
#include <random>

#include "tests/unit/broker-core/storage/log_fixture.hpp"

// What removes records: retention by time and size, compaction.
namespace sluice::storage {
namespace {

Result<std::vector<AppendResult>> put(LogHarness& h, const std::string& key,
                                      std::optional<std::string> value,
                                      std::optional<int64_t> at = std::nullopt) {
  model::BatchBuilder builder;
  std::optional<ByteView> bytes;
  if (value) bytes = as_bytes(*value);
  builder.add(at.value_or(h.clock.now_ms().value()), as_bytes(key), bytes);
  std::vector<PartitionAppend> entries;
  entries.push_back({partition(1), builder.finish()});
  return h.append(std::move(entries));
}

struct Entry {
  int64_t offset;
  std::string key;
  std::optional<std::string> value;
  bool operator==(const Entry&) const = default;
};

std::vector<Entry> entries_of(LogHarness& h) {
  std::vector<Entry> result;
  auto state = *h.log->state(partition(1));
  Offset at = state.start_offset;
  while (at < state.high_watermark) {
    auto read = h.log->read(partition(1), at, 4000);
    EXPECT_TRUE(read.ok()) << read.error().message;
    if (!read.ok() || read->batches.empty()) return result;
    ByteView rest = read->batches;
    while (!rest.empty()) {
      auto header = *model::read_batch_header(rest);
      auto reader = *model::RecordReader::open(rest.first(header.size()));
      model::RecordView record;
      while (*reader.next(record)) {
        Entry entry{record.offset.value(), std::string(as_text(*record.key)), std::nullopt};
        if (record.value) entry.value = std::string(as_text(*record.value));
        if (entry.offset >= state.start_offset.value()) result.push_back(std::move(entry));
      }
      at = header.next_offset();
      rest = rest.subspan(header.size());
    }
  }
  return result;
}

std::map<std::string, std::string> table_of(const std::vector<Entry>& entries) {
  std::map<std::string, std::string> table;
  for (const auto& entry : entries) {
    if (entry.value) {
      table[entry.key] = *entry.value;
    } else {
      table.erase(entry.key);
    }
  }
  return table;
}

TEST(Retention, bySizeRemovesWholeOldSegments) {
  LogHarness h;
  h.topics[topic_id(1)].retention_bytes = 40'000;
  h.open();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(put(h, "k", std::string(1000, 'x')).ok());
  ASSERT_TRUE(h.log->run_housekeeping().ok());
  auto state = *h.log->state(partition(1));
  EXPECT_GT(state.start_offset, Offset(40));
  EXPECT_GE(state.size_bytes, 40'000u);
  EXPECT_LT(state.size_bytes, 60'000u);
  EXPECT_EQ(h.disk.files("data/topics/one-0").size(), 4u * static_cast<size_t>(state.segments));
  h.crash();
  h.open();
  EXPECT_EQ(h.log->state(partition(1))->start_offset, state.start_offset);
  EXPECT_EQ(entries_of(h).front().offset, state.start_offset.value());
}

TEST(Retention, byTimeAlsoTakesTheActiveSegmentWhenAllOfItIsOld) {
  LogHarness h;
  h.topics[topic_id(1)].retention_ms = 1000;
  h.open();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(put(h, "k", std::string(1000, 'x')).ok());
  ASSERT_TRUE(h.log->run_housekeeping().ok());
  EXPECT_EQ(h.log->state(partition(1))->start_offset, Offset(0));
  h.clock.move(std::chrono::seconds(2));
  ASSERT_TRUE(h.log->run_housekeeping().ok());
  EXPECT_EQ(h.log->state(partition(1))->start_offset, Offset(30));
  EXPECT_EQ(h.log->state(partition(1))->segments, 1);
  EXPECT_EQ((*put(h, "k", "new"))[0].base_offset, Offset(30));
  h.crash();
  h.open();
  ASSERT_EQ(entries_of(h).size(), 1u);
  EXPECT_EQ(entries_of(h)[0].value, "new");
}

void compacted(LogHarness& h) {
  h.topics[topic_id(1)].compact = true;
  h.topics[topic_id(1)].remove = false;
  h.topics[topic_id(1)].delete_retention_ms = 1000;
  h.topics[topic_id(1)].segment_bytes = 4000;
  h.settings.checkpoint_bytes = 1 << 20;
}

void fill(LogHarness& h, uint64_t seed, int count) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < count; ++i) {
    const std::string key = "key" + std::to_string(random() % 15);
    const bool tombstone = random() % 10 == 0;
    auto value = std::to_string(i) + std::string(random() % 300, 'v');
    ASSERT_TRUE(put(h, key, tombstone ? std::nullopt : std::optional(value)).ok());
  }
}

TEST(Compaction, keepsTheLastRecordOfEachKeyAtItsOffset) {
  LogHarness h;
  compacted(h);
  h.open();
  fill(h, 1, 300);
  const auto before = entries_of(h);
  const auto state = *h.log->state(partition(1));
  ASSERT_TRUE(h.log->run_housekeeping().ok());
  const auto after = entries_of(h);
  const auto now = *h.log->state(partition(1));
  EXPECT_GT(h.log->stats().segments_compacted, 0u);
  EXPECT_LT(now.size_bytes, state.size_bytes / 3);
  EXPECT_LT(now.segments, state.segments);
  EXPECT_EQ(now.high_watermark, state.high_watermark);
  EXPECT_EQ(table_of(after), table_of(before));
  for (const auto& entry : after) EXPECT_EQ(entry, before[static_cast<size_t>(entry.offset)]);
  for (bool cut : {false, true}) {
    if (cut) {
      h.crash();
    } else {
      ASSERT_TRUE(h.log->stop().ok());
    }
    h.open();
    EXPECT_EQ(entries_of(h), after);
    auto findings = *verify_directory(h.disk, "data", nullptr);
    for (const auto& finding : findings)
      EXPECT_FALSE(finding.damage) << finding.file << ": " << finding.text;
  }
}

TEST(Compaction, tombstonesGoAfterTheirTimeAndNothingComesBack) {
  LogHarness h;
  compacted(h);
  h.open();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(put(h, "gone", std::string(500, 'x')).ok());
  ASSERT_TRUE(put(h, "gone", std::nullopt).ok());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(put(h, "other", std::string(500, 'x')).ok());
  ASSERT_TRUE(h.log->run_housekeeping().ok());
  auto has_gone = [&] {
    for (const auto& entry : entries_of(h)) {
      if (entry.key == "gone") return true;
    }
    return false;
  };
  EXPECT_TRUE(has_gone());  // the tombstone
  h.clock.move(std::chrono::milliseconds(900));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(put(h, "other", std::string(500, 'x')).ok());
  ASSERT_TRUE(h.log->run_housekeeping().ok());
  EXPECT_TRUE(has_gone());  // still within delete.retention.ms
  h.clock.move(std::chrono::milliseconds(200));
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(put(h, "other", std::string(500, 'x')).ok());
  ASSERT_TRUE(h.log->run_housekeeping().ok());
  EXPECT_FALSE(has_gone());
}

// Its own timestamp says nothing about when readers could first see a tombstone without the values
// before it.
TEST(Compaction, anOldTombstoneIsKeptForItsTimeToo) {
  LogHarness h;
  compacted(h);
  h.open();
  ASSERT_TRUE(put(h, "gone", "x", 1000).ok());
  ASSERT_TRUE(put(h, "gone", std::nullopt, 2000).ok());
  auto tombstones = [&] {
    int count = 0;
    for (const auto& entry : entries_of(h)) count += entry.key == "gone" && !entry.value ? 1 : 0;
    return count;
  };
  for (int run = 0; run < 3; ++run) {
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(put(h, "other", std::string(500, 'x')).ok());
    ASSERT_TRUE(h.log->run_housekeeping().ok());
    EXPECT_EQ(tombstones(), 1) << run;
    EXPECT_EQ(entries_of(h).front().offset, 1);
  }
  h.clock.move(std::chrono::milliseconds(1001));
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(put(h, "other", std::string(500, 'x')).ok());
  ASSERT_TRUE(h.log->run_housekeeping().ok());
  EXPECT_EQ(tombstones(), 0);
}

TEST(Compaction, severalRecordsOfABatchAreThinnedInPlace) {
  LogHarness h;
  compacted(h);
  h.open();
  for (int i = 0; i < 20; ++i) {
    model::BatchBuilder builder;
    for (const char* key : {"a", "b", "c"}) {
      const std::string value = std::to_string(i) + std::string(200, *key);
      builder.add(h.clock.now_ms().value(), as_bytes(i % 2 == 0 ? key : "a"), as_bytes(value));
    }
    std::vector<PartitionAppend> entries;
    entries.push_back({partition(1), builder.finish()});
    ASSERT_TRUE(h.append(std::move(entries)).ok());
  }
  const auto before = entries_of(h);
  ASSERT_TRUE(h.log->run_housekeeping().ok());
  const auto after = entries_of(h);
  EXPECT_LT(after.size(), before.size());
  EXPECT_EQ(table_of(after), table_of(before));
  for (const auto& entry : after) EXPECT_EQ(entry, before[static_cast<size_t>(entry.offset)]);
}

TEST(Compaction, aPowerLossAtEveryStepLosesNothing) {
  for (uint64_t step = 1;; ++step) {
    LogHarness h(step);
    compacted(h);
    h.open();
    fill(h, step, 120);
    const auto before = entries_of(h);
    h.disk.power_off_after(step);
    const bool finished = h.log->run_housekeeping().ok() && !h.disk.powered_off();
    if (step % 3 == 0) {
      h.kill();
    } else {
      h.crash();
    }
    h.open();
    auto after = entries_of(h);
    EXPECT_EQ(table_of(after), table_of(before)) << step;
    for (const auto& entry : after)
      EXPECT_EQ(entry, before.at(static_cast<size_t>(entry.offset))) << step;
    fill(h, step + 1000, 60);
    const auto more = table_of(entries_of(h));
    ASSERT_TRUE(h.log->run_housekeeping().ok());
    EXPECT_EQ(table_of(entries_of(h)), more) << step;
    h.crash();
    h.open();
    EXPECT_EQ(table_of(entries_of(h)), more) << step;
    if (HasFailure() || finished) break;
    ASSERT_LT(step, 1000u);
  }
}

}  // namespace
}  // namespace sluice::storage
