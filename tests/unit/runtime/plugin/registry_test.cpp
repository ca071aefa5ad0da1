// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/registry.hpp"

#include <sys/stat.h>

#include "tests/unit/runtime/plugin/plugin_fixture.hpp"

namespace sluice::plugin {
namespace {

using ::testing::ElementsAre;
using testing::FakeServices;
using ::testing::HasSubstr;
using testing::options_for;
using testing::put_plugin;
using testing::TempFolder;

const std::vector<Kind> kConnectors{Kind::kSource, Kind::kSink};

std::vector<std::string> names(const std::vector<ClassPtr>& classes) {
  std::vector<std::string> out;
  for (const auto& cls : classes) out.push_back(cls->name);
  return out;
}

std::string only_problem(PluginRegistry& registry) {
  registry.settle();
  auto problems = registry.problems();
  EXPECT_EQ(problems.size(), 1u);
  return problems.empty() ? "" : problems[0].text;
}

TEST(Registry, ListsWhatItFindsWithConfigAndNothingRun) {
  TempFolder folder;
  put_plugin(folder, "good_source");
  put_plugin(folder, "good_sink");
  put_plugin(folder, "bad_load_crashes");  // loading it would end this process
  auto registry = make_registry(options_for(folder));
  EXPECT_THAT(names(registry->list()), ElementsAre("bad.LoadCrashes", "good.Sink", "good.Source"));
  auto cls = registry->find("good.Source", kConnectors).value();
  EXPECT_EQ(cls->kind, Kind::kSource);
  EXPECT_EQ(cls->version, "1.0.0");
  EXPECT_EQ(cls->documentation, "A fixture for tests.");
  ASSERT_EQ(cls->config.keys().size(), 1u);
  EXPECT_EQ(cls->config.keys()[0].name, "topic");
  EXPECT_EQ(cls->config.keys()[0].default_value, "fixture");
}

TEST(Registry, RunsASourceThroughTheAdapter) {
  TempFolder folder;
  put_plugin(folder, "good_source");
  auto registry = make_registry(options_for(folder));
  auto cls = registry->find("Source", kConnectors).value();
  FakeServices services;
  services.offsets[R"({"source":"fixture"})"] = R"({"next":7})";
  std::unique_ptr<SourceTask> task;
  auto outcome = registry->create_source(cls, {{"topic", "t"}}, services, task);
  ASSERT_TRUE(outcome.ok()) << outcome.text;
  sluice_poll_limits limits{sizeof(limits), 100, 1 << 20, 0, 0};
  Batch batch;
  std::vector<RecordFailure> failures;
  uint32_t idle = 0;
  outcome = task->poll(limits, batch, failures, idle);
  ASSERT_TRUE(outcome.ok()) << outcome.text;
  ASSERT_EQ(batch.size(), 3u);
  EXPECT_EQ(task->topic_name(batch.record(0).topic), "t");
  EXPECT_EQ(std::string(batch.record(0).value.as.bytes, batch.record(0).value.size), "record 7");
  ASSERT_EQ(batch.view().offset_count, 1u);
  EXPECT_EQ(task->partition_json(batch.view().offsets[0].partition), R"({"source":"fixture"})");
  EXPECT_TRUE(task->ack(1).ok());
  batch.reset();
  task->stop();
}

TEST(Registry, RunsASinkThroughTheAdapter) {
  TempFolder folder;
  put_plugin(folder, "good_sink");
  auto registry = make_registry(options_for(folder));
  auto cls = registry->find("good.Sink", kConnectors).value();
  FakeServices services;
  std::unique_ptr<SinkTask> task;
  ASSERT_TRUE(registry->create_sink(cls, {}, services, task).ok());
  std::vector<sluice_partition_offset> partitions{{task->intern_topic("t"), 0, 0}};
  ASSERT_TRUE(task->open(partitions, 1).ok());
  static int released = 0;
  released = 0;
  sluice_record record{};
  for (int i = 0; i < 4; ++i) {
    Batch batch;
    batch.raw()->records = &record;
    batch.raw()->record_count = 1;
    batch.raw()->record_size = sizeof(record);
    batch.raw()->release = [](sluice_batch* b) {
      b->release = nullptr;
      ++released;
    };
    std::vector<RecordFailure> failures;
    auto outcome = task->put(batch, failures);
    ASSERT_TRUE(outcome.ok()) << outcome.text;
    EXPECT_EQ(batch.size(), 1u);  // readable, even if the plugin keeps it
  }
  EXPECT_EQ(released, 2);  // it keeps every second
  partitions[0].next_offset = 4;
  ASSERT_TRUE(task->commit(partitions).ok());
  EXPECT_EQ(released, 4);
  EXPECT_EQ(partitions[0].next_offset, 4);
  task->close(partitions, false);
}

struct Refusal {
  const char* library;
  const char* text;
};
class Refused : public ::testing::TestWithParam<Refusal> {};

TEST_P(Refused, WithATextThatNamesFileAndReason) {
  TempFolder folder;
  auto path = put_plugin(folder, GetParam().library);
  auto options = options_for(folder);
  if (std::string(GetParam().library) == "bad_entry_hangs")
    options.probe_timeout = std::chrono::milliseconds(200);
  auto registry = make_registry(options);
  auto text = only_problem(*registry);
  EXPECT_THAT(text, HasSubstr(path));
  EXPECT_THAT(text, HasSubstr(GetParam().text));
  EXPECT_TRUE(registry->list().empty());
}

INSTANTIATE_TEST_SUITE_P(
    BadPlugins, Refused,
    ::testing::Values(Refusal{"bad_no_note", "no manifest"},
                      Refusal{"bad_malformed_note", "no valid JSON"},
                      Refusal{"bad_no_entry", "does not export sluice_plugin_entry"},
                      Refusal{"bad_wrong_abi", "this worker accepts 0.1 to 0.1"},
                      Refusal{"bad_wrong_abi_table", "this worker accepts 0.1 to 0.1"},
                      Refusal{"bad_lying_note", "its manifest and its entry disagree"},
                      Refusal{"bad_entry_null", "cannot work with version 0.1"},
                      Refusal{"bad_entry_throws", "threw an exception: thrown by the entry"},
                      Refusal{"bad_entry_crashes", "crashed (signal 11"},
                      Refusal{"bad_entry_exits", "ended the process with exit code 0"},
                      Refusal{"bad_entry_hangs", "did not return within 200 ms"},
                      Refusal{"bad_load_crashes", "crashed (signal 6"}),
    [](const auto& param) { return std::string(param.param.library); });

}  // namespace
}  // namespace sluice::plugin
