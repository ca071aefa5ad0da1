// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/line_splitter.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::file_plugin {
namespace {

struct Found {
  std::vector<std::string> lines;
  size_t consumed = 0;
  bool ascii = true;
  bool stopped = false;
  bool operator==(const Found&) const = default;
};

Found split(std::string_view text, size_t limit = SIZE_MAX) {
  Found found;
  const SplitResult result = split_lines(text.data(), text.size(), [&](const char* begin, size_t size) {
    if (found.lines.size() == limit) return false;
    found.lines.emplace_back(begin, size);
    return true;
  });
  found.consumed = result.consumed;
  found.ascii = result.ascii;
  found.stopped = result.stopped;
  return found;
}

// The rules, one byte at a time.
Found naive(std::string_view text) {
  Found found;
  std::string line;
  for (size_t i = 0; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) > 127) found.ascii = false;
    if (text[i] == '\n') {
      found.lines.push_back(std::exchange(line, ""));
      found.consumed = i + 1;
    } else if (text[i] == '\r') {
      if (i + 1 == text.size()) break;
      if (text[i + 1] == '\n') ++i;
      found.lines.push_back(std::exchange(line, ""));
      found.consumed = i + 1;
    } else {
      line += text[i];
    }
  }
  return found;
}

TEST(LineSplitter, EachKindOfLineEnd) {
  EXPECT_EQ(split("a\nb\r\nc\rd").lines, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(split("a\nb\r\nc\rd").consumed, 7u);
  EXPECT_EQ(split("\n\n\r\r\n\n").lines, (std::vector<std::string>{"", "", "", "", ""}));
  EXPECT_EQ(split("").consumed, 0u);
  EXPECT_EQ(split("no end").consumed, 0u);
}

TEST(LineSplitter, CarriageReturnAtTheEndWaitsForWhatFollows) {
  EXPECT_TRUE(split("a\r").lines.empty());
  EXPECT_EQ(split("a\r").consumed, 0u);
  const std::string full_step = std::string(63, 'x') + "\r";
  EXPECT_TRUE(split(full_step).lines.empty());
  EXPECT_EQ(split(full_step + "\n").consumed, 65u);
  EXPECT_EQ(split(full_step + "y").consumed, 64u);
}

TEST(LineSplitter, StopsWhereEmitSaysNo) {
  const Found found = split("a\nb\nc\n", 2);
  EXPECT_EQ(found.lines.size(), 2u);
  EXPECT_EQ(found.consumed, 4u);
  EXPECT_TRUE(found.stopped);
}

TEST(LineSplitter, EqualsTheNaiveOneOnRandomText) {
  std::mt19937 dice(20260101);
  for (int round = 0; round < 20000; ++round) {
    const size_t size = dice() % 300;
    const uint32_t ends = 1 + dice() % 40;
    std::string text;
    for (size_t i = 0; i < size; ++i) {
      const uint32_t roll = dice() % (3 * ends);
      const char letter = static_cast<char>('a' + roll % 26);
      text += roll == 0 ? '\n' : roll == 1 ? '\r' : roll == 2 && dice() % 20 == 0 ? '\xC3' : letter;
    }
    const Found expected = naive(text);
    const Found actual = split(text);
    ASSERT_EQ(actual.lines, expected.lines) << round;
    ASSERT_EQ(actual.consumed, expected.consumed) << round;
    ASSERT_EQ(actual.ascii, expected.ascii) << round;
  }
}

TEST(LineSplitter, SplittingInPiecesGivesTheSameLines) {
  std::mt19937 dice(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (size_t i = 0, size = dice() % 400; i < size; ++i) text += "\n\r abcdef"[dice() % 9];
    std::vector<std::string> lines;
    for (size_t at = 0;;) {
      const Found found = split(std::string_view(text).substr(at), 1 + dice() % 5);
      lines.insert(lines.end(), found.lines.begin(), found.lines.end());
      at += found.consumed;
      if (!found.stopped) break;
    }
    ASSERT_EQ(lines, naive(text).lines);
  }
}

}  // namespace
}  // namespace sluice::file_plugin
