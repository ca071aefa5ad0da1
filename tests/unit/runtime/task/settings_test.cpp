// SPDX-License-Identifier: Apache-2.0
#include "runtime/task/settings.hpp"

#include <gmock/gmock.h>

namespace sluice::task {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TaskSettings, SourceDefaultsAreKafkaConnects) {
  auto settings = source_settings({"c", 2}, {}, {}).value();
  EXPECT_FALSE(settings.errors.tolerate_all);
  EXPECT_EQ(settings.errors.retry_delay_max_ms, 60'000);
  EXPECT_EQ(settings.errors.dead_letter_topic, "");
  EXPECT_EQ(settings.errors.dead_letter_replication_factor, 3);
  EXPECT_FALSE(settings.errors.dead_letter_context);
  EXPECT_EQ(settings.offset_flush_interval_ms, 60'000);
  EXPECT_TRUE(settings.create_topics);
  EXPECT_TRUE(settings.topic_creation.empty());
  EXPECT_EQ(settings.facts.at("task.id"), "2");
}

TEST(TaskSettings, TopicCreationGroupsInTheirOrderAndDefaultLast) {
  auto settings = source_settings({"c", 0},
                                  {{"topic.creation.groups", "b, a"},
                                   {"topic.creation.default.partitions", "3"},
                                   {"topic.creation.default.replication.factor", "-1"},
                                   {"topic.creation.a.include", "x.*, y"},
                                   {"topic.creation.a.cleanup.policy", "compact"},
                                   {"topic.creation.b.include", "z"},
                                   {"topic.creation.b.exclude", "zz"}},
                                  {{"topic.creation.enable", "false"}})
                      .value();
  EXPECT_FALSE(settings.create_topics);
  ASSERT_EQ(settings.topic_creation.size(), 3u);
  EXPECT_EQ(settings.topic_creation[0].name, "b");
  EXPECT_THAT(settings.topic_creation[1].include, ElementsAre("x.*", "y"));
  EXPECT_EQ(settings.topic_creation[1].configs.at("cleanup.policy"), "compact");
  EXPECT_EQ(settings.topic_creation[2].partitions, 3);
}

TEST(TaskSettings, MalformedValuesNameTheirKey) {
  for (const auto& [key, value] :
       std::map<std::string, std::string>{{"errors.tolerance", "some"},
                                          {"errors.log.enable", "yes"},
                                          {"errors.retry.delay.max.ms", "1s"},
                                          {"errors.deadletterqueue.topic.replication.factor", "x"},
                                          {"topic.creation.default.partitions", "x"}}) {
    auto settings = source_settings({"c", 0}, {{key, value}}, {});
    ASSERT_FALSE(settings.ok()) << key;
    EXPECT_THAT(settings.error().message, HasSubstr("configuration " + key));
  }
  EXPECT_FALSE(source_settings({"c", 0}, {}, {{"offset.flush.interval.ms", "0"}}).ok());
}

TEST(TaskSettings, Sinks) {
  auto settings =
      sink_settings({"c", 0}, {{"topics", "a,b"}}, {{"offset.flush.interval.ms", "50"}}).value();
  EXPECT_EQ(settings.group, "connect-c");
  EXPECT_THAT(settings.topics, ElementsAre("a", "b"));
  EXPECT_EQ(settings.offset_flush_interval_ms, 50);
  EXPECT_FALSE(sink_settings({"c", 0}, {}, {}).ok());
  EXPECT_FALSE(sink_settings({"c", 0}, {{"topics", "a"}, {"topics.regex", "b"}}, {}).ok());
  auto other = sink_settings({"c", 0},
                             {{"topics.regex", "b.*"},
                              {"consumer.override.group.id", "g"},
                              {"consumer.override.auto.offset.reset", "latest"}},
                             {})
                   .value();
  EXPECT_EQ(other.group, "g");
  EXPECT_TRUE(other.from_latest);
}

}  // namespace
}  // namespace sluice::task
