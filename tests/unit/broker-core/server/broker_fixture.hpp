// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <future>

#include "broker-core/model/record_batch.hpp"
#include "broker-core/server/broker.hpp"
#include "tests/support/fake_disk.hpp"
#include "tests/support/sim_executor.hpp"

namespace sluice::server {

inline const TopicPartitionName kFirst{"orders", PartitionId(0)};
inline const TopicPartitionName kSecond{"orders", PartitionId(1)};

inline Bytes batch_of(
    const std::vector<std::pair<std::optional<std::string>, std::string>>& records,
    int64_t timestamp = 1'700'000'000'000) {
  model::BatchBuilder builder;
  for (const auto& [key, value] : records) {
    builder.add(timestamp, key ? std::optional(as_bytes(*key)) : std::nullopt, as_bytes(value));
  }
  return builder.finish();
}

inline std::vector<std::string> values_of(ByteView batches) {
  std::vector<std::string> out;
  while (!batches.empty()) {
    auto reader = model::RecordReader::open(batches);
    if (!reader.ok()) break;
    model::RecordView record;
    while (*reader->next(record))
      out.emplace_back(record.value ? as_text(*record.value) : "<null>");
    batches = batches.subspan(reader->header().size());
  }
  return out;
}

// A broker in one thread on a fake disk. Its work runs when a result is waited for.
class SimBroker : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Broker>> try_open() {
    Broker::Settings settings;
    settings.directory = "/var/data";
    settings.storage.commit_file_bytes = 1u << 20;
    return Broker::open(settings, {disk_, clock_, system_random(), &executor_});
  }
  void open() {
    auto opened = try_open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    broker_ = std::move(*opened);
  }
  // kill -9: what was written stays, nothing is finished. Or a loss of power.
  void kill(bool power) {
    executor_.clear();
    if (power) disk_.crash();
    broker_.reset();
    executor_.clear();
  }

  // Runs the executor until `result` has a value.
  template <class T>
  T wait(std::optional<T>& result) {
    EXPECT_TRUE(executor_.run_until([&] { return result.has_value(); }));
    return std::move(*result);
  }
  Result<std::vector<Broker::Appended>> append(std::vector<Broker::Batches> entries) {
    std::optional<Result<std::vector<Broker::Appended>>> result;
    broker_->append(std::move(entries), [&](auto outcome) { result = std::move(outcome); });
    return wait(result);
  }
  coordinator::CommitResponse commit(coordinator::CommitRequest request) {
    std::optional<coordinator::CommitResponse> result;
    broker_->commit_offsets(request, [&](auto outcome) { result = std::move(outcome); });
    return wait(result);
  }
  coordinator::CommitResponse commit(const std::string& group, const TopicPartitionName& partition,
                                     int64_t offset) {
    coordinator::CommitRequest request;
    request.group = group;
    request.offsets[partition].offset = Offset(offset);
    return commit(request);
  }
  int64_t committed(const std::string& group, const TopicPartitionName& partition) {
    auto fetched = broker_->fetch_offsets(group, std::vector{partition});
    EXPECT_TRUE(fetched.ok()) << fetched.error().message;
    return fetched.ok() ? fetched->at(partition).offset.value() : -99;
  }

  testing::FakeDisk disk_{7};
  testing::SimClock clock_;
  testing::SimExecutor executor_{7, clock_};
  std::unique_ptr<Broker> broker_;
};

}  // namespace sluice::server
