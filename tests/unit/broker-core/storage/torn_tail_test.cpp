// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/paths.hpp"
#include "tests/unit/broker-core/storage/log_fixture.hpp"

// What recovery cuts must not come back later, when more was written behind it or when the disk
// shows other bytes than the page cache did.
namespace sluice::storage {
namespace {

using testing::DiskCall;
using testing::DiskFault;

// No space for the segment, so the frame, synced already, is overwritten with zeros; the sync of
// these fails. The page cache shows the zeros, the disk has the frame.
TEST(TornTail, anAppendThatWasTakenBackNeverComes) {
  for (bool goes_on : {false, true}) {
    LogHarness h;
    h.open();
    h.disk.inject(DiskCall::kWrite, DiskFault::kNoSpace, 1, 1, "/topics/");
    h.disk.inject(DiskCall::kSync, DiskFault::kSyncDrops,
                  3);  // after those of the file's header and of the frame
    const auto taken_back = h.append(partition(1), {"taken back"});
    ASSERT_FALSE(taken_back.ok());
    ASSERT_EQ(taken_back.error().kind, ErrorKind::kFatal) << taken_back.error().message;
    h.kill();
    h.open();
    ASSERT_EQ(h.read_all(partition(1))->size(), 0u);
    if (goes_on) {
      ASSERT_TRUE(h.append(partition(1), {"later"}).ok());
    }
    h.crash();
    h.open();
    const auto records = *h.read_all(partition(1));
    ASSERT_EQ(records.size(), goes_on ? 1u : 0u);
    if (goes_on) {
      EXPECT_EQ(records.at(0), "later");
    }
  }
}

// Rounds that were cut short left `bytes` behind what the checkpoint vouches for, more than is
// appended before the segment is closed; a start believes a closed segment's length.
void check_tail_of_a_segment(const char* extension, size_t bytes) {
  LogHarness h;
  h.open();
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(h.append(partition(1), {"before" + std::to_string(i)}).ok());
  ASSERT_TRUE(h.log->stop().ok());
  const std::string path = "data/topics/" + partition_folder_name("one", partition(1)) + "/" +
                           numbered_name(0, extension);
  const size_t end = h.disk.content(path).size();
  ASSERT_GT(end, 0u);
  h.disk.overwrite(path, end, Bytes(bytes, std::byte{'t'}));
  h.open();
  ASSERT_EQ(h.read_all(partition(1))->size(), 3u);
  ASSERT_TRUE(h.append(partition(1), {"after"}).ok());
  ASSERT_TRUE(h.append(partition(1), {std::string(h.topics[topic_id(1)].segment_bytes, 'r')})
                  .ok());  // rolls
  ASSERT_TRUE(h.log->checkpoint().ok());
  h.crash();
  h.open();
  const auto records = h.read_all(partition(1));
  ASSERT_TRUE(records.ok()) << records.error().message;
  ASSERT_EQ(records->size(), 5u);
  EXPECT_EQ(records->at(3), "after");
  ASSERT_TRUE(h.append(partition(1), {"at the end"}).ok());
  ASSERT_TRUE(h.log->stop().ok());
  const auto findings = verify_directory(h.disk, "data", nullptr);
  ASSERT_TRUE(findings.ok()) << findings.error().message;
  for (const auto& finding : *findings)
    EXPECT_FALSE(finding.damage) << finding.file << ": " << finding.text;
}

TEST(TornTail, ofASegmentIsCutBeforeItIsClosed) {
  check_tail_of_a_segment(".log", 5000);
}

TEST(TornTail, ofASidecarIsCutBeforeItIsClosed) {
  check_tail_of_a_segment(".check", 1600);
}

}  // namespace
}  // namespace sluice::storage
