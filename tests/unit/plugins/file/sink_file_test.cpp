// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/sink_file.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/plugins/file/fake_files.hpp"

namespace sluice::file_plugin {
namespace {

class SinkFileTest : public testing::Test {
 protected:
  SinkFile sink(bool exactly_once) { return SinkFile(files_, files_, "out", exactly_once); }

  Status open(SinkFile& sink, int64_t epoch = 1) {
    positions_ = {{"t", 0, 100}, {"t", 1, 200}};
    return sink.open(positions_, epoch);
  }
  void put(SinkFile& sink, std::string_view line) {
    sink.writer().begin_batch().append_line(line);
    ASSERT_TRUE(sink.writer().end_batch().ok());
  }
  Status commit(SinkFile& sink, int64_t first, int64_t second = -1) {
    return sink.commit({{"t", 0, first}, {"t", 1, second}});
  }

  static constexpr const char* kOffsets = "out.sluice-offsets";
  test::FakeFiles files_;
  std::vector<PartitionPosition> positions_;
};

TEST_F(SinkFileTest, AtLeastOnceAppendsAndLeavesOffsetsAlone) {
  files_.write("out", "was here\n");
  SinkFile out = sink(false);
  ASSERT_TRUE(open(out).ok());
  EXPECT_EQ(positions_[0].next_offset, 100);
  put(out, "new");
  ASSERT_TRUE(commit(out, 101).ok());
  EXPECT_EQ(files_.content("out"), "was here\nnew\n");
  EXPECT_FALSE(files_.exists(kOffsets));
}

TEST_F(SinkFileTest, AnUnfinishedLineOfSomebodyElseGetsALineEnd) {
  files_.write("out", "their text");
  SinkFile out = sink(false);
  ASSERT_TRUE(open(out).ok());
  put(out, "new");
  ASSERT_TRUE(commit(out, 101).ok());
  EXPECT_EQ(files_.content("out"), "their text\nnew\n");
}

TEST_F(SinkFileTest, AnUnfinishedLineOfOursIsCutOff) {
  files_.write("out", "their text");
  {
    SinkFile out = sink(false);
    ASSERT_TRUE(open(out).ok());
  }
  files_.append("out", "one\ntw");  // as a kill inside of a write leaves it
  SinkFile out = sink(false);
  ASSERT_TRUE(open(out).ok());
  EXPECT_EQ(files_.content("out"), "their text\none\n");
  EXPECT_TRUE(files_.has_event("incomplete-line"));
}

TEST_F(SinkFileTest, AnUnfinishedFirstLineOfOursIsCutOffWhole) {
  files_.write("out", "theirs\n");
  {
    SinkFile out = sink(false);
    ASSERT_TRUE(open(out).ok());
  }
  files_.append("out", std::string(200'000, 'x'));
  SinkFile out = sink(false);
  ASSERT_TRUE(open(out).ok());
  EXPECT_EQ(files_.content("out"), "theirs\n");
}

TEST_F(SinkFileTest, WithoutMarksAnUnfinishedLineIsEnded) {
  files_.marks_supported = false;
  {
    SinkFile out = sink(false);
    ASSERT_TRUE(open(out).ok());
  }
  files_.append("out", "one\ntw");
  SinkFile out = sink(false);
  ASSERT_TRUE(open(out).ok());
  EXPECT_EQ(files_.content("out"), "one\ntw\n");
}

TEST_F(SinkFileTest, OneTaskPerFile) {
  SinkFile first = sink(false);
  ASSERT_TRUE(open(first).ok());
  SinkFile second = sink(true);
  const Status status = open(second);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, SLUICE_RETRIABLE);
  EXPECT_NE(status.error().message.find("'out' is in use"), std::string::npos);
  first.close();
  EXPECT_TRUE(open(second).ok());
}

TEST_F(SinkFileTest, ExactlyOnceResumesWhereTheFileIs) {
  {
    SinkFile out = sink(true);
    ASSERT_TRUE(open(out).ok());
    EXPECT_EQ(positions_[0].next_offset, 100);
    put(out, "a100");
    ASSERT_TRUE(commit(out, 101).ok());
    put(out, "a101");
    put(out, std::string(1 << 20, 'x'));  // reaches the file
  }
  EXPECT_GT(files_.content("out").size(), 5u);
  SinkFile out = sink(true);
  ASSERT_TRUE(open(out, 2).ok());
  EXPECT_EQ(files_.content("out"), "a100\n");
  EXPECT_EQ(positions_[0].next_offset, 101);
  EXPECT_EQ(positions_[1].next_offset, 200);  // nothing of it in the file: the group's offset stands
}

TEST_F(SinkFileTest, ContentsWithoutOffsetsAreKeptAsTheBase) {
  files_.write("out", "was here");
  SinkFile out = sink(true);
  ASSERT_TRUE(open(out).ok());
  EXPECT_EQ(files_.content("out"), "was here\n");
  EXPECT_TRUE(files_.has_event("offsets-begin"));
  put(out, "new");
  out.close();
  files_.append("out", "torn");
  ASSERT_TRUE(open(out).ok());
  EXPECT_EQ(files_.content("out"), "was here\n");
}

TEST_F(SinkFileTest, AnOlderEpochIsFenced) {
  SinkFile out = sink(true);
  ASSERT_TRUE(open(out, 5).ok());
  out.close();
  EXPECT_EQ(open(out, 4).error().kind, SLUICE_FENCED);
  EXPECT_FALSE(out.is_open());
  EXPECT_TRUE(open(out, 5).ok());
  EXPECT_TRUE(open(out, 6).ok());
}

TEST_F(SinkFileTest, AShortenedFileIsAnErrorThatChangesNothing) {
  SinkFile out = sink(true);
  ASSERT_TRUE(open(out).ok());
  put(out, "one");
  put(out, "two");
  ASSERT_TRUE(commit(out, 102).ok());
  out.close();
  files_.cut("out", 4);
  const Status status = open(out);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, SLUICE_CONFIG_ERROR);
  EXPECT_NE(status.error().message.find("delivered records are gone"), std::string::npos);
  EXPECT_EQ(files_.content("out"), "one\n");
}

TEST_F(SinkFileTest, AnotherFileUnderTheNameIsAnErrorThatChangesNothing) {
  SinkFile out = sink(true);
  ASSERT_TRUE(open(out).ok());
  put(out, "one");
  ASSERT_TRUE(commit(out, 101).ok());
  out.close();
  files_.write("out", "a file of somebody else");
  EXPECT_EQ(open(out).error().kind, SLUICE_CONFIG_ERROR);
  EXPECT_EQ(files_.content("out"), "a file of somebody else");
}

TEST_F(SinkFileTest, ADamagedOffsetsFileIsAnErrorThatChangesNothing) {
  SinkFile out = sink(true);
  ASSERT_TRUE(open(out).ok());
  put(out, "one");
  ASSERT_TRUE(commit(out, 101).ok());
  out.close();
  files_.write(kOffsets, std::string(2 * kMinSlotSize, '?'));
  EXPECT_EQ(open(out).error().kind, SLUICE_CONFIG_ERROR);
  EXPECT_EQ(files_.content("out"), "one\n");
}

TEST_F(SinkFileTest, ACommitWithoutNewsCostsNoSync) {
  SinkFile out = sink(true);
  ASSERT_TRUE(open(out).ok());
  put(out, "one");
  ASSERT_TRUE(commit(out, 101).ok());
  const uint64_t before = files_.operations();
  ASSERT_TRUE(commit(out, 101).ok());
  EXPECT_EQ(files_.operations(), before);
  ASSERT_TRUE(commit(out, 105).ok());  // records that gave no line
  out.close();
  ASSERT_TRUE(open(out).ok());
  EXPECT_EQ(positions_[0].next_offset, 105);
}

TEST_F(SinkFileTest, ProbeRefusesWhatIsNoRegularFile) {
  files_.write("out", "");
  files_.set_regular("out", false);
  SinkFile out = sink(false);
  EXPECT_EQ(out.probe().error().kind, SLUICE_CONFIG_ERROR);
}

}  // namespace
}  // namespace sluice::file_plugin
