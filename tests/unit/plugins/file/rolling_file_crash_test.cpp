// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "plugins/file/rolling_file.hpp"
#include "tests/unit/plugins/file/fake_files.hpp"

// A worker in small whose sink rolls its files and dies at every single operation. Somebody else
// takes finished files away as soon as he sees them. What he got and what is still there are the
// records, once each, in order.
namespace sluice::file_plugin {
namespace {

constexpr int64_t kRolled = 14;

class NoFolders : public Folders {
 public:
  Result<std::vector<FolderEntry>> list(const std::string&, size_t) override {
    return std::vector<FolderEntry>();
  }
  Status remove(const std::string&) override { return sdk::ok(); }
  Status make_folder(const std::string&) override { return sdk::ok(); }
};

std::string line_of(int64_t offset) {
  return std::to_string(offset) + std::string(static_cast<size_t>(offset), '.');
}

class RollingWorker {
 public:
  RollingWorker(test::FakeFiles& files, bool exactly_once, uint32_t seed)
      : files_(files),
        path_(PathTemplate::parse("out-${seq}").value()),
        exactly_once_(exactly_once),
        dice_(seed) {
    options_.max_bytes = 40;
  }

  void run() {
    ++epoch_;
    RollingFile sink(files_, folders_, files_, path_, options_, "", 0, exactly_once_);
    std::vector<PartitionPosition> positions = {{"t", 0, committed_}};
    if (!sink.open(positions, epoch_, 1).ok()) return;
    int64_t next = exactly_once_ ? positions[0].next_offset : committed_;
    if (exactly_once_) EXPECT_GE(next, committed_);
    while (committed_ < kRolled) {
      if (!sink.ready(1).ok()) return;
      TextBuffer& out = sink.writer().begin_batch();
      for (uint32_t i = 1 + dice_() % 3; i > 0 && next < kRolled; --i)
        out.append_line(line_of(next++));
      if (!sink.writer().end_batch().ok()) return;
      sink.written(1);
      if (sink.due(1) && !sink.roll({{"t", 0, next}}, 1).ok()) return;
      if (dice_() % 2 != 0) continue;
      if (!sink.commit({{"t", 0, next}}, 1).ok()) return;
      if (dice_() % 8 == 0) return;  // the group's commit gets lost
      committed_ = next;
      if (dice_() % 2 == 0) take_finished();
    }
  }
  bool done() const { return committed_ >= kRolled; }
  void take_finished() {
    if (files_.dead()) return;
    while (files_.exists(name(taken_ + 1))) {
      ++taken_;
      taken_text_ += files_.content(name(taken_));
      files_.remove(name(taken_));
    }
  }
  std::string everything() {
    take_finished();
    return taken_text_ + (files_.exists(".out-_.active") ? files_.content(".out-_.active") : "");
  }
  uint64_t taken() const { return taken_; }

 private:
  std::string name(uint64_t number) const { return path_.fill("", 0, 0, number); }

  test::FakeFiles& files_;
  NoFolders folders_;
  PathTemplate path_;
  RollOptions options_;
  bool exactly_once_;
  std::mt19937 dice_;
  int64_t epoch_ = 0;
  int64_t committed_ = 0;
  uint64_t taken_ = 0;
  std::string taken_text_;
};

void expect_lines(const std::string& text, bool once) {
  int64_t next = 0;
  size_t begin = 0;
  for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string line = text.substr(begin, end - begin);
    const int64_t offset = std::stoll(line);
    ASSERT_EQ(line, line_of(offset)) << "a line that is not whole";
    if (once) {
      ASSERT_EQ(offset, next);
    } else {
      ASSERT_LE(offset, next) << "a gap";
    }
    next = offset + 1;
  }
  ASSERT_EQ(begin, text.size()) << "torn: " << text.substr(begin);
  ASSERT_EQ(next, kRolled);
}

void crash_everywhere(bool exactly_once, bool power_lost) {
  uint64_t crashes = 0;
  uint64_t finished = 0;
  for (uint32_t seed = 0; seed < 20; ++seed) {
    for (uint64_t first_death = 0;; ++first_death) {
      std::mt19937 dice(seed);
      test::FakeFiles files;
      RollingWorker worker(files, exactly_once, seed);
      files.die_at(first_death);
      bool died = false;
      for (int lives = 0; !worker.done() && lives < 1000; ++lives) {
        worker.run();
        if (!files.dead()) continue;
        died = true;
        ++crashes;
        files.restart(power_lost, dice);
        worker.take_finished();
        if (lives < 5) files.die_at(dice() % 40);  // and again, also inside of the recovery
      }
      SCOPED_TRACE("seed " + std::to_string(seed) + " death " + std::to_string(first_death));
      ASSERT_TRUE(worker.done()) << (files.events.empty() ? "" : files.events.back().second);
      expect_lines(worker.everything(), exactly_once);
      if (testing::Test::HasFailure()) return;
      finished += worker.taken();
      if (!died) break;  // the whole run has fewer operations
    }
  }
  EXPECT_GT(crashes, 500u);
  EXPECT_GT(finished, crashes / 3);
}

TEST(RollingFileCrash, ExactlyOnceSurvivesAKillAtEveryOperation) {
  crash_everywhere(true, false);
}
TEST(RollingFileCrash, ExactlyOnceSurvivesPowerLossAtEveryOperation) {
  crash_everywhere(true, true);
}
TEST(RollingFileCrash, AtLeastOnceSurvivesAKillAtEveryOperation) {
  crash_everywhere(false, false);
}
TEST(RollingFileCrash, AtLeastOnceSurvivesPowerLossAtEveryOperation) {
  crash_everywhere(false, true);
}

}  // namespace
}  // namespace sluice::file_plugin
