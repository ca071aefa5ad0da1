// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>

#include "broker-core/model/record_batch.hpp"
#include "runtime/task/task_runner.hpp"
#include "tests/support/fake_log.hpp"
#include "tests/support/fake_tasks.hpp"
#include "tests/support/step_drive.hpp"

// One task of each kind on a log in memory, stepped by the test.
namespace sluice::task {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class SourceRunnerTest : public ::testing::Test {
 protected:
  SourceRunnerTest() { settings_.id = {"c", 0}; }
  ~SourceRunnerTest() override {
    if (runner_) runner_->abandon();
    executor_.run_ready();
  }

  void start() {
    RunnerContext context{log_, clock_, random_, listener_, nullptr, {}, {}, {}};
    context.key_converter =
        record::make_converter("org.apache.kafka.connect.storage.StringConverter", {}, true)
            .value();
    context.value_converter =
        record::make_converter("org.apache.kafka.connect.converters.ByteArrayConverter", {}, false)
            .value();
    context.header_converter =
        record::make_header_converter("org.apache.kafka.connect.storage.SimpleHeaderConverter", {})
            .value();
    runner_ = make_source_runner(settings_, std::move(context), source_.factory());
    drive_ = std::make_shared<testing::StepDrive>(executor_, runner_);
    runner_->attach(drive_);
  }
  void run(std::chrono::nanoseconds time = 10ms) { executor_.advance(time); }
  // ByteArrayConverter takes bytes only.
  void send(std::vector<std::string> values, int64_t position) {
    source_.records(std::move(values), position);
  }
  std::vector<std::string> lines() {
    std::vector<std::string> result;
    for (auto& [key, value] : log_.values("lines")) result.push_back(value.value_or("null"));
    return result;
  }
  std::string offset() {
    auto offsets = log_.offsets();
    return offsets.empty() ? "" : offsets.begin()->second;
  }
  TaskState state() { return runner_->state(); }

  testing::SimClock clock_;
  testing::SimExecutor executor_{7, clock_};
  testing::SeededRandom random_{1};
  testing::FakeLog log_;
  testing::FakeSource source_;
  testing::FakeListener listener_;
  SourceSettings settings_;
  std::shared_ptr<TaskRunner> runner_;
  std::shared_ptr<testing::StepDrive> drive_;
};

inline const TopicPartitionName kPartition{"lines", PartitionId(0)};

class SinkRunnerTest : public ::testing::Test {
 protected:
  SinkRunnerTest() {
    settings_.id = {"c", 0};
    settings_.group = "connect-c";
    settings_.topics = {"lines"};
    settings_.offset_flush_interval_ms = 1000;
  }
  ~SinkRunnerTest() override {
    if (runner_) runner_->abandon();
    executor_.run_ready();
  }

  void start(const char* value_converter = "org.apache.kafka.connect.storage.StringConverter") {
    RunnerContext context{log_, clock_, random_, listener_, nullptr, {}, {}, {}};
    context.key_converter =
        record::make_converter("org.apache.kafka.connect.storage.StringConverter", {}, true)
            .value();
    context.value_converter =
        record::make_converter(value_converter, {{"schemas.enable", "false"}}, false).value();
    context.header_converter =
        record::make_header_converter("org.apache.kafka.connect.storage.SimpleHeaderConverter", {})
            .value();
    runner_ = make_sink_runner(settings_, std::move(context), sink_.factory());
    drive_ = std::make_shared<testing::StepDrive>(executor_, runner_);
    runner_->attach(drive_);
    run();
  }
  void run(std::chrono::nanoseconds time = 10ms) { executor_.advance(time); }
  void assign(int64_t committed = -1) {
    log_.consumer()->push(log::Assign{{{kPartition, Offset(committed)}}, GenerationId(1)});
    run();
  }
  void fetched(int64_t base, const std::vector<std::string>& values, int64_t from = -1) {
    model::BatchBuilder builder;
    for (const std::string& value : values) ASSERT_TRUE(builder.add(5, {}, as_bytes(value)));
    Bytes batch = builder.finish();
    model::stamp_batch(batch, Offset(base), LeaderEpoch(0));
    log_.consumer()->push(log::Fetched{kPartition, std::move(batch), Offset(from < 0 ? base : from),
                                       Offset(base + static_cast<int64_t>(values.size()))});
    run();
  }
  std::vector<int64_t> commits() {
    std::vector<int64_t> result;
    for (auto& commit : log_.consumer()->commits)
      for (auto& offset : commit) result.push_back(offset.next.value());
    return result;
  }
  TaskState state() { return runner_->state(); }

  testing::SimClock clock_;
  testing::SimExecutor executor_{7, clock_};
  testing::SeededRandom random_{1};
  testing::FakeLog log_;
  testing::FakeSink sink_;
  testing::FakeListener listener_;
  SinkSettings settings_;
  std::shared_ptr<TaskRunner> runner_;
  std::shared_ptr<testing::StepDrive> drive_;
};

}  // namespace sluice::task
