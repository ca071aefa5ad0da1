// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/testkit/fake_host.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// Drivers call a task as the worker does, in its order, and note every law that the task breaks in the host's
// violations(). One thread, except for stop().
namespace sluice::testkit {

using ConfigMap = std::map<std::string, std::string>;

// `config` with the defaults of `def` put in, as the worker does before it creates anything.
ConfigMap with_defaults(const sluice_config_def& def, ConfigMap config);

// A sluice_config over a ConfigMap.
class ConfigTable {
 public:
  explicit ConfigTable(ConfigMap config);
  ConfigTable(const ConfigTable&) = delete;
  ConfigTable& operator=(const ConfigTable&) = delete;
  const sluice_config* raw() const { return &raw_; }

 private:
  ConfigMap config_;
  std::vector<sluice_pair> entries_;
  sluice_config raw_;
};

// The answer of one call.
struct Outcome {
  sluice_status status = SLUICE_OK;
  std::string text;
  uint32_t retry_after_ms = 0;
  uint32_t record_index = 0;
  bool ok() const { return status == SLUICE_OK; }
};
const char* status_name(sluice_status status);

// A copy of what a source wrote.
struct Record {
  std::string topic;
  std::optional<std::string> key;    // text or bytes as they are, other types as describe() has them
  std::optional<std::string> value;
  std::map<std::string, std::string> headers;
  int64_t timestamp_ms = SLUICE_NO_TIMESTAMP;
  int32_t partition = SLUICE_ANY_PARTITION;
  std::optional<std::string> fault;  // what record_error said of it: the worker does not write it to the topic
};

// One instance of a source task.
//   FakeHost host;
//   auto source = SourceDriver::of<MySource>(host, {{"topic", "t"}});
//   ASSERT_TRUE(source.start().ok());
//   ASSERT_TRUE(source.poll().ok());
//   EXPECT_EQ(source.records().size(), 3u);
//   source.make_durable();  // stores offsets, releases, acknowledges
class SourceDriver {
 public:
  SourceDriver(FakeHost& host, const sluice_source_api* api, ConfigMap config, Settings settings = {});
  ~SourceDriver();
  SourceDriver(const SourceDriver&) = delete;
  SourceDriver& operator=(const SourceDriver&) = delete;
  template <class Task>
  static SourceDriver of(FakeHost& host, ConfigMap config) {
    return SourceDriver(host, &sdk::detail::kSourceApi<Task>, std::move(config));
  }

  Outcome start();
  Outcome poll(const sluice_poll_limits& limits = default_limits());
  // Polls, waiting in between as the task asks, until there are `count` records in all, or the task answers
  // something else than OK, or the time is over.
  Outcome poll_until(size_t count, std::chrono::milliseconds limit = std::chrono::seconds(10));
  // All batches up to number `batch` (0: all so far) are durable: their offsets are stored, their memory is
  // released, the task is told. Returns what ack answered.
  Outcome make_durable(uint64_t batch = 0);
  void stop();     // [any]
  void destroy();  // releases what is left, without making it durable

  const std::vector<Record>& records() const { return records_; }
  uint64_t batches() const { return next_batch_ - 1; }
  uint32_t idle_ms() const { return idle_ms_; }
  bool running() const { return task_ != nullptr; }
  FakeContext& context() { return context_; }
  static sluice_poll_limits default_limits();

 private:
  struct Held {
    uint64_t number;
    sluice_batch batch;
    std::string content;  // what it said when it came; must be the same at release
  };
  void take(const sluice_batch& batch);
  void take_record_errors(uint32_t count);
  void check(const sluice_batch& batch);
  void check_offsets(const sluice_batch& batch);
  std::string content(const sluice_batch& batch) const;
  void release(Held& held);
  void store_offsets(const sluice_batch& batch);

  FakeHost& host_;
  FakeContext& context_;
  const sluice_source_api* api_;
  ConfigTable config_;
  void* task_ = nullptr;
  std::deque<Held> held_;
  std::vector<Record> records_;
  uint64_t next_batch_ = 1;
  uint32_t idle_ms_ = 0;
};

// What a test puts into a sink.
struct Input {
  std::string topic;
  int32_t partition = 0;
  int64_t offset = 0;
  sdk::Value key = {};  // borrowed until put returns
  sdk::Value value = {};
  int64_t timestamp_ms = 0;
  std::vector<std::pair<std::string, sdk::Value>> headers = {};
};

// One instance of a sink task. Batches lie in pages of their own that cannot be read any more after their release,
// so a sink that reads too late ends with SIGSEGV at the place where it does.
class SinkDriver {
 public:
  SinkDriver(FakeHost& host, const sluice_sink_api* api, ConfigMap config, Settings settings = {});
  ~SinkDriver();
  SinkDriver(const SinkDriver&) = delete;
  SinkDriver& operator=(const SinkDriver&) = delete;
  template <class Task>
  static SinkDriver of(FakeHost& host, ConfigMap config) {
    return SinkDriver(host, &sdk::detail::kSinkApi<Task>, std::move(config));
  }

  Outcome start();
  // next_offset comes as the group's committed offset (-1 = none) and goes as the sink's answer.
  Outcome open(std::vector<sluice_partition_offset>& partitions, int64_t epoch = 1);
  Outcome put(const std::vector<Input>& records);
  // Records that the last put reported one by one.
  const std::vector<std::pair<uint32_t, sdk::Error>>& record_errors() const { return record_errors_; }
  Outcome commit(std::vector<sluice_partition_offset>& partitions);
  void close(const std::vector<sluice_partition_offset>& partitions, bool lost = false);
  void stop();  // [any]
  void destroy();

  uint32_t topic(std::string_view name) { return context_.intern_topic(name); }
  bool running() const { return task_ != nullptr; }
  FakeContext& context() { return context_; }

 private:
  FakeHost& host_;
  FakeContext& context_;
  const sluice_sink_api* api_;
  ConfigTable config_;
  void* task_ = nullptr;
  std::vector<std::pair<uint32_t, sdk::Error>> record_errors_;
  std::vector<std::unique_ptr<class SinkPages>> pages_;  // of all batches, until the driver ends
};

}  // namespace sluice::testkit
