// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/line_writer.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "tests/unit/plugins/file/fake_files.hpp"

namespace sluice::file_plugin {
namespace {

constexpr size_t kLarge = 1u << 20;  // more than the writer collects

class LineWriterTest : public testing::Test {
 protected:
  LineWriter writer(bool strict = false) {
    auto file = files_.create("f");
    return LineWriter(std::move(file).value(), "f", files_.content("f").size(), strict, files_);
  }
  Status put(LineWriter& writer, std::string_view line) {
    writer.begin_batch().append_line(line);
    return writer.end_batch();
  }

  test::FakeFiles files_;
};

TEST_F(LineWriterTest, WritesOnSyncAndWhenEnoughIsCollected) {
  LineWriter out = writer();
  ASSERT_TRUE(put(out, "one").ok());
  EXPECT_EQ(files_.content("f"), "");
  ASSERT_TRUE(out.sync().ok());
  EXPECT_EQ(files_.content("f"), "one\n");
  EXPECT_EQ(out.synced_length(), 4u);
  ASSERT_TRUE(put(out, std::string(kLarge, 'x')).ok());
  EXPECT_EQ(files_.content("f").size(), 4 + kLarge + 1);
  EXPECT_EQ(out.synced_length(), 4u);
}

TEST_F(LineWriterTest, AFullDiskTakesTheBatchBackAndLeavesNoPartOfIt) {
  files_.set_space(kLarge / 2);
  LineWriter out = writer();
  ASSERT_TRUE(put(out, "before").ok());
  const Status status = put(out, std::string(kLarge, 'x'));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, SLUICE_RETRIABLE);
  EXPECT_GT(status.error().retry_after_ms, 0u);
  EXPECT_NE(status.error().message.find("No space left"), std::string::npos);
  EXPECT_EQ(files_.content("f"), "");
  files_.set_space(UINT64_MAX);
  ASSERT_TRUE(put(out, std::string(kLarge, 'x')).ok());
  ASSERT_TRUE(out.sync().ok());
  EXPECT_EQ(files_.content("f"), "before\n" + std::string(kLarge, 'x') + "\n");
}

TEST_F(LineWriterTest, AFullDiskAtTheCommitLosesNothing) {
  files_.set_space(3);
  LineWriter out = writer();
  ASSERT_TRUE(put(out, "something").ok());
  EXPECT_EQ(out.sync().error().kind, SLUICE_RETRIABLE);
  EXPECT_EQ(out.sync().error().kind, SLUICE_RETRIABLE);
  EXPECT_EQ(out.synced_length(), 0u);
  files_.set_space(UINT64_MAX);
  ASSERT_TRUE(out.sync().ok());
  EXPECT_EQ(files_.content("f"), "something\n");
}

TEST_F(LineWriterTest, APartThatCannotBeCutOffAtOnceIsCutOffBeforeTheNextWrite) {
  LineWriter out = writer();
  files_.set_space(3);
  ASSERT_TRUE(put(out, "something").ok());
  files_.fail_at(files_.operations() + 2, EIO);  // the look, the write, then the cut
  EXPECT_FALSE(out.sync().ok());
  EXPECT_EQ(files_.content("f"), "som");
  EXPECT_TRUE(files_.has_event("incomplete-write"));
  files_.set_space(UINT64_MAX);
  ASSERT_TRUE(out.sync().ok());
  EXPECT_EQ(files_.content("f"), "something\n");
}

TEST_F(LineWriterTest, AFailedSyncIsNeverTriedAgain) {
  LineWriter out = writer();
  ASSERT_TRUE(put(out, "one").ok());
  ASSERT_TRUE(out.sync().ok());
  ASSERT_TRUE(put(out, "two").ok());
  files_.next_sync_error = EIO;
  EXPECT_EQ(out.sync().error().kind, SLUICE_FATAL);
  EXPECT_EQ(files_.content("f"), "one\n");  // two comes again after the restart
  ASSERT_TRUE(put(out, "three").ok());
  EXPECT_EQ(out.sync().error().kind, SLUICE_FATAL);
  EXPECT_EQ(files_.content("f"), "one\n");
}

TEST_F(LineWriterTest, ADeletedFileIsNoticedBeforeBytesGoIntoIt) {
  LineWriter out = writer();
  ASSERT_TRUE(put(out, "one").ok());
  files_.remove("f");
  const Status status = out.sync();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, SLUICE_FATAL);
  EXPECT_NE(status.error().message.find("deleted"), std::string::npos);
}

TEST_F(LineWriterTest, SomebodyElsesLinesAreKeptUnlessStrict) {
  LineWriter out = writer();
  ASSERT_TRUE(put(out, "one").ok());
  files_.write("f", "theirs\n");
  ASSERT_TRUE(out.sync().ok());
  EXPECT_EQ(files_.content("f"), "theirs\none\n");
  EXPECT_TRUE(files_.has_event("file-changed"));

  LineWriter strict = writer(true);
  ASSERT_TRUE(put(strict, "two").ok());
  files_.append("f", "theirs\n");
  EXPECT_EQ(strict.sync().error().kind, SLUICE_FATAL);
}

TEST_F(LineWriterTest, AFileCutByAnotherIsSyncedAllTheSame) {
  LineWriter out = writer();
  ASSERT_TRUE(put(out, "12345678").ok());
  ASSERT_TRUE(out.sync().ok());
  files_.write("f", "1234");
  ASSERT_TRUE(put(out, "5678").ok());  // ends where the last sync ended
  files_.next_sync_error = EIO;
  EXPECT_FALSE(out.sync().ok());  // so there was a sync
}

}  // namespace
}  // namespace sluice::file_plugin
