// SPDX-License-Identifier: Apache-2.0
#include "broker-core/metadata/topic_config.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "broker-core/metadata/topic_name.hpp"

namespace sluice::metadata {
namespace {

std::string text_of(const Status& status) {
  return status.ok() ? "ok" : status.error().message;
}

TEST(TopicConfig, TableIsSortedAndItsDefaultsAreValid) {
  const auto defs = topic_config_defs();
  EXPECT_TRUE(
      std::is_sorted(defs.begin(), defs.end(), [](auto& a, auto& b) { return a.name < b.name; }));
  for (const TopicConfigDef& def : defs) {
    EXPECT_EQ(find_topic_config(def.name), &def);
    EXPECT_EQ(
        text_of(validate_topic_configs({{std::string(def.name), std::string(def.default_value)}})),
        "ok");
    EXPECT_EQ(def.support == ConfigSupport::kHonoured, def.note.empty())
        << def.name << ": a note says why not";
  }
}

TEST(TopicConfig, KafkasErrorTexts) {
  auto error = [](std::string name, std::string value) {
    return text_of(validate_topic_configs({{name, value}}));
  };
  EXPECT_EQ(error("retention.m", "1"), "Unknown topic config name: retention.m");
  EXPECT_EQ(error("retention.ms", "soon"),
            "Invalid value soon for configuration retention.ms: Not a number of type LONG");
  EXPECT_EQ(error("segment.bytes", "3000000000"),
            "Invalid value 3000000000 for configuration segment.bytes: Not a number of type INT");
  EXPECT_EQ(error("segment.bytes", "13"),
            "Invalid value 13 for configuration segment.bytes: Value must be at least 14");
  EXPECT_EQ(error("min.cleanable.dirty.ratio", "1.5"),
            "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more "
            "than 1");
  EXPECT_EQ(error("cleanup.policy", "compact,purge"),
            "Invalid value purge for configuration cleanup.policy: String must be one of: compact, "
            "delete");
  EXPECT_EQ(
      error("preallocate", "yes"),
      "Invalid value yes for configuration preallocate: Expected value to be either true or false");
  EXPECT_EQ(error("retention.ms", "-2"),
            "Invalid value -2 for configuration retention.ms: Value must be at least -1");
  EXPECT_EQ(error("retention.ms", ""),
            "Invalid value  for configuration retention.ms: Not a number of type LONG");
  EXPECT_EQ(
      error("remote.storage.enable", "true"),
      "Invalid value true for configuration remote.storage.enable: there is no tiered storage");
  EXPECT_EQ(
      text_of(validate_topic_configs(
          {{"min.compaction.lag.ms", "20"}, {"max.compaction.lag.ms", "10"}})),
      "conflict topic config setting min.compaction.lag.ms (20) > max.compaction.lag.ms (10)");
  EXPECT_EQ(error("retention.ms", " +5 "), "ok");
}

TEST(TopicConfig, BecomesStorageSettings) {
  const auto defaults = topic_settings("t", {});
  EXPECT_EQ(defaults.name, "t");
  EXPECT_EQ(defaults.segment_bytes, 1u << 30);
  EXPECT_EQ(defaults.retention_ms, 604'800'000);
  EXPECT_EQ(defaults.retention_bytes, -1);
  EXPECT_EQ(defaults.max_message_bytes, 1'048'588u);
  EXPECT_EQ(defaults.min_cleanable_dirty_ratio, 0.5);
  EXPECT_FALSE(defaults.compact);
  EXPECT_TRUE(defaults.remove);
  const auto own = topic_settings("t", {{"cleanup.policy", "compact, delete"},
                                        {"segment.bytes", "1048576"},
                                        {"retention.bytes", "12345678901"},
                                        {"min.cleanable.dirty.ratio", "0.01"},
                                        {"delete.retention.ms", "1"}});
  EXPECT_TRUE(own.compact);
  EXPECT_TRUE(own.remove);
  EXPECT_EQ(own.segment_bytes, 1u << 20);
  EXPECT_EQ(own.retention_bytes, 12'345'678'901);
  EXPECT_EQ(own.min_cleanable_dirty_ratio, 0.01);
  EXPECT_EQ(own.delete_retention_ms, 1);
  EXPECT_FALSE(topic_settings("t", {{"cleanup.policy", "compact"}}).remove);
  EXPECT_TRUE(is_log_append_time({{"message.timestamp.type", "LogAppendTime"}}));
  EXPECT_FALSE(is_log_append_time({}));
}

TEST(TopicName, Rules) {
  EXPECT_TRUE(validate_topic_name("a").ok());
  EXPECT_TRUE(validate_topic_name("Az09._-").ok());
  EXPECT_TRUE(validate_topic_name(std::string(249, 'x')).ok());
  EXPECT_EQ(text_of(validate_topic_name("")),
            "Topic name is invalid: the empty string is not allowed");
  EXPECT_EQ(text_of(validate_topic_name(".")), "Topic name is invalid: '.' is not allowed");
  EXPECT_EQ(text_of(validate_topic_name("..")), "Topic name is invalid: '..' is not allowed");
  EXPECT_EQ(text_of(validate_topic_name("a/b")),
            "Topic name is invalid: 'a/b' contains one or more characters other than ASCII "
            "alphanumerics, '.', '_' "
            "and '-'");
  EXPECT_FALSE(validate_topic_name(std::string(250, 'x')).ok());
  EXPECT_FALSE(validate_topic_name(std::string_view("a\0b", 3)).ok());
  EXPECT_TRUE(topic_names_collide("a.b", "a_b"));
  EXPECT_FALSE(topic_names_collide("a.b", "a-b"));
  EXPECT_TRUE(is_internal_topic("__consumer_offsets"));
  EXPECT_FALSE(is_internal_topic("connect-offsets"));
}

}  // namespace
}  // namespace sluice::metadata
