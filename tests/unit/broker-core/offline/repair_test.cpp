// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "broker-core/offline/offline.hpp"
#include "broker-core/storage/paths.hpp"
#include "broker-core/storage/swap_file.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/unit/broker-core/storage/log_fixture.hpp"

namespace sluice::offline {
namespace {

using namespace storage;

class RepairTest : public ::testing::Test {
 protected:
  std::string stem(int64_t base) {
    return "data/topics/" + partition_folder_name("one", partition(1)) + "/" +
           numbered_name(static_cast<uint64_t>(base), "");
  }
  // Several segments. (No metadata: its repair takes the topic from the folder's name.)
  void SetUp() override {
    h_.open();
    for (int i = 0; i < 40; ++i) {
      ASSERT_TRUE(h_.append(partition(1), {std::string(1000, 'x') + std::to_string(i)}).ok());
    }
    ASSERT_TRUE(h_.log->stop().ok());
  }
  // The first segment is compacted, but for the last step.
  void leave_compaction() {
    for (const char* extension : kSegmentExtensions) {
      const std::string path = stem(0) + extension;
      if (!*h_.disk.exists(path)) continue;
      ASSERT_TRUE(write_file_atomically(h_.disk, path + kCleaned, h_.disk.content(path)).ok());
    }
    ASSERT_TRUE(write_swap(h_.disk, "data/topics/" + partition_folder_name("one", partition(1)),
                           {Offset(0), false, {Offset(0)}})
                    .ok());
  }
  int damages() {
    auto findings = verify_directory(h_.disk, "data", nullptr);
    EXPECT_TRUE(findings.ok());
    return static_cast<int>(std::count_if(findings->begin(), findings->end(),
                                          [](const Finding& finding) { return finding.damage; }));
  }
  // Plans and applies, as the command does. The plan alone changes nothing.
  void repair() {
    std::map<std::string, Bytes> before;
    for (const auto& path : h_.disk.files("data")) before[path] = h_.disk.content(path);
    auto plan = plan_repair(h_.disk, h_.clock, random_, "data", {});
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    for (const auto& path : h_.disk.files("data"))
      EXPECT_EQ(before[path], h_.disk.content(path)) << path;
    for (const auto& step : plan->steps) lost_ += step.lost ? 1 : 0;
    const auto applied = apply_repair(*plan);
    ASSERT_TRUE(applied.ok()) << applied.error().message;
    auto after = plan_repair(h_.disk, h_.clock, random_, "data", {});
    ASSERT_TRUE(after.ok()) << after.error().message;
    for (const auto& step : after->steps)
      ADD_FAILURE() << "left to do: " << step.file << ": " << step.text;
  }
  LogHarness h_;
  testing::SeededRandom random_{1};
  int lost_ = 0;
};

TEST_F(RepairTest, ADamagedPartitionWithAPendingCompactionIsRepairedAtOnce) {
  h_.kill();
  leave_compaction();
  const std::byte flipped[] = {h_.disk.content(stem(0) + ".log")[300] ^ std::byte{8}};
  // In the compacted file, which becomes the segment.
  h_.disk.overwrite(stem(0) + ".log" + kCleaned, 300, flipped);
  // And something that is damaged without it.
  std::string last;
  for (const auto& path : h_.disk.files("data/topics/one-0")) {
    if (path.ends_with(".log")) last = path;
  }
  const std::byte other[] = {h_.disk.content(last)[200] ^ std::byte{8}};
  h_.disk.overwrite(last, 200, other);
  ASSERT_GT(damages(), 0);
  repair();
  EXPECT_EQ(damages(), 0);
  EXPECT_GE(lost_, 2);
  EXPECT_FALSE(*h_.disk.exists(stem(0) + ".swap"));
}

TEST_F(RepairTest, RecordsOfADamagedCommitLogOutliveAPendingCompaction) {
  h_.open();
  ASSERT_TRUE(h_.append(partition(1), {"only in the commit log"}).ok());
  h_.kill();
  leave_compaction();
  h_.disk.overwrite("data/checkpoint", 20, as_bytes("damage"));
  repair();
  EXPECT_EQ(damages(), 0);
  EXPECT_EQ(lost_, 0);
  h_.open();
  const auto records = h_.read_all(partition(1));
  ASSERT_TRUE(records.ok()) << records.error().message;
  ASSERT_EQ(records->size(), 41u);
  EXPECT_EQ(records->at(40), "only in the commit log");
}

}  // namespace
}  // namespace sluice::offline
