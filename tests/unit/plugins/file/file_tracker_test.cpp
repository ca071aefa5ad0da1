// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tests/unit/plugins/file/files_source_fixture.hpp"

// Which files may be read while it is not known what others of their live name are; with a clock
// that the test moves.
namespace sluice::file_plugin::test {
namespace {

// The real files, but one that may not be opened.
class RefusedFile : public Files {
 public:
  explicit RefusedFile(Files& files) : files_(files) {}
  Result<std::unique_ptr<File>> open(const std::string& path, Access access) override {
    if (path == refused) return Error::config("'" + path + "': Permission denied");
    return files_.open(path, access);
  }
  Result<std::unique_ptr<File>> create(const std::string& path) override {
    return files_.create(path);
  }
  Status rename(const std::string& from, const std::string& to) override {
    return files_.rename(from, to);
  }
  std::string refused;

 private:
  Files& files_;
};

class FileTrackerTest : public FilesSourceFixture, private Notes {
 protected:
  void watch(const std::string& pattern) {
    files_.emplace(sdk::Context(host_.table(), host_.make_context().raw()));
    opened_.emplace(*files_);
    finder_.emplace(*opened_, *files_, *files_, PathPattern(pattern), std::vector<std::string>{},
                    TaskShare{}, 1000);
    tracker_.emplace(*opened_, *files_, static_cast<Notes&>(*this), *finder_, OpenOptions{});
  }
  void look(int64_t steady_ms) {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    const Status looked = tracker_->rescan(
        {steady_ms, std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count()});
    EXPECT_TRUE(looked.ok()) << looked.error().message;
  }
  bool readable(const std::string& name, int64_t steady_ms, bool behind = false) {
    const auto& files = tracker_->tracked();
    const auto at = std::find_if(files.begin(), files.end(),
                                 [&](const auto& file) { return file->path == name; });
    if (at == files.end()) {
      ADD_FAILURE() << name << " is not tracked";
      return false;
    }
    return tracker_->readable(**at, behind, steady_ms);
  }
  void set_age(const std::string& name, std::chrono::seconds age) {
    std::filesystem::last_write_time(at(name), std::filesystem::file_time_type::clock::now() - age);
  }
  void note(const std::string& text) override { (void)text; }

  std::optional<HostFiles> files_;
  std::optional<RefusedFile> opened_;
  std::optional<FileFinder> finder_;
  std::optional<FileTracker> tracker_;
};

TEST_F(FileTrackerTest, AnUnreadFileWaitsForAnEmptyRotatedOneButNotForEver) {
  append("app.log.1", "");
  append("app.log", "two\n");
  watch("app.log*");
  look(0);
  EXPECT_TRUE(tracker_->undecided());
  EXPECT_FALSE(readable("app.log", 0));
  set_age("app.log.1", std::chrono::seconds(0));  // written again and again
  look(9'999);
  EXPECT_FALSE(readable("app.log", 9'999));
  EXPECT_TRUE(readable("app.log", 10'000));
  set_age("app.log.1", std::chrono::seconds(11));
  look(10'100);
  EXPECT_FALSE(tracker_->undecided());
  EXPECT_TRUE(readable("app.log", 10'100));
}

TEST_F(FileTrackerTest, EachFileThatIsNewWaitsForItselfOnly) {
  append("spool/job-1", "one\n");
  watch("spool/*");
  for (int64_t n = 2; n < 40; ++n) {
    append("spool/job-" + std::to_string(n), "");
    look(n * 500);
    EXPECT_TRUE(tracker_->undecided());
    EXPECT_EQ(readable("spool/job-1", n * 500), n * 500 >= 11'000) << n;
  }
}

TEST_F(FileTrackerTest, OneBehindAWaitingOneDoesNotWaitForEverEither) {
  append("job-1", "one\n");
  watch("job*");
  look(0);
  EXPECT_FALSE(readable("job-1", 0, true));
  EXPECT_FALSE(readable("job-1", 9'999, true));
  EXPECT_TRUE(readable("job-1", 10'000, true));
  EXPECT_TRUE(readable("job-1", 20'000));
  EXPECT_FALSE(readable("job-1", 30'000, true));  // another wait
}

TEST_F(FileTrackerTest, ATimeInTheFutureSaysNothing) {
  append("app.log.1", "");
  set_age("app.log.1", -std::chrono::hours(24));
  append("app.log", "two\n");
  watch("app.log*");
  look(0);
  EXPECT_FALSE(tracker_->undecided());
  EXPECT_TRUE(readable("app.log", 0));
}

TEST_F(FileTrackerTest, WhatNobodyMayOpenHoldsNobodyBack) {
  append("app.log", "two\n");
  watch("app.log*");
  opened_->refused = "app.log";
  look(0);
  append("app.log.1", "one\n");
  look(100);
  EXPECT_FALSE(tracker_->undecided());
  EXPECT_TRUE(readable("app.log.1", 100));
  EXPECT_TRUE(readable("app.log", 100));  // reading it says that nobody may
}

TEST_F(FileTrackerTest, ACompressedFileWhoseOriginalIsNotThereYetHoldsYoungerOnesBack) {
  append("app.log.2.gz", "");
  append("app.log.1", "one\n");
  append("app.log", "two\n");
  watch("app.log*");
  look(0);
  EXPECT_FALSE(readable("app.log", 0));
  EXPECT_FALSE(readable("app.log.1", 0));
  rewrite("app.log.2.gz", gzip_member("zero\n").value());
  set_age("app.log.2.gz", std::chrono::seconds(11));
  look(100);
  EXPECT_TRUE(readable("app.log.2.gz", 100));
  EXPECT_TRUE(readable("app.log", 100));
}

}  // namespace
}  // namespace sluice::file_plugin::test
