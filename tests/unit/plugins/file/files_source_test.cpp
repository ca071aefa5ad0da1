// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tests/unit/plugins/file/files_source_fixture.hpp"

namespace sluice::file_plugin::test {
namespace {

class FilesSourceTest : public FilesSourceFixture {
 protected:
  // The error of a task that has to fail; what it gave before is left in values_.
  testkit::Outcome failure(const testkit::ConfigMap& changes) {
    testkit::SourceDriver task = source(changes);
    testkit::Outcome outcome = task.start();
    if (outcome.ok()) outcome = task.poll_until(1'000'000, std::chrono::seconds(60));
    values_ = values(task);
    EXPECT_FALSE(outcome.ok());
    return outcome;
  }
  Lines values_;
};

TEST_F(FilesSourceTest, EachFileOfAPatternIsAPartitionOfItsOwn) {
  append("log/a.log", "a1\na2\n");
  append("log/b.log", "b1\n");
  append("log/c.txt", "no\n");
  append("log/.hidden.log", "no\n");
  EXPECT_EQ(run(3, {{"file", "log/*.log"}}), (Lines{"a1", "a2", "b1"}));
  EXPECT_TRUE(stored_at("log/a.log", 6));
  EXPECT_TRUE(stored_at("log/b.log", 3));
  EXPECT_EQ(host_.stored_offsets(), 2u);
  append("log/a.log", "a3\n");
  append("log/d.log", "d1\n");
  std::filesystem::remove(at("log/b.log"));
  EXPECT_EQ(run(2, {{"file", "log/*.log"}}), (Lines{"a3", "d1"}));
  EXPECT_TRUE(stored("log/b.log").empty());  // a deleted file leaves nothing behind
}

TEST_F(FilesSourceTest, FoldersAndAnyDepth) {
  append("in/x.csv", "1\n");
  append("in/deep/er/y.csv", "2\n");
  append("in/.git/z.csv", "no\n");
  EXPECT_EQ(run(1, {{"file", "in"}}), Lines{"1"});
  EXPECT_EQ(run(0, {{"file", "in/"}}), Lines{});  // the same files
  Lines all = run(1, {{"file", "in/**/*.csv"}});
  EXPECT_EQ(all, Lines{"2"});
}

TEST_F(FilesSourceTest, FilesThatAppearLaterAreReported) {
  auto task = source({{"file", "log/*.log"}});
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 0), Lines{});
  EXPECT_TRUE(has_event("waiting-for-file", "log/*.log"));
  append("log/late.log", "late\n");
  EXPECT_EQ(read(task, 1), Lines{"late"});
}

TEST_F(FilesSourceTest, LeavesOutWhatIsExcluded) {
  append("log/a.log", "a\n");
  append("log/a.tmp", "no\n");
  append("log/old/b.log", "no\n");
  EXPECT_EQ(run(1, {{"file", "log/**"}, {"file.exclude", "*.tmp,log/old/*"}}), Lines{"a"});
}

TEST_F(FilesSourceTest, TasksShareTheFilesAndEachIsReadByOne) {
  for (int i = 0; i < 20; ++i)
    append("log/" + std::to_string(i) + "x.log", std::to_string(i) + "\n");
  Lines all;
  size_t least = 20;
  for (int task = 0; task < 3; ++task) {
    auto driver = source({{"file", "log/*"}, {"file.task.share", std::to_string(task) + "/3"}});
    ASSERT_TRUE(driver.start().ok());
    ASSERT_TRUE(driver.poll_until(20, std::chrono::milliseconds(100)).ok());
    const Lines mine = values(driver);
    least = std::min(least, mine.size());
    all.insert(all.end(), mine.begin(), mine.end());
    ASSERT_TRUE(driver.make_durable().ok());
  }
  EXPECT_GT(least, 0u);
  EXPECT_EQ(all.size(), 20u);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
  EXPECT_EQ(run(0, {{"file", "log/*"}}), Lines{});  // also when there are fewer tasks
}

TEST_F(FilesSourceTest, ManyFilesFewOpen) {
  Lines expected;
  for (int i = 100; i < 160; ++i) {
    append("log/" + std::to_string(i) + "x", std::to_string(i) + "\n" + std::to_string(i) + "b\n");
    expected.push_back(std::to_string(i));
    expected.push_back(std::to_string(i) + "b");
  }
  auto task = source({{"file", "log/*"}, {"max.open.files", "2"}});
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 120), expected);
  size_t open = 0;
  for (const auto& fd : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    if (std::filesystem::read_symlink(fd.path(), error).string().find(host_.root().string()) == 0)
      ++open;
  }
  EXPECT_LE(open, 2u);
  for (int i = 100; i < 160; ++i) append("log/" + std::to_string(i) + "x", "more\n");
  EXPECT_EQ(read(task, 180).size(), 180u);
  ASSERT_TRUE(task.make_durable().ok());
}

TEST_F(FilesSourceTest, TooManyFilesAreAnError) {
  for (int i = 0; i < 6; ++i) append("log/" + std::to_string(i) + "x", "1\n");
  const testkit::Outcome outcome = failure({{"file", "log/*"}, {"max.files", "5"}});
  EXPECT_EQ(outcome.status, SLUICE_CONFIG_ERROR);
  EXPECT_NE(outcome.text.find("max.files=5"), std::string::npos) << outcome.text;
}

TEST_F(FilesSourceTest, ALinkOutOfTheRootsIsRefusedAndTheOthersAreRead) {
  append("log/a.log", "a\n");
  std::filesystem::create_symlink("/etc/hostname", at("log/out.log"));
  std::filesystem::create_symlink(at("log/a.log"), at("log/inside.log"));
  EXPECT_EQ(run(2, {{"file", "log/*.log"}}), (Lines{"a", "a"}));
  EXPECT_TRUE(has_event("file-refused", "file.allowed.roots"));
}

TEST_F(FilesSourceTest, APatternOutsideOfTheRootsFailsTheTask) {
  const testkit::Outcome outcome = failure({{"file", "/etc/*.conf"}});
  EXPECT_EQ(outcome.status, SLUICE_CONFIG_ERROR);
  EXPECT_NE(outcome.text.find("file.allowed.roots"), std::string::npos) << outcome.text;
}

TEST_F(FilesSourceTest, GoesOnFromAnOffsetOfFileStreamSource) {
  append("app.log", "one\ntwo\n");
  const std::vector<sdk::Value> partition = {sdk::Value::string("filename"),
                                             sdk::Value::string("app.log")};
  const std::vector<sdk::Value> offset = {sdk::Value::string("position"), sdk::Value::int64(4)};
  host_.store_offset(sdk::Value::map(partition), sdk::Value::map(offset));
  EXPECT_EQ(run(1, {{"skip.header.lines", "1"}}), Lines{"two"});
  EXPECT_TRUE(stored_at("app.log", 8));
  EXPECT_NE(stored("app.log").find("fingerprint"), std::string::npos);
}

TEST_F(FilesSourceTest, AMalformedOffsetIsRefused) {
  append("app.log", "one\n");
  const std::vector<sdk::Value> partition = {sdk::Value::string("filename"),
                                             sdk::Value::string("app.log")};
  const std::vector<sdk::Value> offset = {sdk::Value::string("position"), sdk::Value::int64(4),
                                          sdk::Value::string("fingerprint"),
                                          sdk::Value::string("nonsense")};
  host_.store_offset(sdk::Value::map(partition), sdk::Value::map(offset));
  const testkit::Outcome outcome = failure({});
  EXPECT_EQ(outcome.status, SLUICE_CONFIG_ERROR);
  EXPECT_NE(outcome.text.find("app.log"), std::string::npos) << outcome.text;
}

TEST_F(FilesSourceTest, GzipIsReadWholeOnce) {
  append("old.gz", gzip_member("one\ntwo\n").value() + gzip_member("three\nfour").value());
  const testkit::ConfigMap settings = {{"file", "*.gz"}};
  EXPECT_EQ(run(4, settings), (Lines{"one", "two", "three", "four"}));
  EXPECT_TRUE(stored_at("old.gz", 18));
  EXPECT_EQ(run(0, settings), Lines{});
  EXPECT_EQ(run(0, {{"file", "*"}, {"gzip", "false"}}), Lines{});
}

TEST_F(FilesSourceTest, ALargeGzipFileGoesThroughASmallWindow) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "line " + std::to_string(i) + "\n";
  append("big.gz", gzip_member(text).value());
  auto task = source({{"file", "big.gz"}});
  ASSERT_TRUE(task.start().ok());
  ASSERT_TRUE(task.poll_until(100'000).ok());
  ASSERT_TRUE(task.make_durable().ok());
  const size_t first = task.records().size();
  task.destroy();
  auto rest = source({{"file", "big.gz"}});
  ASSERT_TRUE(rest.start().ok());
  ASSERT_TRUE(rest.poll_until(200'000 - first).ok());
  EXPECT_EQ(rest.records().front().value, "line " + std::to_string(first));
  EXPECT_EQ(rest.records().back().value, "line 199999");
}

TEST_F(FilesSourceTest, ADamagedGzipFileIsAnErrorThatNamesIt) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  std::string bytes = gzip_member(text).value();
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);
  append("bad.gz", bytes);
  const testkit::Outcome outcome = failure({{"file", "*.gz"}});
  EXPECT_EQ(outcome.status, SLUICE_FATAL);
  EXPECT_NE(outcome.text.find("bad.gz"), std::string::npos) << outcome.text;
  EXPECT_NE(outcome.text.find("damaged"), std::string::npos) << outcome.text;
  ASSERT_FALSE(values_.empty());
  EXPECT_EQ(values_[1], "line 7919");
}

TEST_F(FilesSourceTest, AGzipFileThatIsStillWrittenIsWaitedForAndThenAnError) {
  const std::string bytes = gzip_member("one\ntwo\nthree\n").value();
  append("part.gz", bytes.substr(0, bytes.size() - 6));
  {
    auto task = source({{"file", "*.gz"}, {"rotated.wait.ms", "5000"}});
    ASSERT_TRUE(task.start().ok());
    ASSERT_TRUE(task.poll_until(4, std::chrono::milliseconds(50)).ok());
    append("part.gz", bytes.substr(bytes.size() - 6));
    EXPECT_EQ(read(task, 3), (Lines{"one", "two", "three"}));
  }
  append("short.gz", bytes.substr(0, bytes.size() - 6));
  const testkit::Outcome outcome = failure({{"file", "short.gz"}});
  EXPECT_NE(outcome.text.find("'short.gz'"), std::string::npos) << outcome.text;
  EXPECT_NE(outcome.text.find("in the middle"), std::string::npos) << outcome.text;
}

TEST_F(FilesSourceTest, HeadersAndFootersAreLeftOut) {
  append("a.csv", "h1\nh2\n1\n2\nend\n");
  append("b.csv", "h1\nh2\n3\nend\n");
  const testkit::ConfigMap settings = {{"file", "*.csv"},
                                       {"skip.header.lines", "2"},
                                       {"skip.footer.lines", "1"},
                                       {"finish.after.ms", "100"}};
  auto task = source(settings);
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 3), (Lines{"1", "2", "3"}));
  ASSERT_TRUE(until(task, [&] { return stored_at("a.csv", 14) && stored_at("b.csv", 12); }));
  append("a.csv", "more\nend\n");  // it was finished, and grows
  EXPECT_EQ(read(task, 4).back(), "more");
  EXPECT_TRUE(has_event("finished-file-grew", "a.csv"));
}

TEST_F(FilesSourceTest, WhatMayBeAFooterWaitsAndIsReadAgainAfterARestart) {
  append("a.csv", "1\n2\nend\n");
  const testkit::ConfigMap settings = {{"file", "*.csv"}, {"skip.footer.lines", "1"}};
  EXPECT_EQ(run(2, settings), (Lines{"1", "2"}));
  EXPECT_TRUE(stored_at("a.csv", 4));
  append("a.csv", "3\nend\n");
  EXPECT_EQ(run(2, settings), (Lines{"end", "3"}));
}

TEST_F(FilesSourceTest, KeysHeadersAndTopicsByFile) {
  append("var/my app.log.1", "old\n");
  append("var/my app.log", "a\nb\n");
  auto task = source({{"file", "var/*"},
                      {"topic", "logs-${file.folder}-${file.name}"},
                      {"record.key", "name"},
                      {"record.headers", "path,offset,line"}});
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 3), (Lines{"old", "a", "b"}));
  const testkit::Record& last = task.records()[2];
  EXPECT_EQ(last.topic, "logs-var-my_app.log");
  EXPECT_EQ(last.key, "my app.log");
  EXPECT_EQ(last.headers,
            (std::map<std::string, std::string>{
                {"file.path", "var/my app.log"}, {"file.offset", "2"}, {"file.line", "2"}}));
  EXPECT_EQ(task.records()[0].topic, "logs-var-my_app.log");
  EXPECT_EQ(task.records()[0].key, "my app.log");
  EXPECT_EQ(task.records()[0].headers.at("file.path"), "var/my app.log.1");
}

TEST_F(FilesSourceTest, Encodings) {
  append("l1", "caf\xE9\n");
  EXPECT_EQ(run(1, {{"file", "l1"}, {"encoding", "ISO-8859-1"}}), Lines{"caf\xC3\xA9"});
  const std::string le(
      "\xFF\xFE"
      "a\0\xE9\0\r\0\n\0=\xD8\0\xDE\n\0",
      16);
  append("u16", le);
  EXPECT_EQ(run(2, {{"file", "u16"}, {"encoding", "utf-16"}}),
            (Lines{"a\xC3\xA9", "\xF0\x9F\x98\x80"}));
  EXPECT_TRUE(stored_at("u16", 16));
  const std::string be("\0b\0\n\0c", 6);
  append("be", be);
  EXPECT_EQ(run(2, {{"file", "be"}, {"encoding", "utf-16be"}, {"finish.after.ms", "1"}}),
            (Lines{"b", "c"}));
  append("bom", "\xEF\xBB\xBFone\n\xEF\xBB\xBFtwo\n");
  EXPECT_EQ(run(2, {{"file", "bom"}}), (Lines{"one", "\xEF\xBB\xBFtwo"}));
}

// One line a life: headers are not skipped twice, footers never come, in whatever the text is
// stored.
TEST_F(FilesSourceTest, KilledAfterEachLineItGoesOnBehindItInEveryFormat) {
  const std::string text = "h1\nh2\none\ntwo\nthree\nend\n";
  const auto wide = [&](bool big) {
    std::string bytes;
    for (const char c : text) bytes += big ? std::string{'\0', c} : std::string{c, '\0'};
    return bytes;
  };
  append("plain.csv", text);
  append("bom.csv", "\xEF\xBB\xBF" + text);
  append("le.csv", "\xFF\xFE" + wide(false));
  append("be.csv", wide(true));
  append("packed.csv.gz", gzip_member(text).value());
  const std::vector<std::pair<std::string, std::string>> files = {{"plain.csv", "utf-8"},
                                                                  {"bom.csv", "utf-8"},
                                                                  {"le.csv", "utf-16"},
                                                                  {"be.csv", "utf-16be"},
                                                                  {"packed.csv.gz", "utf-8"}};
  for (const auto& [name, encoding] : files) {
    SCOPED_TRACE(name);
    testkit::ConfigMap settings = {{"file", name},
                                   {"encoding", encoding},
                                   {"batch.size", "1"},
                                   {"skip.header.lines", "2"},
                                   {"skip.footer.lines", "1"}};
    Lines lines;
    while (lines.size() < 3) {
      auto task = source(settings);
      ASSERT_TRUE(task.start().ok());
      ASSERT_TRUE(task.poll_until(1, std::chrono::seconds(10)).ok());
      ASSERT_TRUE(task.make_durable().ok());
      const Lines more = values(task);
      ASSERT_FALSE(more.empty());
      lines.insert(lines.end(), more.begin(), more.end());
    }
    EXPECT_EQ(lines, (Lines{"one", "two", "three"}));
    settings["finish.after.ms"] = "1";
    EXPECT_EQ(run(0, settings), Lines{});
  }
}

TEST_F(FilesSourceTest, InvalidBytes) {
  append("bad",
         "good\nb\xFF"
         "d\nmore\n");
  EXPECT_EQ(run(3, {{"file", "bad"}}), (Lines{"good",
                                              "b\xEF\xBF\xBD"
                                              "d",
                                              "more"}));
  EXPECT_TRUE(has_event("invalid-utf8", "bad"));
  append("bad2",
         "good\nb\xFF"
         "d\nmore\n");
  const testkit::Outcome outcome = failure({{"file", "bad2"}, {"invalid.bytes", "fail"}});
  EXPECT_EQ(outcome.status, SLUICE_CONFIG_ERROR);
  EXPECT_NE(outcome.text.find("at byte 5"), std::string::npos) << outcome.text;
  EXPECT_EQ(values_, Lines{"good"});
  append("bad3",
         "b\xFF"
         "d\n");
  EXPECT_EQ(run(1, {{"file", "bad3"}, {"invalid.bytes", "pass"}}), Lines{"b\xFF"
                                                                         "d"});
}

TEST_F(FilesSourceTest, LongLinesAndLineEnds) {
  const std::string text = "short\n" + std::string(3000, 'x') + "\nafter\n";
  append("long", text);
  EXPECT_EQ(run(2, {{"file", "long"}, {"long.lines", "skip"}}), (Lines{"short", "after"}));
  EXPECT_TRUE(has_event("line-skipped", "long"));
  append("long2", text);
  EXPECT_EQ(failure({{"file", "long2"}}).status, SLUICE_CONFIG_ERROR);
  EXPECT_EQ(values_, Lines{"short"});
  append("nul", std::string("a\nb\0c\0", 6));
  EXPECT_EQ(run(2, {{"file", "nul"}, {"line.end", "nul"}}), (Lines{"a\nb", "c"}));
  append("lf", "a\rb\r\n");
  EXPECT_EQ(run(1, {{"file", "lf"}, {"line.end", "lf"}}), Lines{"a\rb\r"});
}

TEST_F(FilesSourceTest, MetricsSayWhatItFollows) {
  append("a.log", "1\n");
  append("b.log", "2\n");
  auto task = source({{"file", "*.log"}});
  ASSERT_TRUE(task.start().ok());
  read(task, 2);
  EXPECT_TRUE(until(task, [&] { return host_.metric("file_source_open_files") == 2; }));
  EXPECT_EQ(host_.metric("file_source_files"), 2);
  EXPECT_EQ(host_.metric("file_source_behind_bytes"), 0);
}

}  // namespace
}  // namespace sluice::file_plugin::test
