// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <sluice/testkit/driver.hpp>
#include <sluice/testkit/fake_host.hpp>

#include "plugins/file/files_sink_task.hpp"
#include "plugins/file/gzip_content.hpp"
#include "plugins/file/host_files.hpp"

// A FileSink through the C ABI, with real files.
namespace sluice::file_plugin {
namespace {

using testkit::Input;
using testkit::Outcome;
using testkit::SinkDriver;

class FilesSinkTest : public testing::Test {
 protected:
  ~FilesSinkTest() override {
    for (const std::string& violation : host_.violations()) ADD_FAILURE() << violation;
    EXPECT_EQ(host_.live_batches(), 0u);
  }
  std::filesystem::path at(const std::string& name) { return host_.root() / name; }
  std::string content(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream(at(name), std::ios::binary).rdbuf();
    return text.str();
  }
  std::string unzipped(const std::string& name) {
    HostFiles files(sdk::Context(host_.table(), host_.make_context().raw()));
    auto file = files.open(name, Access::kRead).value();
    GzipContent gzip(*file, name);
    std::string text(1 << 20, '\0');
    text.resize(gzip.read_at(text.data(), text.size(), 0).value());
    EXPECT_TRUE(gzip.complete());
    return text;
  }
  // Names below a folder, sorted, without offsets files.
  std::vector<std::string> names(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(at(folder))) {
      const std::string name = entry.path().filename().string();
      if (name.find("sluice-offsets") == std::string::npos) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  SinkDriver sink(const testkit::ConfigMap& changes) {
    testkit::ConfigMap config = {{"file", "out.txt"},         {"exactly.once.support", "requested"},
                                 {"roll.bytes", "0"},         {"roll.interval.ms", "0"},
                                 {"roll.keep.files", "0"},    {"roll.keep.ms", "0"},
                                 {"roll.compression", "none"}};
    for (const auto& [key, value] : changes) config[key] = value;
    return SinkDriver::of<FilesSinkTask>(host_, config);
  }
  using Offsets = std::vector<sluice_partition_offset>;
  Offsets offsets(SinkDriver& task, const std::string& topic, int32_t partition, int64_t next) {
    return {{task.topic(topic), partition, next}};
  }
  std::vector<Input> lines(int64_t first, const std::vector<std::string>& texts,
                           const std::string& topic = "lines", int32_t partition = 0) {
    std::vector<Input> inputs;
    for (const std::string& text : texts) {
      kept_.push_back(text);
      inputs.push_back({topic, partition, first++, {}, sdk::Value::string(kept_.back())});
    }
    return inputs;
  }
  // Puts one record at a time.
  void put_each(SinkDriver& task, int64_t first, int64_t end) {
    for (int64_t i = first; i < end; ++i) {
      const Outcome outcome = task.put(lines(i, {"line " + std::to_string(i)}));
      ASSERT_TRUE(outcome.ok()) << outcome.text;
    }
  }
  std::vector<std::pair<std::string, std::string>> findings(const testkit::ConfigMap& config) {
    testkit::FakeContext& context = host_.make_context();
    const testkit::ConfigTable table(config);
    const testkit::FakeContext::Call call(context, "validate");
    SinkOptions::check_values(sdk::Context(host_.table(), context.raw()), sdk::Config(table.raw()));
    std::vector<std::pair<std::string, std::string>> found;
    for (const testkit::ConfigFinding& finding : context.config_errors())
      found.emplace_back(finding.key, finding.message);
    return found;
  }

  std::deque<std::string> kept_;
  testkit::FakeHost host_;
};

TEST_F(FilesSinkTest, AFileForEachPartition) {
  auto task = sink({{"file", "out/${topic}/${partition}.txt"}});
  ASSERT_TRUE(task.start().ok());
  Offsets all = {{task.topic("a"), 0, 0}, {task.topic("a"), 1, 0}, {task.topic("b"), 0, 0}};
  ASSERT_TRUE(task.open(all).ok());
  ASSERT_TRUE(task.put(lines(0, {"a0"}, "a", 0)).ok());
  ASSERT_TRUE(task.put(lines(0, {"a1"}, "a", 1)).ok());
  ASSERT_TRUE(task.put(lines(0, {"b0", "b0b"}, "b", 0)).ok());
  Offsets done = {{task.topic("a"), 0, 1}, {task.topic("a"), 1, 1}, {task.topic("b"), 0, 2}};
  ASSERT_TRUE(task.commit(done).ok());
  EXPECT_EQ(content("out/a/0.txt"), "a0\n");
  EXPECT_EQ(content("out/a/1.txt"), "a1\n");
  EXPECT_EQ(content("out/b/0.txt"), "b0\nb0b\n");
}

TEST_F(FilesSinkTest, PartitionsThatComeLaterDoNotDropWhatOthersHold) {
  for (const char* mode : {"requested", "required"}) {
    const std::string name = std::string(mode) + ".txt";
    auto task = sink({{"file", name}, {"exactly.once.support", mode}});
    ASSERT_TRUE(task.start().ok());
    Offsets first = offsets(task, "lines", 0, 0);
    ASSERT_TRUE(task.open(first, 1).ok());
    ASSERT_TRUE(task.put(lines(0, {"one"})).ok());
    Offsets second = offsets(task, "lines", 1, 0);
    ASSERT_TRUE(task.open(second, 2).ok());
    ASSERT_TRUE(task.put(lines(0, {"other"}, "lines", 1)).ok());
    ASSERT_TRUE(task.put(lines(1, {"two"})).ok());
    Offsets done = {{task.topic("lines"), 0, 2}, {task.topic("lines"), 1, 1}};
    ASSERT_TRUE(task.commit(done).ok());
    EXPECT_EQ(content(name), "one\nother\ntwo\n");
  }
}

TEST_F(FilesSinkTest, RollsBySizeAndKeepsOffsets) {
  const testkit::ConfigMap config = {
      {"file", "out/x-${seq}.txt"}, {"roll.bytes", "20"}, {"exactly.once.support", "required"}};
  {
    auto task = sink(config);
    ASSERT_TRUE(task.start().ok());
    Offsets open = offsets(task, "lines", 0, 0);
    ASSERT_TRUE(task.open(open, 1).ok());
    put_each(task, 0, 7);  // three lines of 7 bytes are enough
    EXPECT_EQ(names("out"),
              (std::vector<std::string>{".x-_.txt.active", "x-000001.txt", "x-000002.txt"}));
    EXPECT_EQ(content("out/x-000001.txt"), "line 0\nline 1\nline 2\n");
    EXPECT_EQ(content("out/x-000002.txt"), "line 3\nline 4\nline 5\n");
  }  // killed: the seventh line is not committed
  auto task = sink(config);
  ASSERT_TRUE(task.start().ok());
  Offsets open = offsets(task, "lines", 0, 0);
  ASSERT_TRUE(task.open(open, 2).ok());
  EXPECT_EQ(open[0].next_offset, 6);
  put_each(task, 6, 9);
  EXPECT_EQ(content("out/x-000003.txt"), "line 6\nline 7\nline 8\n");
  EXPECT_EQ(host_.metric("file_sink_finished_total"), 3);
}

TEST_F(FilesSinkTest, RollsCompressedFiles) {
  const testkit::ConfigMap config = {
      {"file", "out/x-${seq}.txt"}, {"roll.bytes", "60"}, {"roll.compression", "gzip"}};
  auto task = sink(config);
  ASSERT_TRUE(task.start().ok());
  Offsets open = offsets(task, "lines", 0, 0);
  ASSERT_TRUE(task.open(open, 1).ok());
  put_each(task, 0, 5);
  Offsets done = offsets(task, "lines", 0, 5);
  ASSERT_TRUE(task.commit(done).ok());
  put_each(task, 5, 30);
  ASSERT_TRUE(std::filesystem::exists(at("out/x-000001.txt.gz")));
  std::string text;
  for (const std::string& name : names("out")) {
    if (name[0] != '.') text += unzipped("out/" + name);
  }
  std::string expected;
  for (int i = 0; expected.size() < text.size(); ++i)
    expected += "line " + std::to_string(i) + "\n";
  EXPECT_EQ(text, expected);
}

TEST_F(FilesSinkTest, RollsByTimeThoughNothingComes) {
  auto task = sink({{"file", "out/${seq}.txt"}, {"roll.interval.ms", "30"}});
  ASSERT_TRUE(task.start().ok());
  Offsets open = offsets(task, "lines", 0, 0);
  ASSERT_TRUE(task.open(open, 1).ok());
  ASSERT_TRUE(task.put(lines(0, {"one"})).ok());
  ASSERT_TRUE(task.context().wait_for_wake(std::chrono::seconds(10)));
  ASSERT_TRUE(task.put({}).ok());
  EXPECT_EQ(content("out/000001.txt"), "one\n");
}

TEST_F(FilesSinkTest, FilesAreNamedByTheTimeOfTheirBeginning) {
  auto task = sink({{"file", "out/%Y/%m%d/%H%M%S-${seq}.txt"}, {"roll.bytes", "1"}});
  ASSERT_TRUE(task.start().ok());
  Offsets open = offsets(task, "lines", 0, 0);
  ASSERT_TRUE(task.open(open, 1).ok());
  ASSERT_TRUE(task.put(lines(0, {"one"})).ok());
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(at("out"))) {
    if (entry.is_regular_file())
      found.push_back(std::filesystem::relative(entry.path(), at("out")).string());
  }
  const auto is_finished = [](const std::string& name) {
    return name.find("-000001.txt") != std::string::npos;
  };
  const auto finished = std::find_if(found.begin(), found.end(), is_finished);
  ASSERT_NE(finished, found.end());
  EXPECT_EQ(finished->size(), std::string("2026/0131/235959-000001.txt").size());
}

TEST_F(FilesSinkTest, OldFilesAreDeletedAndOthersAreLeftAlone) {
  std::filesystem::create_directories(at("out"));
  std::ofstream(at("out/x-notes.txt")) << "mine\n";
  auto task = sink({{"file", "out/x-${seq}.txt"}, {"roll.bytes", "1"}, {"roll.keep.files", "2"}});
  ASSERT_TRUE(task.start().ok());
  Offsets open = offsets(task, "lines", 0, 0);
  ASSERT_TRUE(task.open(open, 1).ok());
  put_each(task, 0, 5);
  EXPECT_EQ(names("out"), (std::vector<std::string>{".x-_.txt.active", "x-000004.txt",
                                                    "x-000005.txt", "x-notes.txt"}));
}

TEST_F(FilesSinkTest, ANameThatSomebodyHasIsNotOverwritten) {
  std::filesystem::create_directories(at("out"));
  std::ofstream(at("out/000001.txt")) << "mine\n";
  auto task = sink({{"file", "out/${seq}.txt"}, {"roll.bytes", "1"}});
  ASSERT_TRUE(task.start().ok());
  Offsets open = offsets(task, "lines", 0, 0);
  ASSERT_TRUE(task.open(open, 1).ok());
  put_each(task, 0, 1);
  EXPECT_EQ(content("out/000001.txt"), "mine\n");
  EXPECT_EQ(content("out/000002.txt"), "line 0\n");
}

TEST_F(FilesSinkTest, WhatDoesNotGoTogetherIsSaid) {
  const auto only = [&](const testkit::ConfigMap& config) {
    const auto found = findings(config);
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? std::pair<std::string, std::string>() : found.front();
  };
  EXPECT_TRUE(findings({{"file", "out.txt"}}).empty());
  EXPECT_TRUE(findings({{"file", "${topic}-%H-${seq}.txt"}}).empty());
  EXPECT_NE(only({{"file", "out.txt"}, {"roll.bytes", "5"}}).second.find("${seq}"),
            std::string::npos);
  EXPECT_NE(only({{"file", "out-${seq}.txt"}}).second.find("roll.bytes"), std::string::npos);
  EXPECT_EQ(only({{"file", "out.txt"}, {"roll.keep.files", "5"}}).first, "roll.keep.files");
  EXPECT_NE(only({{"file", "${partition}.txt"}}).second.find("${topic}"), std::string::npos);
  EXPECT_NE(only({{"file", "%Q.txt"}}).second.find("'%Q'"), std::string::npos);
}

}  // namespace
}  // namespace sluice::file_plugin
