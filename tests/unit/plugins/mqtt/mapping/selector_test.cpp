// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/mapping/selector.hpp"

#include <gtest/gtest.h>

#include "plugins/mqtt/mapping/json_document.hpp"

namespace sluice::mqtt_plugin {
namespace {

TEST(Selector, WhatConfigsWrite) {
  EXPECT_EQ(Selector::parse_key("k", "none").value().kind, Selector::Kind::kNone);
  EXPECT_EQ(Selector::parse_key("k", "topic").value().kind, Selector::Kind::kTopic);
  EXPECT_EQ(Selector::parse_key("k", "segment:3").value().segment, 3u);
  EXPECT_EQ(Selector::parse_key("k", "json:/a/b").value().name, "/a/b");
  EXPECT_EQ(Selector::parse_key("k", "property:x y").value().name, "x y");
  EXPECT_EQ(Selector::parse_timestamp("k", "arrival").value().kind, Selector::Kind::kNone);
  EXPECT_EQ(Selector::parse_timestamp("k", "json:/t").value().kind, Selector::Kind::kJson);
  for (const char* text : {"", "key", "segment:", "segment:0", "segment:x", "segment:1x",
                           "json:", "json:a", "json:/a~2", "json:/a~", "property:", "arrival"}) {
    const auto parsed = Selector::parse_key("record.key", text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.error().message.find("record.key"), std::string::npos);
  }
  EXPECT_FALSE(Selector::parse_timestamp("k", "topic").ok());
  EXPECT_FALSE(Selector::parse_timestamp("k", "segment:1").ok());
}

TEST(Selector, LevelsOfATopic) {
  EXPECT_EQ(topic_segment("a/b/c", 1), "a");
  EXPECT_EQ(topic_segment("a/b/c", 3), "c");
  EXPECT_EQ(topic_segment("a/b/c", 4), std::nullopt);
  EXPECT_EQ(topic_segment("/b", 1), "");
  EXPECT_EQ(topic_segment("a/", 2), "");
}

TEST(ParseTime, NumbersInTheirUnit) {
  EXPECT_EQ(parse_time("1700000000", TimeUnit::kSeconds), 1700000000000);
  EXPECT_EQ(parse_time("1700000000.25", TimeUnit::kSeconds), 1700000000250);
  EXPECT_EQ(parse_time("1700000000123", TimeUnit::kMillis), 1700000000123);
  EXPECT_EQ(parse_time("1700000000123456", TimeUnit::kMicros), 1700000000123);
  EXPECT_EQ(parse_time("1700000000123456789", TimeUnit::kNanos), 1700000000123);
  EXPECT_EQ(parse_time("9223372036854775807", TimeUnit::kSeconds), std::nullopt);
  EXPECT_EQ(parse_time("1e300", TimeUnit::kMillis), std::nullopt);
  EXPECT_EQ(parse_time("nan", TimeUnit::kMillis), std::nullopt);
}

TEST(ParseTime, IsoTexts) {
  EXPECT_EQ(parse_time("1970-01-01T00:00:00Z", TimeUnit::kMillis), 0);
  EXPECT_EQ(parse_time("2026-01-31T12:00:00.5Z", TimeUnit::kMillis), 1769860800500);
  EXPECT_EQ(parse_time("2026-01-31T13:30:00+01:30", TimeUnit::kMillis), 1769860800000);
  EXPECT_EQ(parse_time("2026-01-31 12:00:00.123456789Z", TimeUnit::kMillis), 1769860800123);
  EXPECT_EQ(parse_time("2026-01-31T07:00-0500", TimeUnit::kMillis), 1769860800000);
  for (const char* text : {"", "x", "2026-01-31", "2026-01-31T12:00:00", "2026-02-30T12:00:00Z",
                           "2026-01-31T24:00:00Z", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00Zx",
                           "2026-13-01T12:00:00Z", "12:00"}) {
    EXPECT_EQ(parse_time(text, TimeUnit::kMillis), std::nullopt) << text;
  }
}

TEST(JsonPointer, FindsScalarsAsText) {
  JsonDocument json;
  const std::string text =
      R"({"a":{"b":["x",7,-2.5,true,null,{}]},"":"empty","m~n/o":"odd","u":18446744073709551615})";
  ASSERT_EQ(json.parse(text), std::nullopt);
  const auto at = [&](const std::string& pointer) {
    std::string out;
    auto problem = json.append_scalar(pointer, out);
    return problem ? "error: " + *problem : out;
  };
  EXPECT_EQ(at("/a/b/0"), "x");
  EXPECT_EQ(at("/a/b/1"), "7");
  EXPECT_EQ(at("/a/b/2"), "-2.5");
  EXPECT_EQ(at("/a/b/3"), "true");
  EXPECT_EQ(at("/"), "empty");
  EXPECT_EQ(at("/m~0n~1o"), "odd");
  EXPECT_EQ(at("/u"), "18446744073709551615");
  for (const char* pointer : {"/a/b/4", "/a/b/5", "/a/b/6", "/a/b/-", "/a/b/01", "/a/c", "/x",
                              "/a/b/x", "/a/b", "/a/b/0/y"}) {
    EXPECT_EQ(at(pointer).substr(0, 6), "error:") << pointer;
  }
}

// Whatever the bytes are: an answer, no crash, nothing read past the end (the sanitizers see that).
TEST(JsonPointer, EveryTruncationAndBitFlip) {
  JsonDocument json;
  const std::string text = R"({"id":"d1","v":[1,2.5,{"t":"\u00e4"}]})";
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_NE(json.parse(std::string(text, 0, size)), std::nullopt) << size;
  }
  size_t good = 0;
  for (size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    std::string out;
    if (!json.parse(flipped) && !json.append_scalar("/v/2/t", out)) ++good;
  }
  EXPECT_GT(good, 0u);
}

}  // namespace
}  // namespace sluice::mqtt_plugin
