// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/utf8.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace sluice::file_plugin {
namespace {

std::string repaired(std::string_view text) {
  std::string out;
  append_repaired_utf8(text, out);
  return out;
}

// What java.io.InputStreamReader (JDK 17, UTF-8) makes of these lines, recorded from it.
const std::pair<std::string_view, std::string_view> kJava[] = {
    {"\x61\xE2\x82\x41", "\x61\xEF\xBF\xBD\x41"},
    {"\xED\xA0\x80\x41", "\xEF\xBF\xBD\x41"},
    {"\xE0\x80\x80\x41", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\x41"},
    {"\xF0\x9F\x98\x41", "\xEF\xBF\xBD\x41"},
    {"\xF0\x80\x80\x80\x41", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\x41"},
    {"\xF4\x90\x80\x80\x41", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\x41"},
    {"\xC0\x80\x41", "\xEF\xBF\xBD\xEF\xBF\xBD\x41"},
    {"\xFF\xFE\x41", "\xEF\xBF\xBD\xEF\xBF\xBD\x41"},
    {"\xC3\x41", "\xEF\xBF\xBD\x41"},
    {"\x80\xBF\x41", "\xEF\xBF\xBD\xEF\xBF\xBD\x41"},
    {"\xF8\x88\x80\x80\x80\x41", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\x41"},
    {"\xED\xA0\x41", "\xEF\xBF\xBD\x41"},
    {"\xE2\x28\xA1\x41", "\xEF\xBF\xBD\x28\xEF\xBF\xBD\x41"},
    {"\xF0\x28\x8C\x28\x41", "\xEF\xBF\xBD\x28\xEF\xBF\xBD\x28\x41"},
    {"\xF0\x9F\x41", "\xEF\xBF\xBD\x41"},
    {"\xF5\x80\x80\x80\x41", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\x41"},
    {"\xC1\xBF\x41", "\xEF\xBF\xBD\xEF\xBF\xBD\x41"},
    {"\xE2\x82\xAC\xF0\x9F\x98\x80\x41", "\xE2\x82\xAC\xF0\x9F\x98\x80\x41"},
};

TEST(Utf8, ReplacesAsJavaDoes) {
  for (const auto& [bytes, text] : kJava) EXPECT_EQ(repaired(bytes), text);
}

TEST(Utf8, TheRepairedTextIsValidAndValidTextStays) {
  for (const auto& [bytes, text] : kJava) {
    EXPECT_TRUE(is_valid_utf8(text));
    EXPECT_EQ(repaired(text), text);
    EXPECT_EQ(is_valid_utf8(bytes), bytes == text);
  }
}

TEST(Utf8, FindsTheMalformedPlaceBehindLongText) {
  for (size_t size = 0; size < 40; ++size) {
    const std::string text = std::string(size, 'x') + "\xC3\xA4\xFF";
    EXPECT_EQ(valid_utf8_prefix(text), size + 2);
  }
}

TEST(Utf8, ACutNeverSplitsACharacter) {
  const std::string text = "a\xE2\x82\xAC" "b";
  EXPECT_EQ(cut_utf8(text, 5), text);
  EXPECT_EQ(cut_utf8(text, 4), text.substr(0, 4));
  EXPECT_EQ(cut_utf8(text, 3), "a");
  EXPECT_EQ(cut_utf8(text, 2), "a");
  EXPECT_EQ(cut_utf8(text, 1), "a");
  EXPECT_EQ(cut_utf8(std::string(10, '\x80'), 7).size(), 7u);
}

}  // namespace
}  // namespace sluice::file_plugin
