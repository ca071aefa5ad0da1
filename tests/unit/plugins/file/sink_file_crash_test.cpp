// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "plugins/file/sink_file.hpp"
#include "tests/unit/plugins/file/fake_files.hpp"

// A worker in small: two partitions with known records go through a SinkFile that dies at every single operation, by
// kill (what was written stays) and by power loss (what was not synced stays, goes, or is torn).
namespace sluice::file_plugin {
namespace {

constexpr int64_t kRecords = 12;  // per partition
constexpr const char* kPath = "out";

std::string line_of(int32_t partition, int64_t offset) {
  return "p" + std::to_string(partition) + "-" + std::to_string(offset) + std::string(static_cast<size_t>(offset), '.');
}

class Worker {
 public:
  Worker(test::FakeFiles& files, bool exactly_once, uint32_t seed)
      : files_(files), exactly_once_(exactly_once), dice_(seed) {}

  // Runs until everything is committed or the process died. False: died.
  bool run() {
    ++epoch_;
    SinkFile sink(files_, files_, kPath, exactly_once_);
    std::vector<PartitionPosition> positions = {{"t", 0, committed_[0]}, {"t", 1, committed_[1]}};
    if (!sink.open(positions, epoch_).ok()) return false;
    int64_t next[2] = {positions[0].next_offset, positions[1].next_offset};
    if (exactly_once_) {
      // The group's offset is committed after the file's, so the file is never behind.
      EXPECT_GE(next[0], committed_[0]);
      EXPECT_GE(next[1], committed_[1]);
    }
    while (committed_[0] < kRecords || committed_[1] < kRecords) {
      TextBuffer& out = sink.writer().begin_batch();
      for (uint32_t i = 1 + dice_() % 3; i > 0; --i) {
        const auto p = static_cast<int32_t>(dice_() % 2);
        if (next[p] < kRecords) out.append_line(line_of(p, next[p]++));
      }
      if (!sink.writer().end_batch().ok()) return false;
      if (dice_() % 2 != 0) continue;
      if (!sink.commit({{"t", 0, next[0]}, {"t", 1, next[1]}}).ok()) return false;
      if (dice_() % 8 == 0) return true;  // the group's commit gets lost
      committed_[0] = next[0];
      committed_[1] = next[1];
    }
    return true;
  }
  bool done() const { return committed_[0] >= kRecords && committed_[1] >= kRecords; }
  int64_t committed(int32_t partition) const { return committed_[partition]; }

 private:
  test::FakeFiles& files_;
  bool exactly_once_;
  std::mt19937 dice_;
  int64_t epoch_ = 0;
  int64_t committed_[2] = {0, 0};
};

std::vector<std::string> lines_of(const std::string& content) {
  std::vector<std::string> lines;
  size_t begin = 0;
  for (size_t end; (end = content.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(content.substr(begin, end - begin));
  }
  if (begin != content.size()) lines.push_back("TORN: " + content.substr(begin));
  return lines;
}

// Each partition's records once and in order.
void expect_exactly_once(const std::string& content) {
  int64_t next[2] = {0, 0};
  for (const std::string& line : lines_of(content)) {
    const int p = line[1] - '0';
    ASSERT_TRUE(p == 0 || p == 1) << line;
    ASSERT_EQ(line, line_of(p, next[p]));
    ++next[p];
  }
  ASSERT_EQ(next[0], kRecords);
  ASSERT_EQ(next[1], kRecords);
}

// Each line whole, each partition's numbers rising by one or jumping back.
void expect_at_least_once(const std::string& content) {
  int64_t next[2] = {0, 0};
  for (const std::string& line : lines_of(content)) {
    const int p = line[1] - '0';
    ASSERT_TRUE(p == 0 || p == 1) << line;
    const int64_t offset = std::atoll(line.c_str() + 3);
    ASSERT_EQ(line, line_of(p, offset)) << "a line that is not whole";
    ASSERT_LE(offset, next[p]) << "a gap";
    next[p] = offset + 1;
  }
  ASSERT_EQ(next[0], kRecords);
  ASSERT_EQ(next[1], kRecords);
}

void crash_everywhere(bool exactly_once, bool power_lost, uint32_t seeds) {
  uint64_t crashes = 0;
  for (uint32_t seed = 0; seed < seeds; ++seed) {
    for (uint64_t first_death = 0;; ++first_death) {
      std::mt19937 dice(seed);
      test::FakeFiles files;
      if (seed % 2 == 1) files.write(kPath, "");
      Worker worker(files, exactly_once, seed);
      files.die_at(first_death);
      bool died = false;
      int lives = 0;
      for (; !worker.done() && lives < 1000; ++lives) {
        worker.run();
        if (!files.dead()) continue;
        died = true;
        ++crashes;
        files.restart(power_lost, dice);
        if (lives < 5) files.die_at(dice() % 40);  // and again, also inside of the recovery
      }
      ASSERT_TRUE(worker.done()) << "seed " << seed << " death " << first_death << " "
                                 << (files.events.empty() ? "" : files.events.back().second);
      SCOPED_TRACE("seed " + std::to_string(seed) + " death " + std::to_string(first_death));
      if (exactly_once) {
        expect_exactly_once(files.content(kPath));
      } else {
        expect_at_least_once(files.content(kPath));
      }
      if (testing::Test::HasFailure()) return;
      if (!died) break;  // the whole run has fewer operations
    }
  }
  EXPECT_GT(crashes, 100u);
}

TEST(SinkFileCrash, ExactlyOnceSurvivesAKillAtEveryOperation) { crash_everywhere(true, false, 20); }
TEST(SinkFileCrash, ExactlyOnceSurvivesPowerLossAtEveryOperation) { crash_everywhere(true, true, 20); }
TEST(SinkFileCrash, AtLeastOnceSurvivesAKillAtEveryOperation) { crash_everywhere(false, false, 20); }

// What was committed is on the disk, whatever becomes of the rest.
TEST(SinkFileCrash, AtLeastOnceKeepsWhatWasCommittedThroughPowerLoss) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 dice(seed);
    test::FakeFiles files;
    Worker worker(files, false, seed);
    files.die_at(5 + dice() % 60);
    while (!files.dead() && !worker.done()) worker.run();
    files.restart(true, dice);
    if (!files.exists(kPath)) continue;
    const std::vector<std::string> lines = lines_of(files.content(kPath));
    for (int32_t p = 0; p < 2; ++p) {
      for (int64_t offset = 0; offset < worker.committed(p); ++offset) {
        ASSERT_NE(std::find(lines.begin(), lines.end(), line_of(p, offset)), lines.end()) << seed;
      }
    }
  }
}

}  // namespace
}  // namespace sluice::file_plugin
