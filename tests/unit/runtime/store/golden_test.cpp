// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>

#include "broker-core/model/partitioner.hpp"
#include "broker-core/model/record_batch.hpp"
#include "runtime/log/source_offsets.hpp"
#include "runtime/store/json.hpp"
#include "tests/support/fake_log.hpp"

// Our records against those that a real Kafka Connect wrote (kafka_connect_records.txt).
namespace sluice::store {
namespace {

struct Golden {
  std::string topic;
  int partition = 0;
  std::string key;
  std::optional<std::string> value;
};

std::vector<Golden> golden() {
  std::ifstream file(SLUICE_GOLDEN_RECORDS);
  std::vector<Golden> records;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t a = line.find('\t'), b = line.find('\t', a + 1), c = line.find('\t', b + 1);
    const std::string value = line.substr(c + 1);
    records.push_back({line.substr(0, a), std::stoi(line.substr(a + 1, b - a - 1)),
                       line.substr(b + 1, c - b - 1),
                       value == "null" ? std::nullopt : std::optional(value)});
  }
  return records;
}

TEST(GoldenRecords, ArePartitionedAsOurs) {
  const std::map<std::string, int32_t> counts{
      {"connect-configs", 1}, {"connect-offsets", 25}, {"connect-status", 5}};
  auto records = golden();
  ASSERT_GT(records.size(), 20u);
  for (const Golden& record : records)
    EXPECT_EQ(model::partition_for_key(as_bytes(record.key), counts.at(record.topic)).value(),
              record.partition)
        << record.key;
}

// Read and written again they are the same bytes. Only the order of a config's properties is not
// kept: it has no meaning.
TEST(GoldenRecords, AreWrittenByteForByte) {
  int compared = 0;
  for (const Golden& record : golden()) {
    if (!record.value) continue;
    const std::string& value = *record.value;
    std::optional<std::string> ours;
    if (record.key.starts_with("connector-") || record.key.starts_with("task-")) {
      auto properties = json::read_properties(value);
      ASSERT_TRUE(properties) << value;
      EXPECT_EQ(json::read_properties(json::properties(*properties)), properties);
      EXPECT_EQ(json::properties(*properties).size(), value.size()) << value;
      continue;
    }
    if (record.key.starts_with("commit-")) ours = json::commit(*json::read_commit(value));
    if (record.key.starts_with("target-state-"))
      ours = json::target_state(*json::read_target_state(value));
    if (record.key.starts_with("status-topic-"))
      ours = json::topic_status(*json::read_topic_status(value));
    else if (record.key.starts_with("status-"))
      ours = json::status(*json::read_status(value));
    if (record.topic == "connect-offsets") continue;
    ASSERT_TRUE(ours) << record.key;
    EXPECT_EQ(*ours, value);
    ++compared;
  }
  EXPECT_GT(compared, 15);
}

TEST(GoldenRecords, OffsetKeysAreWrittenByteForByte) {
  int compared = 0;
  for (const Golden& record : golden()) {
    if (record.topic != "connect-offsets") continue;
    auto key = json::read_offset_key(record.key);
    ASSERT_TRUE(key);
    EXPECT_EQ(log::source_offset_key(key->connector, key->partition), record.key);
    ++compared;
  }
  EXPECT_GT(compared, 0);
}

// The stores take over what a Kafka Connect cluster left.
TEST(GoldenRecords, AreTakenOver) {
  testing::FakeLog log;
  ASSERT_TRUE(ConfigStore::open(log, system_clock()).ok());
  for (const Golden& record : golden()) {
    if (record.topic != "connect-configs") continue;
    model::BatchBuilder builder;
    std::optional<ByteView> value;
    if (record.value) value = as_bytes(*record.value);
    ASSERT_TRUE(builder.add(1, as_bytes(record.key), value));
    log::AppendRequest request;
    request.batches.push_back({{record.topic, PartitionId(record.partition)}, builder.finish()});
    ASSERT_TRUE(log::append_and_wait(log, std::move(request)).ok());
  }
  auto store = ConfigStore::open(log, system_clock()).value();
  EXPECT_EQ(store->connectors(), (std::vector<std::string>{"gold-1", "stop \"\u00e9"}));
  auto entry = store->get("gold-1").value();
  EXPECT_EQ(entry.target_state, TargetState::kStarted);
  ASSERT_EQ(entry.tasks.size(), 1u);
  EXPECT_EQ(entry.tasks[0].at("task.class"), "org.apache.kafka.connect.file.FileStreamSourceTask");
  EXPECT_FALSE(entry.inconsistent);
  EXPECT_EQ(store->get("stop \"\u00e9")->target_state, TargetState::kStopped);
}

}  // namespace
}  // namespace sluice::store
