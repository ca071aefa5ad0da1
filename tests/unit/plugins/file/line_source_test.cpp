// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/line_source.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <vector>

#include "plugins/file/file_tail.hpp"
#include "tests/unit/plugins/file/fake_files.hpp"

namespace sluice::file_plugin {
namespace {

using Lines = std::vector<std::string>;

constexpr LineLimits kPlenty = {1000, 1u << 30};

class LineSourceTest : public testing::Test {
 protected:
  LineSource source(uint64_t position = 0, LineOptions options = {}) {
    return LineSource(tails_.emplace_back(files_, files_, "f", position), files_, "f", options);
  }
  // All lines until the source is idle. What is lent is copied only after everything else was read.
  Lines drain(LineSource& source, const LineLimits& limits = kPlenty) {
    std::vector<LineBatch> batches;
    for (int calls = 0; calls < 100000; ++calls) {
      LineBatch batch;
      const Status status = source.next(limits, batch);
      if (!status.ok()) {
        error_ = status.error();
        break;
      }
      if (batch.position) position_ = *batch.position;
      if (batch.idle) break;
      batches.push_back(std::move(batch));
    }
    Lines lines;
    for (const LineBatch& batch : batches)
      lines.insert(lines.end(), batch.lines.begin(), batch.lines.end());
    return lines;
  }

  test::FakeFiles files_;
  std::deque<FileTail> tails_;
  uint64_t position_ = UINT64_MAX;
  Error error_;
};

TEST_F(LineSourceTest, GivesCompleteLinesAndTheirPosition) {
  files_.write("f", "one\ntwo\r\nthr");
  LineSource lines = source();
  EXPECT_EQ(drain(lines), (Lines{"one", "two"}));
  EXPECT_EQ(position_, 9u);
  EXPECT_EQ(drain(lines), Lines{});
  files_.append("f", "ee\n");
  EXPECT_EQ(drain(lines), Lines{"three"});
  EXPECT_EQ(position_, 15u);
}

TEST_F(LineSourceTest, ResumesAtAStoredPosition) {
  files_.write("f", "one\ntwo\n");
  LineSource lines = source(4);
  EXPECT_EQ(drain(lines), Lines{"two"});
}

TEST_F(LineSourceTest, ALoneCarriageReturnAtTheEndWaits) {
  files_.write("f", "one\r");
  LineSource lines = source();
  EXPECT_EQ(drain(lines), Lines{});
  files_.append("f", "\ntwo\r");
  EXPECT_EQ(drain(lines), Lines{"one"});
  files_.append("f", "three\r\n");
  EXPECT_EQ(drain(lines), (Lines{"two", "three"}));
}

TEST_F(LineSourceTest, WaitsForAFileThatAppearsLater) {
  LineSource lines = source();
  EXPECT_EQ(drain(lines), Lines{});
  EXPECT_EQ(drain(lines), Lines{});
  EXPECT_EQ(files_.events.size(), 1u);
  EXPECT_TRUE(files_.has_event("waiting-for-file"));
  files_.write("f", "here\n");
  EXPECT_EQ(drain(lines), Lines{"here"});
  EXPECT_TRUE(files_.has_event("file-appeared"));
}

TEST_F(LineSourceTest, ACutFileIsReadFromItsStart) {
  files_.write("f", "one\ntwo\n");
  LineSource lines = source();
  EXPECT_EQ(drain(lines).size(), 2u);
  files_.write("f", "new\n");
  EXPECT_EQ(drain(lines), Lines{"new"});
  EXPECT_TRUE(files_.has_event("file-truncated"));
  EXPECT_EQ(position_, 4u);
}

TEST_F(LineSourceTest, TheRestartIsAnOffsetOfItsOwn) {
  files_.write("f", "one\ntwo\n");
  LineSource lines = source(8);
  files_.write("f", "par");
  LineBatch batch;
  ASSERT_TRUE(lines.next(kPlenty, batch).ok());
  ASSERT_TRUE(batch.position.has_value());
  EXPECT_EQ(*batch.position, 0u);
  EXPECT_TRUE(batch.lines.empty());
}

TEST_F(LineSourceTest, AStoredPositionBehindTheEndCountsAsCut) {
  files_.write("f", "short\n");
  LineSource lines = source(1000);
  EXPECT_EQ(drain(lines), Lines{"short"});
  EXPECT_TRUE(files_.has_event("file-truncated"));
}

TEST_F(LineSourceTest, AnIncompleteLineThatIsRewrittenIsReadAsItIsThen) {
  files_.write("f", "one\npartial");
  LineSource lines = source();
  EXPECT_EQ(drain(lines), Lines{"one"});
  files_.write("f", "one\nab");
  EXPECT_EQ(drain(lines), Lines{});
  files_.append("f", "c\n");
  EXPECT_EQ(drain(lines), Lines{"abc"});
  EXPECT_FALSE(files_.has_event("file-truncated"));
}

TEST_F(LineSourceTest, AReplacedFileIsReadToItsEndThenTheNewOne) {
  files_.write("f", "one\n");
  LineSource lines = source();
  EXPECT_EQ(drain(lines), Lines{"one"});
  files_.move("f", "f.1");
  EXPECT_EQ(drain(lines), Lines{});
  EXPECT_TRUE(files_.has_event("file-gone"));
  files_.append("f.1", "late\nlost");
  files_.write("f", "a longer first line\n");
  EXPECT_EQ(drain(lines), (Lines{"late", "a longer first line"}));
  EXPECT_TRUE(files_.has_event("file-replaced"));
  EXPECT_NE(files_.events.back().second.find("last 4 bytes had no line end"), std::string::npos);
  EXPECT_EQ(position_, 20u);
}

TEST_F(LineSourceTest, ADeletedFileIsWaitedFor) {
  files_.write("f", "one\n");
  LineSource lines = source();
  EXPECT_EQ(drain(lines), Lines{"one"});
  files_.remove("f");
  EXPECT_EQ(drain(lines), Lines{});
  files_.write("f", "two\n");
  EXPECT_EQ(drain(lines), Lines{"two"});
}

TEST_F(LineSourceTest, ALineThatIsTooLongFailsWithItsPlaceAfterTheLinesBefore) {
  LineOptions options;
  options.max_line_bytes = 10;
  files_.write("f", "short\n" + std::string(11, 'x') + "\nnext\n");
  LineSource lines = source(0, options);
  EXPECT_EQ(drain(lines), Lines{"short"});
  EXPECT_EQ(error_.kind, SLUICE_CONFIG_ERROR);
  EXPECT_NE(error_.message.find("byte 6"), std::string::npos) << error_.message;
  EXPECT_NE(error_.message.find("max.line.bytes=10"), std::string::npos);
}

TEST_F(LineSourceTest, ALineThatIsTooLongAndHasNoEndFailsWithoutReadingOn) {
  LineOptions options;
  options.max_line_bytes = 100;
  options.read_bytes = 64;
  files_.write("f", std::string(1 << 20, 'x'));
  LineSource lines = source(0, options);
  EXPECT_EQ(drain(lines), Lines{});
  EXPECT_EQ(error_.kind, SLUICE_CONFIG_ERROR);
  EXPECT_LT(files_.operations(), 20u);
}

TEST_F(LineSourceTest, ALineOfExactlyTheBoundIsFine) {
  for (const char* end : {"\n", "\r\n", "\rz"}) {
    LineOptions options;
    options.max_line_bytes = 10;
    options.read_bytes = 4;
    files_.write("f", std::string(10, 'x') + end);
    LineSource lines = source(0, options);
    EXPECT_EQ(drain(lines), Lines{std::string(10, 'x')});
  }
}

TEST_F(LineSourceTest, TruncatePolicyDeliversTheFirstBytesAndGoesOn) {
  for (const size_t read_bytes : {4u, 7u, 64u, 4096u}) {
    for (const char* end : {"\n", "\r\n", "\r"}) {
      LineOptions options;
      options.max_line_bytes = 10;
      options.read_bytes = read_bytes;
      options.long_lines = LongLines::kTruncate;
      files_.write("f", "a" + std::string(end) + "0123456789" + std::string(100, 'x') + end + "b" +
                            end + "c");
      LineSource lines = source(0, options);
      EXPECT_EQ(drain(lines), (Lines{"a", "0123456789", "b"})) << read_bytes;
      EXPECT_TRUE(files_.has_event("line-truncated"));
    }
  }
}

TEST_F(LineSourceTest, TruncatedLineThatIsNotFinishedKeepsThePosition) {
  LineOptions options;
  options.max_line_bytes = 10;
  options.read_bytes = 16;
  options.long_lines = LongLines::kTruncate;
  files_.write("f", "a\n" + std::string(200, 'x'));
  LineSource lines = source(0, options);
  EXPECT_EQ(drain(lines), Lines{"a"});
  EXPECT_EQ(lines.position(), 2u);
  files_.append("f", "x\nb\n");
  EXPECT_EQ(drain(lines), (Lines{std::string(10, 'x'), "b"}));
}

TEST_F(LineSourceTest, MalformedTextIsRepairedAndReported) {
  files_.write("f",
               "good\nb\xFF"
               "d\n\xC3\xA4\n");
  LineSource lines = source();
  EXPECT_EQ(drain(lines), (Lines{"good",
                                 "b\xEF\xBF\xBD"
                                 "d",
                                 "\xC3\xA4"}));
  EXPECT_EQ(position_, 12u);
  EXPECT_TRUE(files_.has_event("invalid-utf8"));
}

TEST_F(LineSourceTest, ADirectoryIsRefused) {
  files_.write("f", "");
  files_.set_regular("f", false);
  LineSource lines = source();
  drain(lines);
  EXPECT_EQ(error_.kind, SLUICE_CONFIG_ERROR);
  EXPECT_NE(error_.message.find("not a regular file"), std::string::npos);
}

TEST_F(LineSourceTest, LimitsAreKept) {
  files_.write("f", "aaaa\nbbbb\ncccc\ndddd\n");
  LineSource lines = source();
  LineBatch batch;
  ASSERT_TRUE(lines.next({3, 1000}, batch).ok());
  EXPECT_EQ(batch.lines.size(), 3u);
  ASSERT_TRUE(lines.next({3, 2}, batch).ok());
  EXPECT_EQ(batch.lines.size(), 1u);  // one line may exceed the limit in bytes
  EXPECT_EQ(*batch.position, 20u);
}

// A writer that appends, cuts lines in any place, and rotates; a reader with any limits that
// restarts anywhere from its last position. Every complete line arrives once and in order.
TEST_F(LineSourceTest, RandomAppendsAndRestartsLoseAndRepeatNothing) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 dice(seed);
    test::FakeFiles files;
    LineOptions options;
    options.read_bytes = 1 + dice() % 50;
    options.max_line_bytes = 200;
    files.write("f", "");
    uint64_t position = 0;
    std::deque<FileTail> tails;
    const auto from = [&](uint64_t begin) {
      return std::make_unique<LineSource>(tails.emplace_back(files, files, "f", begin), files, "f",
                                          options);
    };
    auto lines = from(position);
    Lines expected, actual;
    std::string rest;
    for (int step = 0; step < 60; ++step) {
      const uint32_t roll = dice() % 10;
      if (roll < 6) {
        for (uint32_t i = dice() % 5; i > 0; --i) {
          const std::string line(dice() % 60, static_cast<char>('a' + dice() % 26));
          expected.push_back(line);
          rest += line + (dice() % 2 == 0 ? "\n" : "\r\n");
        }
        const size_t cut = dice() % (rest.size() + 1);
        files.append("f", rest.substr(0, cut));
        rest.erase(0, cut);
      } else if (roll == 6) {
        lines = from(position);
      } else {
        LineBatch batch;
        ASSERT_TRUE(
            lines->next({1 + static_cast<uint32_t>(dice() % 4), 1 + dice() % 100}, batch).ok());
        actual.insert(actual.end(), batch.lines.begin(), batch.lines.end());
        if (batch.position) position = *batch.position;
      }
    }
    files.append("f", rest);
    for (LineBatch batch; !batch.idle;) {
      ASSERT_TRUE(lines->next(kPlenty, batch).ok());
      actual.insert(actual.end(), batch.lines.begin(), batch.lines.end());
    }
    ASSERT_EQ(actual, expected) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sluice::file_plugin
