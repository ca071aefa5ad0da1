// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "runtime/task/task_runner.hpp"
#include "tests/support/fake_log.hpp"
#include "tests/support/fake_tasks.hpp"
#include "tests/support/step_drive.hpp"

namespace sluice::task {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

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

}  // namespace
}  // namespace sluice::task
