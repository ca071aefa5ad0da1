// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>

#include "tests/unit/plugins/file/files_source_fixture.hpp"

// What rotation does to files while they are read, or while nobody looks: no line is lost, none
// comes twice.
namespace sluice::file_plugin::test {
namespace {

class FilesSourceRotationTest : public FilesSourceFixture {};

const testkit::ConfigMap kAll = {{"file", "app.log*"}};

TEST_F(FilesSourceRotationTest, ARenamedFileIsReadToItsEndBeforeTheNewOne) {
  append("app.log", "one\n");
  auto task = source();
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 1), Lines{"one"});
  append("app.log", "two\nthree");
  rename("app.log", "app.log.1");
  append("app.log", "four\n");
  EXPECT_EQ(read(task, 4),
            (Lines{"one", "two", "four", "three"}));  // "three" once nothing was added to it
  ASSERT_TRUE(until(task, [&] { return stored_at("app.log.1", 13) && stored_at("app.log", 5); }));
  remove("app.log.1");  // known as long as it is there
  rename("app.log", "app.log.1");
  append("app.log", "five\n");
  ASSERT_TRUE(until(task, [&] { return stored_at("app.log.1", 5) && stored_at("app.log", 5); }));
  EXPECT_EQ(host_.stored_offsets(), 2u);
}

TEST_F(FilesSourceRotationTest, RotatedTwiceBetweenTwoLooks) {
  append("app.log", "one\n");
  auto task = source({{"rescan.interval.ms", "100"}});
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 1), Lines{"one"});
  append("app.log", "two\n");
  rename("app.log", "app.log.2");
  append("app.log.1", "three\nfour\n");
  append("app.log", "five\n");
  EXPECT_EQ(read(task, 5), (Lines{"one", "two", "three", "four", "five"}));
  ASSERT_TRUE(task.make_durable().ok());
}

TEST_F(FilesSourceRotationTest, RotatedWhileTheWorkerWasDown) {
  append("app.log", "one\n");
  EXPECT_EQ(run(1), Lines{"one"});
  append("app.log", "two\n");
  rename("app.log", "app.log.1");
  append("app.log", "three\n");
  EXPECT_EQ(run(2), (Lines{"two", "three"}));
  EXPECT_EQ(run(0), Lines{});
}

TEST_F(FilesSourceRotationTest, RotatedTwiceWhileTheWorkerWasDownAndCompressed) {
  append("app.log", "one\n");
  EXPECT_EQ(run(1), Lines{"one"});
  append("app.log", "two\n");
  rename("app.log", "app.log.2");
  compress("app.log.2");
  append("app.log.1", "three\n");
  append("app.log", "four\n");
  EXPECT_EQ(run(3), (Lines{"two", "three", "four"}));
}

TEST_F(FilesSourceRotationTest, OlderRotatedFilesAreNobodysBusiness) {
  append("app.log.1", "old\n");
  append("app.log", "one\n");
  EXPECT_EQ(run(1), Lines{"one"});
}

TEST_F(FilesSourceRotationTest, OlderRotatedFilesStayNobodysBusinessWhateverTheyAreCalledLater) {
  append("app.log.2.gz", gzip_member("ancient\n").value());
  append("app.log.1", "old\n");
  append("app.log", "one\n");
  EXPECT_EQ(run(1), Lines{"one"});
  EXPECT_NE(stored("app.log.1").find("\"skipped\":true"), std::string::npos);
  rename("app.log.2.gz", "app.log.3.gz");
  rename("app.log.1", "app.log.2");
  compress("app.log.2");
  rename("app.log", "app.log.1");
  append("app.log", "two\n");
  EXPECT_EQ(run(1), Lines{"two"});
  EXPECT_EQ(host_.stored_offsets(), 4u);
}

TEST_F(FilesSourceRotationTest, AnOffsetIsStoredUnderTheSameKeyWhateverTheFileIsCalled) {
  append("app.log", "one\n");
  EXPECT_EQ(run(1), Lines{"one"});
  const auto key = host_.all_stored_offsets().begin()->first;
  EXPECT_NE(key.find("\"app.log\""), std::string::npos) << key;
  rename("app.log", "app.log.1");
  append("app.log", "two\n");
  EXPECT_EQ(run(1), Lines{"two"});
  rename("app.log.1", "app.log.2");
  compress("app.log.2");
  EXPECT_EQ(run(0), Lines{});
  ASSERT_EQ(host_.stored_offsets(), 2u);
  EXPECT_EQ(host_.all_stored_offsets().at(key), stored("app.log.2.gz"));
}

// What is called like the file that was read lies there as another file for a moment only: the
// offset of that one must not be stored over the other's.
TEST_F(FilesSourceRotationTest, AFileThatIsNowhereWhileItIsOpenKeepsItsOffset) {
  append("app.log", "one\n");
  {
    auto task = source({{"rotated.wait.ms", "60000"}});
    ASSERT_TRUE(task.start().ok());
    EXPECT_EQ(read(task, 1), Lines{"one"});
    std::filesystem::create_directory(at("away"));
    rename("app.log", "away/app.log");
    append("app.log", "two\n");
    EXPECT_EQ(read(task, 2), (Lines{"one", "two"}));
    ASSERT_TRUE(task.make_durable().ok());
  }
  rename("app.log", "app.log.1");
  rename("away/app.log", "app.log.2");
  append("app.log", "three\n");
  EXPECT_EQ(run(1), Lines{"three"});
}

TEST_F(FilesSourceRotationTest, CopyTruncateWhileItRuns) {
  append("app.log", "one\n");
  auto task = source(kAll);
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 1), Lines{"one"});
  append("app.log", "two\n");
  copytruncate("app.log", "app.log.1");
  append("app.log", "three\n");
  Lines lines = read(task, 3);
  EXPECT_EQ(lines, (Lines{"one", "two", "three"}));
  EXPECT_TRUE(has_event("file-truncated", "app.log"));
  ASSERT_TRUE(task.make_durable().ok());
}

TEST_F(FilesSourceRotationTest, CopyTruncateThatGrowsBeyondThePositionAtOnce) {
  append("app.log", "a1\n");
  auto task = source();
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 1), Lines{"a1"});
  copytruncate("app.log", "app.log.1");
  append("app.log", "b1\nb2\nb3\n");
  EXPECT_EQ(read(task, 4), (Lines{"a1", "b1", "b2", "b3"}));
  EXPECT_TRUE(has_event("file-truncated"));
  ASSERT_TRUE(task.make_durable().ok());
}

TEST_F(FilesSourceRotationTest, CopyTruncateTwiceWhileTheWorkerWasDown) {
  append("app.log", "one\n");
  EXPECT_EQ(run(1), Lines{"one"});
  append("app.log", "two\n");
  copytruncate("app.log", "app.log.1");
  append("app.log", "three\n");
  rename("app.log.1", "app.log.2");
  copytruncate("app.log", "app.log.1");
  append("app.log", "four\n");
  EXPECT_EQ(run(3), (Lines{"two", "three", "four"}));
}

TEST_F(FilesSourceRotationTest, ACopyThatLiesBesideTheFileIsNotReadAgain) {
  append("app.log", "one\ntwo\n");
  auto task = source(kAll);
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 2), (Lines{"one", "two"}));
  copy("app.log", "app.log.1");
  EXPECT_EQ(read(task, 2), (Lines{"one", "two"}));
  append("app.log", "three\n");
  EXPECT_EQ(read(task, 3).back(), "three");
  rewrite("app.log", "four\n");  // only now it is cut: the copy holds less than what was read
  EXPECT_EQ(read(task, 4).back(), "four");
  ASSERT_TRUE(task.make_durable().ok());
  EXPECT_EQ(run(0, kAll), Lines{});
}

TEST_F(FilesSourceRotationTest, AFileThatIsCutIsAnEventWithWhatWasLost) {
  append("app.log", "one\ntwo\n");
  EXPECT_EQ(run(2), (Lines{"one", "two"}));
  rewrite("app.log", "new\n");
  EXPECT_EQ(run(1), Lines{"new"});
  EXPECT_TRUE(has_event("file-truncated", "of which 8 bytes were read"));
}

TEST_F(FilesSourceRotationTest, TheSameInodeWithOtherContentsIsAnotherFile) {
  append("app.log", "one\n");
  EXPECT_EQ(run(1), Lines{"one"});
  rewrite("app.log", "another\nlonger\n");
  EXPECT_EQ(run(2), (Lines{"another", "longer"}));
  EXPECT_TRUE(has_event("file-truncated"));
}

TEST_F(FilesSourceRotationTest, EqualContentsUnderTheLiveNameAreNew) {
  append("app.log", "done\n");
  auto task = source(kAll);
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 1), Lines{"done"});
  rename("app.log", "app.log.1");
  append("app.log", "done\n");
  EXPECT_EQ(read(task, 2), (Lines{"done", "done"}));
  ASSERT_TRUE(task.make_durable().ok());
}

TEST_F(FilesSourceRotationTest, AReplacedFileThatIsNowhereIsAnEvent) {
  append("app.log", "one\n");
  EXPECT_EQ(run(1), Lines{"one"});
  append("other", "two\n");
  rename("other", "app.log");
  EXPECT_EQ(run(1), Lines{"two"});
  EXPECT_TRUE(has_event("file-replaced", "app.log"));
}

TEST_F(FilesSourceRotationTest, ADeletedOpenFileIsReadToItsEnd) {
  append("app.log", "one\n");
  auto task = source();
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 1), Lines{"one"});
  append("app.log", "two\nthree");
  remove("app.log");
  EXPECT_EQ(read(task, 3), (Lines{"one", "two", "three"}));
  ASSERT_TRUE(until(task, [&] { return stored("app.log").empty(); }));
  EXPECT_FALSE(has_event("lines-lost"));
}

TEST_F(FilesSourceRotationTest, AFileDeletedBeforeItsEndWasReadIsAnEvent) {
  append("app.log", "one\n");
  append("more.log", "two\n");
  {
    auto task = source({{"file", "*.log"}, {"batch.size", "1"}});
    ASSERT_TRUE(task.start().ok());
    // The first line only; the other file is not open yet.
    ASSERT_TRUE(task.poll_until(1).ok());
    ASSERT_EQ(values(task), Lines{"one"});
    remove("more.log");
    ASSERT_TRUE(until(task, [&] { return has_event("lines-lost", "more.log"); }));
    EXPECT_TRUE(stored("more.log").empty());
  }
  append("app.log", "three\n");
  append("more.log", "four\nfive\n");
  EXPECT_EQ(run(3, {{"file", "*.log"}}), (Lines{"three", "four", "five"}));
  remove("more.log");  // read to its end: nothing is lost
  const size_t events = host_.events().size();
  EXPECT_EQ(run(0, {{"file", "*.log"}}), Lines{});
  EXPECT_EQ(host_.events().size(), events);
  EXPECT_TRUE(stored("more.log").empty());
}

TEST_F(FilesSourceRotationTest, CompressedByLogrotateIsTheSameContent) {
  append("app.log", "one\n");
  append("app.log.1", "zero\n");
  auto task = source(kAll);
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 2), (Lines{"zero", "one"}));
  compress("app.log.1");
  append("app.log", "two\n");
  EXPECT_EQ(read(task, 3).back(), "two");
  ASSERT_TRUE(
      until(task, [&] { return stored_at("app.log.1.gz", 5) && stored("app.log.1").empty(); }));
  task.destroy();
  rename("app.log.1.gz", "app.log.2.gz");
  rename("app.log", "app.log.1");
  compress("app.log.1");
  append("app.log", "three\n");
  EXPECT_EQ(run(1, kAll), Lines{"three"});
}

TEST_F(FilesSourceRotationTest, AFinishedFileThatIsBeingCompressedIsNotNew) {
  append("app.log", "one\n");
  auto task = source();
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 1), Lines{"one"});
  rename("app.log", "app.log.1");
  append("app.log", "two\n");
  EXPECT_EQ(read(task, 2), (Lines{"one", "two"}));
  ASSERT_TRUE(until(task, [&] {  // read to its end
    return stored("app.log.1").find("\"end\":4") != std::string::npos;
  }));
  const auto modified = std::filesystem::last_write_time(at("app.log.1"));
  rename("app.log.1", "app.log.2");
  rename("app.log", "app.log.1");
  append("app.log", "three\n");
  append("app.log.2.gz", gzip_member(content("app.log.2")).value());  // its time is that of now
  EXPECT_EQ(read(task, 3), (Lines{"one", "two", "three"}));
  std::filesystem::last_write_time(at("app.log.2.gz"), modified);
  remove("app.log.2");
  append("app.log", "four\n");
  EXPECT_EQ(read(task, 4), (Lines{"one", "two", "three", "four"}));
  ASSERT_TRUE(task.make_durable().ok());
}

TEST_F(FilesSourceRotationTest, ACopyThatEndsBeforeThePositionIsKnownAfterARestart) {
  append("app.log", "one\n");
  {
    auto task = source(kAll);
    ASSERT_TRUE(task.start().ok());
    EXPECT_EQ(read(task, 1), Lines{"one"});
    append("app.log", "two\n");  // between the copy and the cut
    EXPECT_EQ(read(task, 2), (Lines{"one", "two"}));
    ASSERT_TRUE(task.make_durable().ok());
  }
  append("app.log.1", "one\n");
  rewrite("app.log", "three\n");
  EXPECT_EQ(run(1, kAll), Lines{"three"});
}

TEST_F(FilesSourceRotationTest, AnEmptyFileThatWasRotatedAndCompressedUnseenIsRead) {
  append("app.log", "one\n");
  auto task = source();
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 1), Lines{"one"});
  rename("app.log", "app.log.1");
  append("app.log", "");
  ASSERT_TRUE(until(task, [&] { return stored_at("app.log", 0); }));
  rename("app.log.1", "app.log.2");
  rename("app.log", "app.log.1");
  append("app.log", "");
  ASSERT_TRUE(until(task, [&] { return stored_at("app.log.1", 0) && stored_at("app.log", 0); }));
  task.destroy();
  append("app.log.1", "two\n");  // its writer had it open still
  rename("app.log.1", "app.log.2");
  compress("app.log.2");
  append("app.log", "three\n");
  rename("app.log", "app.log.1");
  append("app.log", "four\n");
  EXPECT_EQ(run(3), (Lines{"two", "three", "four"}));
}

// As one looks whose rotation makes the file first and copies then.
TEST_F(FilesSourceRotationTest, WhatIsCopiedIntoAnEmptyFileComesBeforeWhatWasNotReadYet) {
  append("app.log.1", "");
  append("app.log", "three\n");
  auto task = source(kAll);
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 0), Lines{});
  append("app.log.1", "one\ntwo\n");
  EXPECT_EQ(read(task, 3), (Lines{"one", "two", "three"}));
  ASSERT_TRUE(task.make_durable().ok());
}

TEST_F(FilesSourceRotationTest, AFileBehindOneThatWaitsWaitsToo) {
  append("job-1", "one\n");
  auto task = source({{"file", "job-*"}});
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 1), Lines{"one"});
  append("job-2", "");
  append("job-0", "zero\n");
  std::filesystem::last_write_time(
      at("job-0"), std::filesystem::last_write_time(at("job-1")) - std::chrono::hours(1));
  EXPECT_EQ(read(task, 1), Lines{"one"});
  append("job-1", "two\n");
  EXPECT_EQ(read(task, 1), Lines{"one"});
  remove("job-2");
  EXPECT_EQ(read(task, 3), (Lines{"one", "zero", "two"}));
  ASSERT_TRUE(task.make_durable().ok());
}

// No file can be opened while this lives.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit none{0, before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  NoMoreFiles(const NoMoreFiles&) = delete;
  NoMoreFiles& operator=(const NoMoreFiles&) = delete;
  ~NoMoreFiles() { EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before_), 0); }

 private:
  rlimit before_ = {};
};

TEST_F(FilesSourceRotationTest, ALookThatFailedIsRepeatedAtOnce) {
  append("app.log", "one\n");
  auto task = source({{"rescan.interval.ms", "60000"}});
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 1), Lines{"one"});
  rename("app.log", "app.log.1");
  append("app.log", "two\n");
  {
    const NoMoreFiles none;
    EXPECT_EQ(task.poll_until(2, std::chrono::seconds(10)).status, SLUICE_RETRIABLE);
  }
  EXPECT_EQ(read(task, 2), (Lines{"one", "two"}));
  ASSERT_TRUE(task.make_durable().ok());
}

TEST_F(FilesSourceRotationTest, AFileSeenUnderTwoNamesIsOneFile) {
  append("app.log.2", "one\n");
  auto task = source(kAll);
  ASSERT_TRUE(task.start().ok());
  EXPECT_EQ(read(task, 1), Lines{"one"});
  // As a listing shows it during the rename to the higher number.
  std::filesystem::create_hard_link(at("app.log.2"), at("app.log.1"));
  append("app.log", "two\n");
  EXPECT_EQ(read(task, 2), (Lines{"one", "two"}));
  ASSERT_TRUE(task.make_durable().ok());
}

}  // namespace
}  // namespace sluice::file_plugin::test
