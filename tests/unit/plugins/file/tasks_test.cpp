// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <deque>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <sluice/testkit/driver.hpp>
#include <sluice/testkit/fake_host.hpp>

#include "plugins/file/sink_task.hpp"
#include "plugins/file/source_task.hpp"

// The tasks through the C ABI, with real files.
namespace sluice::file_plugin {
namespace {

using testkit::ConfigMap;
using testkit::Input;
using testkit::Outcome;
using testkit::SinkDriver;
using testkit::SourceDriver;

class TasksTest : public testing::Test {
 protected:
  ~TasksTest() override {
    for (const std::string& violation : host_.violations()) ADD_FAILURE() << violation;
    EXPECT_EQ(host_.live_batches(), 0u);
    EXPECT_EQ(host_.live_schemas(), 0u);
  }

  void append(const std::string& name, const std::string& text) {
    std::ofstream(host_.root() / name, std::ios::app) << text;
  }
  std::string content(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream(host_.root() / name).rdbuf();
    return text.str();
  }
  bool has_event(const std::string& kind) {
    for (const testkit::Event& event : host_.events()) {
      if (event.kind == kind) return true;
    }
    return false;
  }
  SourceDriver source(ConfigMap changes = {}) {
    ConfigMap config = {{"file", "in.txt"},   {"topic", "lines"}, {"batch.size", "2000"}, {"max.line.bytes", "1000"},
                        {"long.lines", "fail"}};
    for (const auto& [key, value] : changes) config[key] = value;
    return SourceDriver::of<FileSourceTask>(host_, config);
  }
  SinkDriver sink(const std::string& exactly_once = "requested") {
    return SinkDriver::of<FileSinkTask>(host_, {{"file", "out.txt"}, {"exactly.once.support", exactly_once}});
  }
  std::vector<sluice_partition_offset> partition(SinkDriver& sink, int64_t next) {
    return {{sink.topic("lines"), 0, next}};
  }
  // The values borrow from texts that the fixture keeps.
  std::vector<Input> lines(int64_t first, const std::vector<std::string>& texts) {
    std::vector<Input> inputs;
    for (const std::string& text : texts) {
      kept_.push_back(text);
      inputs.push_back({"lines", 0, first++, {}, sdk::Value::string(kept_.back())});
    }
    return inputs;
  }

  std::deque<std::string> kept_;
  testkit::FakeHost host_;
};

TEST_F(TasksTest, SourceReadsLinesAndResumesBehindTheDurableOnes) {
  append("in.txt", "one\ntwo\nthr");
  {
    auto task = source();
    ASSERT_TRUE(task.start().ok());
    ASSERT_TRUE(task.poll().ok());
    ASSERT_EQ(task.records().size(), 2u);
    EXPECT_EQ(task.records()[1].value, "two");
    EXPECT_EQ(task.records()[1].topic, "lines");
    EXPECT_FALSE(task.records()[1].key.has_value());
    EXPECT_GT(task.records()[1].timestamp_ms, 0);
    ASSERT_TRUE(task.make_durable().ok());
  }
  EXPECT_EQ(host_.stored_offset("{\"filename\":\"in.txt\"}"), "{\"position\":8}");
  append("in.txt", "ee\n");
  auto task = source();
  ASSERT_TRUE(task.start().ok());
  ASSERT_TRUE(task.poll().ok());
  ASSERT_EQ(task.records().size(), 1u);
  EXPECT_EQ(task.records()[0].value, "three");
}

TEST_F(TasksTest, SourceGivesNoMoreThanBatchSize) {
  append("in.txt", "1\n2\n3\n4\n5\n");
  auto task = source({{"batch.size", "2"}});
  ASSERT_TRUE(task.start().ok());
  ASSERT_TRUE(task.poll().ok());
  EXPECT_EQ(task.records().size(), 2u);
}

TEST_F(TasksTest, IdleSourceLooksLessAndLessOften) {
  auto task = source();
  ASSERT_TRUE(task.start().ok());
  std::vector<uint32_t> waits;
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(task.poll().ok());
    waits.push_back(task.idle_ms());
  }
  EXPECT_EQ(waits, (std::vector<uint32_t>{10, 20, 40, 80, 160, 320, 640, 1000, 1000}));
  EXPECT_TRUE(has_event("waiting-for-file"));
  append("in.txt", "here\n");
  ASSERT_TRUE(task.poll().ok());
  EXPECT_EQ(task.records().size(), 1u);
  ASSERT_TRUE(task.poll().ok());
  EXPECT_EQ(task.idle_ms(), 10u);
}

TEST_F(TasksTest, SourceNoticesAReplacedFileByItsInode) {
  append("in.txt", "old\n");
  auto task = source();
  ASSERT_TRUE(task.start().ok());
  ASSERT_TRUE(task.poll().ok());
  std::filesystem::rename(host_.root() / "in.txt", host_.root() / "in.txt.1");
  append("in.txt", "new one\n");
  ASSERT_TRUE(task.poll_until(2).ok());
  EXPECT_EQ(task.records()[1].value, "new one");
  EXPECT_TRUE(has_event("file-replaced"));
}

TEST_F(TasksTest, SourceRefusesAnOffsetThatIsNoPosition) {
  const std::vector<sdk::Value> map = {sdk::Value::string("position"), sdk::Value::string("far")};
  host_.store_offset("{\"filename\":\"in.txt\"}", sdk::Value::map(map));
  auto task = source();
  const Outcome outcome = task.start();
  EXPECT_EQ(outcome.status, SLUICE_CONFIG_ERROR);
  EXPECT_NE(outcome.text.find("position"), std::string::npos);
}

TEST_F(TasksTest, WithoutFileBothSayWhatIsMissing) {
  auto reads = source({{"file", ""}});
  EXPECT_EQ(reads.start().status, SLUICE_CONFIG_ERROR);
  auto writes = SinkDriver::of<FileSinkTask>(host_, {{"exactly.once.support", "requested"}});
  const Outcome outcome = writes.start();
  EXPECT_EQ(outcome.status, SLUICE_CONFIG_ERROR);
  EXPECT_NE(outcome.text.find("standard output is not supported"), std::string::npos);
}

TEST_F(TasksTest, ADirectoryIsRefusedByName) {
  std::filesystem::create_directory(host_.root() / "in.txt");
  auto task = source();
  ASSERT_TRUE(task.start().ok());
  const Outcome outcome = task.poll();
  EXPECT_EQ(outcome.status, SLUICE_CONFIG_ERROR);
  EXPECT_NE(outcome.text.find("in.txt"), std::string::npos) << outcome.text;
}

TEST_F(TasksTest, SinkWritesOneLinePerRecordAndCommits) {
  auto task = sink();
  ASSERT_TRUE(task.start().ok());
  auto offsets = partition(task, 0);
  ASSERT_TRUE(task.open(offsets).ok());
  std::vector<Input> inputs = lines(0, {"one", "two"});
  inputs.push_back({"lines", 0, 2, {}, sdk::Value::null()});
  inputs.push_back({"lines", 0, 3, {}, sdk::Value::float64(1e10)});
  ASSERT_TRUE(task.put(inputs).ok());
  offsets = partition(task, 4);
  ASSERT_TRUE(task.commit(offsets).ok());
  EXPECT_EQ(content("out.txt"), "one\ntwo\nnull\n1.0E10\n");
  EXPECT_FALSE(std::filesystem::exists(host_.root() / "out.txt.sluice-offsets"));
}

TEST_F(TasksTest, ARecordWithoutTextIsReportedAndTheOthersAreWritten) {
  auto task = sink();
  ASSERT_TRUE(task.start().ok());
  auto offsets = partition(task, 0);
  ASSERT_TRUE(task.open(offsets).ok());
  std::vector<sdk::Value> nested(150);
  for (size_t i = 1; i < nested.size(); ++i) nested[i] = sdk::Value::array({&nested[i - 1], 1});
  std::vector<Input> inputs = lines(0, {"one", "", "three"});
  inputs[1].value = nested.back();
  ASSERT_TRUE(task.put(inputs).ok());
  ASSERT_EQ(task.record_errors().size(), 1u);
  EXPECT_EQ(task.record_errors()[0].first, 1u);
  offsets = partition(task, 3);
  ASSERT_TRUE(task.commit(offsets).ok());
  EXPECT_EQ(content("out.txt"), "one\nthree\n");
}

TEST_F(TasksTest, ExactlyOnceSinkGivesItsOffsetsAtOpenAndDropsWhatWasNotCommitted) {
  {
    auto task = sink("Required");
    ASSERT_TRUE(task.start().ok());
    auto offsets = partition(task, -1);
    ASSERT_TRUE(task.open(offsets, 1).ok());
    EXPECT_EQ(offsets[0].next_offset, -1);
    ASSERT_TRUE(task.put(lines(0, {"one", "two"})).ok());
    offsets = partition(task, 2);
    ASSERT_TRUE(task.commit(offsets).ok());
    ASSERT_TRUE(task.put(lines(2, {"three"})).ok());
  }
  append("out.txt", "torn");
  auto task = sink("required");
  ASSERT_TRUE(task.start().ok());
  auto offsets = partition(task, 0);
  ASSERT_TRUE(task.open(offsets, 2).ok());
  EXPECT_EQ(offsets[0].next_offset, 2);
  EXPECT_EQ(content("out.txt"), "one\ntwo\n");
  EXPECT_EQ(task.put(lines(1, {"two"})).status, SLUICE_FATAL);  // the host did not seek
  ASSERT_TRUE(task.put(lines(2, {"three"})).ok());
  offsets = partition(task, 3);
  ASSERT_TRUE(task.commit(offsets).ok());
  EXPECT_EQ(content("out.txt"), "one\ntwo\nthree\n");
}

TEST_F(TasksTest, AnOlderOwnerIsFenced) {
  auto task = sink("required");
  ASSERT_TRUE(task.start().ok());
  auto offsets = partition(task, 0);
  ASSERT_TRUE(task.open(offsets, 7).ok());
  task.close(offsets);
  EXPECT_EQ(task.open(offsets, 6).status, SLUICE_FENCED);
}

TEST_F(TasksTest, AFileInUseByAnotherProcessIsWaitedFor) {
  append("out.txt", "");
  const int fd = ::open((host_.root() / "out.txt").c_str(), O_RDWR);
  ASSERT_EQ(::flock(fd, LOCK_EX | LOCK_NB), 0);
  auto task = sink();
  ASSERT_TRUE(task.start().ok());
  auto offsets = partition(task, 0);
  const Outcome outcome = task.open(offsets);
  EXPECT_EQ(outcome.status, SLUICE_RETRIABLE);
  EXPECT_GT(outcome.retry_after_ms, 0u);
  ::close(fd);
  EXPECT_TRUE(task.open(offsets).ok());
}

TEST_F(TasksTest, AMissingDirectoryFailsTheStartWithThePath) {
  auto task = SinkDriver::of<FileSinkTask>(host_, {{"file", "none/out.txt"}, {"exactly.once.support", "requested"}});
  const Outcome outcome = task.start();
  EXPECT_FALSE(outcome.ok());
  EXPECT_NE(outcome.text.find("none/out.txt"), std::string::npos) << outcome.text;
}

}  // namespace
}  // namespace sluice::file_plugin
