// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker-core/model/record_batch.hpp"
#include "broker-core/storage/log.hpp"
#include "tests/support/fake_disk.hpp"
#include "tests/support/sim_executor.hpp"

namespace sluice::storage {

inline TopicId topic_id(uint8_t number) {
  TopicId id;
  id.bytes.fill(number);
  return id;
}
inline TopicPartition partition(uint8_t topic, int32_t number = 0) { return {topic_id(topic), PartitionId(number)}; }

// One batch with a record for each text; key = "k" + text unless `key` is given.
inline Bytes batch(const std::vector<std::string>& values, int64_t timestamp = 1'700'000'000'000,
                   std::optional<std::string> key = std::nullopt) {
  model::BatchBuilder builder;
  for (const auto& value : values) {
    const std::string text = key ? *key : "k" + value;
    builder.add(timestamp, as_bytes(text), as_bytes(value));
  }
  return builder.finish();
}

// The values of all records in batches back to back, with their offsets.
inline std::map<int64_t, std::string> records_of(ByteView batches) {
  std::map<int64_t, std::string> result;
  while (!batches.empty()) {
    auto header = model::read_batch_header(batches);
    if (!header.ok()) {
      ADD_FAILURE() << header.error().message;
      return result;
    }
    auto reader = model::RecordReader::open(batches.first(header->size()));
    model::RecordView record;
    while (*reader->next(record)) {
      result[record.offset.value()] = record.value ? std::string(as_text(*record.value)) : "(null)";
    }
    batches = batches.subspan(header->size());
  }
  return result;
}

// A log on a fake disk, run by a seeded executor in this thread.
class LogHarness {
 public:
  explicit LogHarness(uint64_t seed = 1) : disk(seed), executor(seed, clock) {
    settings.directory = "data";
    settings.commit_file_bytes = 256 * 1024;
    settings.checkpoint_bytes = 128 * 1024;
    settings.housekeeping_interval_ms = 1'000'000'000;
    EXPECT_TRUE(disk.create_directories("data").ok());
    EXPECT_TRUE(disk.sync_directory(".").ok());
    add_topic(1, "one");
    add_topic(2, "two");
  }
  ~LogHarness() { log.reset(); }

  TopicSettings& add_topic(uint8_t number, const std::string& name) {
    TopicSettings& topic = topics[topic_id(number)];
    topic.name = name;
    topic.segment_bytes = 16 * 1024;
    topic.index_interval_bytes = 1024;
    return topic;
  }

  Status try_open() {
    log.reset();
    executor.clear();
    auto opened = Log::open(settings, {disk, clock, &executor},
                            [this](const TopicId& id) -> std::optional<TopicSettings> {
                              auto it = topics.find(id);
                              return it == topics.end() ? std::nullopt : std::optional(it->second);
                            });
    if (!opened.ok()) return opened.error();
    log = std::move(opened).value();
    for (const auto& [id, topic] : topics) EXPECT_TRUE(log->add_partitions(id, topic, 3).ok());
    return ok();
  }
  void open() {
    auto status = try_open();
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  // The process dies; what it wrote stays with the kernel.
  void kill() {
    disk.power_off_after(1);  // nothing that the destructor does may reach the disk
    log.reset();
    executor.clear();
    disk.power_on();
  }
  // Power loss.
  void crash() {
    kill();
    disk.crash();
  }

  using Outcome = std::optional<Result<std::vector<AppendResult>>>;
  std::shared_ptr<Outcome> start_append(std::vector<PartitionAppend> entries) {
    auto outcome = std::make_shared<Outcome>();
    log->append(std::move(entries), [outcome](Result<std::vector<AppendResult>> result) {
      EXPECT_FALSE(outcome->has_value());
      outcome->emplace(std::move(result));
    });
    return outcome;
  }
  Result<std::vector<AppendResult>> append(std::vector<PartitionAppend> entries) {
    auto outcome = start_append(std::move(entries));
    executor.run_ready();
    if (!outcome->has_value()) return Error{ErrorKind::kFatal, "no answer"};
    return **outcome;
  }
  Result<std::vector<AppendResult>> append(const TopicPartition& to, const std::vector<std::string>& values) {
    std::vector<PartitionAppend> entries;
    entries.push_back({to, batch(values)});
    return append(std::move(entries));
  }
  // All records of a partition, read in pieces of about `max_bytes`.
  Result<std::map<int64_t, std::string>> read_all(const TopicPartition& from, size_t max_bytes = 3000) {
    auto state = log->state(from);
    if (!state.ok()) return state.error();
    std::map<int64_t, std::string> all;
    Offset at = state->start_offset;
    while (at < state->high_watermark) {
      auto result = log->read(from, at, max_bytes);
      if (!result.ok()) return result.error();
      if (result->batches.empty()) break;
      auto records = records_of(result->batches);
      for (auto& [offset, value] : records) {
        if (offset >= at.value()) all.emplace(offset, value);
      }
      at = model::read_batch_header(result->batches)->next_offset();
      if (!records.empty()) at = std::max(at, Offset(records.rbegin()->first + 1));
    }
    return all;
  }

  testing::FakeDisk disk;
  testing::SimClock clock;
  testing::SimExecutor executor;
  Settings settings;
  std::map<TopicId, TopicSettings> topics;
  std::unique_ptr<Log> log;
};

}  // namespace sluice::storage
