// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "plugins/mqtt/mapping/topic_router.hpp"

// Topic filters, and MQTT topics to Kafka topics.
namespace sluice::mqtt_plugin {
namespace {

bool matches(std::string_view filter, std::string_view topic) {
  return TopicFilter::parse(filter).value().matches(topic);
}

TEST(TopicFilter, MatchesAsMqttSays) {
  EXPECT_TRUE(matches("a/b", "a/b"));
  EXPECT_FALSE(matches("a/b", "a/b/"));
  EXPECT_FALSE(matches("a/b", "a"));
  EXPECT_FALSE(matches("a", "a/b"));
  EXPECT_TRUE(matches("a/+/c", "a/b/c"));
  EXPECT_TRUE(matches("a/+/c", "a//c"));
  EXPECT_FALSE(matches("a/+", "a"));
  EXPECT_TRUE(matches("a/+", "a/"));
  EXPECT_TRUE(matches("+/+", "/finance"));
  EXPECT_FALSE(matches("+", "/finance"));
  EXPECT_TRUE(matches("sport/#", "sport"));
  EXPECT_TRUE(matches("sport/#", "sport/"));
  EXPECT_TRUE(matches("sport/#", "sport/tennis/player1"));
  EXPECT_FALSE(matches("sport/#", "sports"));
  EXPECT_TRUE(matches("#", "a"));
  EXPECT_TRUE(matches("#", "/"));
  EXPECT_TRUE(matches("+/#", "a"));
  EXPECT_TRUE(matches("/", "/"));
  EXPECT_FALSE(matches("A", "a"));
}

TEST(TopicFilter, TopicsWithDollarNeedTheirFirstLevel) {
  EXPECT_FALSE(matches("#", "$SYS/uptime"));
  EXPECT_FALSE(matches("+/uptime", "$SYS/uptime"));
  EXPECT_TRUE(matches("$SYS/#", "$SYS/uptime"));
  EXPECT_TRUE(matches("$SYS/+", "$SYS/uptime"));
  EXPECT_TRUE(matches("+/$SYS", "a/$SYS"));
}

TEST(TopicFilter, SharedSubscriptionsMatchByTheirFilter) {
  EXPECT_TRUE(matches("$share/group/a/+", "a/b"));
  EXPECT_TRUE(matches("$share/group//a", "/a"));
  EXPECT_EQ(TopicFilter::parse("$share/g/a/#").value().text(), "a/#");
  for (const char* text : {"$share/group", "$share//a", "$share/g+/a", "$share/g/"}) {
    EXPECT_FALSE(TopicFilter::parse(text).ok()) << text;
  }
}

TEST(TopicFilter, RefusesWhatIsNone) {
  for (const std::string& text :
       {std::string(), std::string("a#"), std::string("#/a"), std::string("a/b+"),
        std::string("+a"), std::string("a\0b", 3), std::string(65536, 'a')}) {
    const auto parsed = TopicFilter::parse(text);
    ASSERT_FALSE(parsed.ok()) << text.substr(0, 20);
    EXPECT_EQ(parsed.error().kind, SLUICE_CONFIG_ERROR);
  }
}

TEST(TopicFilter, CapturesWhatWildcardsStandFor) {
  std::vector<std::string_view> captures;
  EXPECT_TRUE(TopicFilter::parse("a/+/b/#").value().matches("a/1/b/2/3", &captures));
  EXPECT_EQ(captures, (std::vector<std::string_view>{"1", "2/3"}));
  captures.clear();
  EXPECT_TRUE(TopicFilter::parse("a/+/#").value().matches("a/1", &captures));
  EXPECT_EQ(captures, (std::vector<std::string_view>{"1", ""}));
  captures.clear();
  EXPECT_FALSE(TopicFilter::parse("+/+/x").value().matches("a/1/y", &captures));
  EXPECT_TRUE(captures.empty());
}

TEST(TopicName, NamesThatCannotBePublishedTo) {
  EXPECT_EQ(why_no_topic_name("a/b"), "");
  EXPECT_EQ(why_no_topic_name(std::string(65535, 'a')), "");
  EXPECT_NE(why_no_topic_name(""), "");
  EXPECT_NE(why_no_topic_name("a/+"), "");
  EXPECT_NE(why_no_topic_name("a#"), "");
  EXPECT_NE(why_no_topic_name(std::string(65536, 'a')), "");
  EXPECT_NE(why_no_topic_name(std::string_view("a\0", 2)), "");
}

RouterOptions options(const std::vector<std::string>& rules,
                      const std::string& otherwise = "${topic}") {
  RouterOptions made;
  made.otherwise = TopicTemplate::parse(otherwise).value();
  for (const std::string& rule : rules)
    made.rules.push_back(RouterOptions::parse_rule(rule).value());
  return made;
}

std::string routed(TopicRouter& router, std::string_view topic) {
  const Route& route = router.route(topic);
  if (route.kind == Route::Kind::kDrop) return "(dropped)";
  return route.kind == Route::Kind::kError ? "error: " + route.error : router.topics()[route.topic];
}

TEST(TopicRouter, TheFirstRuleDecides) {
  TopicRouter router(options(
      {"factory/+/+/temp -> iot.${1}.${2}", "factory/# -> rest.${1}", "one/+->fixed"}, "other"));
  EXPECT_EQ(routed(router, "factory/f1/m2/temp"), "iot.f1.m2");
  EXPECT_EQ(routed(router, "factory/f1/m2/hum"), "rest.f1.m2.hum");
  EXPECT_EQ(routed(router, "one/1"), "fixed");
  EXPECT_EQ(routed(router, "one/2"), "fixed");
  EXPECT_EQ(routed(router, "two"), "other");
  EXPECT_EQ(router.topics().size(), 4u);
}

TEST(TopicRouter, IllegalCharactersByPolicy) {
  RouterOptions made = options({});
  TopicRouter replacing(made);
  EXPECT_EQ(routed(replacing, "a b/\xc3\xa4"), "a_b.__");
  EXPECT_EQ(routed(replacing, "."), "_");
  EXPECT_EQ(routed(replacing, ".."), "__");
  made.illegal = TopicPolicy::kDrop;
  TopicRouter dropping(made);
  EXPECT_EQ(routed(dropping, "a b"), "(dropped)");
  EXPECT_EQ(routed(dropping, "a/b"), "a.b");
  made.illegal = TopicPolicy::kFail;
  TopicRouter failing(made);
  EXPECT_NE(routed(failing, "a b").find("topic.illegal"), std::string::npos);
  EXPECT_NE(routed(failing, "a b").find("topic.illegal"), std::string::npos)
      << "the second time from the cache";
  EXPECT_NE(routed(failing, ".").find("topic.illegal"), std::string::npos);
}

TEST(TopicRouter, LongNamesByPolicy) {
  RouterOptions made = options({});
  const std::string fits(249, 'a');
  TopicRouter hashing(made);
  EXPECT_EQ(routed(hashing, fits), fits);
  const std::string one = routed(hashing, fits + "b");
  const std::string other = routed(hashing, fits + "c");
  EXPECT_EQ(one.size(), 249u);
  EXPECT_EQ(other.size(), 249u);
  EXPECT_NE(one, other);
  made.too_long = TopicPolicy::kFail;
  TopicRouter failing(made);
  EXPECT_NE(routed(failing, fits + "b").find("topic.too.long"), std::string::npos);
  made.too_long = TopicPolicy::kDrop;
  TopicRouter dropping(made);
  EXPECT_EQ(routed(dropping, fits + "b"), "(dropped)");
}

TEST(TopicRouter, OneTopicTooManyIsRefusedAndTheOthersGoOn) {
  RouterOptions made = options({});
  made.max_topics = 2;
  TopicRouter router(made);
  EXPECT_EQ(routed(router, "a"), "a");
  EXPECT_EQ(routed(router, "b"), "b");
  EXPECT_NE(routed(router, "c").find("topic.max allows 2"), std::string::npos);
  EXPECT_EQ(routed(router, "a"), "a");
  EXPECT_EQ(routed(router, "b"), "b");
  EXPECT_EQ(router.topics().size(), 2u);
}

TEST(TopicRouter, AHundredThousandTopicsOntoSixteen) {
  RouterOptions made = options({"d/+/+ -> t${1}"});
  made.cached = 1000;  // so that most are forgotten and found anew
  TopicRouter router(made);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 100'000; ++i) {
      const std::string shard = std::to_string(i % 16);
      const Route& route = router.route("d/" + shard + "/" + std::to_string(i));
      ASSERT_EQ(route.kind, Route::Kind::kTopic);
      ASSERT_EQ(router.topics()[route.topic], "t" + shard);
    }
  }
  EXPECT_EQ(router.topics().size(), 16u);
}

TEST(TopicRouter, RulesThatCannotWork) {
  for (const char* text : {"a", "a -> ", "-> b", "a# -> b", "+ -> ${2}", "+ -> ${0}", "+ -> ${x}",
                           "a -> ${", "a -> ${}"}) {
    EXPECT_FALSE(RouterOptions::parse_rule(text).ok()) << text;
  }
  EXPECT_NE(RouterOptions::parse_rule("+/+ -> ${3}").error().message.find("${1} to ${2}"),
            std::string::npos);
}

}  // namespace
}  // namespace sluice::mqtt_plugin
