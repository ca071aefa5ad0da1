// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/connector_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/config/java_regex.hpp"

namespace sluice::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> errors_of(const std::vector<ConfigValue>& values,
                                   const std::string& name) {
  for (const auto& value : values) {
    if (value.name == name) return value.errors;
  }
  return {"no such key"};
}

std::vector<std::string> sink_errors(const ConfigMap& config, const std::string& name) {
  auto values = sink_connector_def(config, {}).validate(config);
  validate_sink_topics(config, values);
  validate_transforms(config, values);
  return errors_of(values, name);
}

std::vector<std::string> source_errors(const ConfigMap& config, const std::string& name) {
  return errors_of(source_connector_def(config, {}).validate(config), name);
}

TEST(ConnectorConfig, GroupsAndOrdersOfKafka) {
  const auto def = source_connector_def({}, {});
  auto shape = [&](const char* name) {
    const auto* key = def.find(name);
    return key->group + "/" + std::to_string(key->order) + "/" + to_string(key->width) + "/" +
           key->display_name;
  };
  EXPECT_EQ(shape("name"), "Common/1/MEDIUM/Connector name");
  EXPECT_EQ(shape("tasks.max"), "Common/4/SHORT/Tasks max");
  EXPECT_EQ(shape("header.converter"), "Common/10/SHORT/Header converter class");
  EXPECT_EQ(shape("errors.tolerance"), "Error Handling/3/SHORT/Error Tolerance");
  EXPECT_EQ(shape("topic.creation.groups"), "Topic Creation/1/LONG/Topic Creation Groups");
  EXPECT_EQ(shape("transaction.boundary"), "Exactly Once Support/3/SHORT/Transaction Boundary");
  EXPECT_EQ(shape("offsets.storage.topic"), "offsets.topic/1/LONG/Offsets topic");
  EXPECT_EQ(def.find("topic.creation.default.partitions"), nullptr);
}

TEST(ConnectorConfig, NamesAndTasks) {
  EXPECT_THAT(source_errors({}, "name"),
              ElementsAre("Missing required configuration \"name\" which has no default value."));
  EXPECT_THAT(source_errors({{"name", " "}}, "name"),
              ElementsAre("Invalid value  for configuration name: String may not be empty"));
  EXPECT_THAT(
      source_errors({{"name", "a\nb"}}, "name"),
      ElementsAre(HasSubstr(
          "String may not contain control sequences but had the following ASCII chars: 10")));
  EXPECT_THAT(source_errors({{"tasks.max", "0"}}, "tasks.max"),
              ElementsAre("Invalid value 0 for configuration tasks.max: Value must be at least 1"));
  EXPECT_THAT(
      source_errors({{"transforms", "a,a"}}, "transforms"),
      ElementsAre("Invalid value [a, a] for configuration transforms: Duplicate alias provided."));
}

TEST(ConnectorConfig, TopicsOrRegex) {
  EXPECT_THAT(sink_errors({}, "topics"),
              ElementsAre("Must configure one of topics or topics.regex"));
  EXPECT_THAT(
      sink_errors({{"topics", "a"}, {"topics.regex", "b"}}, "topics.regex"),
      ElementsAre("topics and topics.regex are mutually exclusive options, but both are set."));
  EXPECT_THAT(sink_errors({{"topics.regex", "a("}}, "topics.regex"),
              ElementsAre(HasSubstr("Invalid regex: ")));
  EXPECT_THAT(
      sink_errors({{"topics", "a, b"}, {"errors.deadletterqueue.topic.name", "b"}}, "topics"),
      ElementsAre("The DLQ topic 'b' may not be included in the list of topics ('topics=[a, b]') "
                  "consumed by the "
                  "connector"));
  EXPECT_THAT(sink_errors({{"topics.regex", "d.*"}, {"errors.deadletterqueue.topic.name", "dlq"}},
                          "topics.regex"),
              ElementsAre("The DLQ topic 'dlq' may not be matched by the regex for the topics "
                          "('topics.regex=d.*') consumed "
                          "by the connector"));
  EXPECT_THAT(sink_topics({{"topics", "a,,b, a"}}), ElementsAre("a", "b"));
}

TEST(ConnectorConfig, TopicCreationGroups) {
  ConfigMap config{{"topic.creation.groups", "big"}, {"topic.creation.big.include", "a.*,b["}};
  EXPECT_THAT(source_errors(config, "topic.creation.default.partitions"),
              ElementsAre("Missing required configuration \"topic.creation.default.partitions\" "
                          "which has no default "
                          "value."));
  EXPECT_THAT(source_errors(config, "topic.creation.big.include"),
              ElementsAre(HasSubstr("Syntax error in regular expression")));
  config = {{"topic.creation.default.partitions", "0"},
            {"topic.creation.default.replication.factor", "-1"},
            {"topic.creation.groups", "g"}};
  EXPECT_THAT(source_errors(config, "topic.creation.default.partitions"),
              ElementsAre("Invalid value 0 for configuration topic.creation.default.partitions: "
                          "Number of partitions must "
                          "be positive, or -1 to use the broker's default"));
  const auto def = source_connector_def(config, {});
  EXPECT_EQ(def.find("topic.creation.g.replication.factor")->default_value, "-1");
  EXPECT_EQ(def.find("topic.creation.default.include")->group, "default: default");
  EXPECT_EQ(source_connector_def(config, {}, false).find("topic.creation.g.partitions"), nullptr);
}

TEST(ConnectorConfig, TransformsThatAreNotThereAreErrors) {
  ConfigMap config{{"topics", "a"}, {"transforms", "t"}, {"transforms.t.type", "x.Missing"}};
  EXPECT_THAT(sink_errors(config, "transforms.t.type"),
              ElementsAre("Invalid value x.Missing for configuration transforms.t.type: Class "
                          "x.Missing could not be "
                          "found."));
  config.erase("transforms.t.type");
  EXPECT_THAT(
      sink_errors(config, "transforms.t.type"),
      ElementsAre(
          "Missing required configuration \"transforms.t.type\" which has no default value."));
  config["transforms.t.negate"] = "true";
  EXPECT_THAT(
      sink_errors(config, "transforms.t.type"),
      ::testing::Contains("Config 'transforms.t.negate' was provided but there is no config "
                          "'transforms.t.predicate' defining a predicate to be negated."));
  config["transforms.t.predicate"] = "p";
  EXPECT_THAT(sink_errors(config, "transforms.t.predicate"),
              ElementsAre(HasSubstr("it is not listed in predicates")));
}

TEST(ConnectorConfig, KnownTransformsBringTheirKeys) {
  ConfigDef insert;
  ConfigKey field;
  field.name = "static.field";
  insert.define(field);
  KnownClasses known;
  known.transformation = [&](const std::string& name) {
    return name == "Insert" ? &insert : nullptr;
  };
  known.converter = [](const std::string& name) { return name == "JsonConverter"; };
  ConfigMap config{{"transforms", "t"}, {"transforms.t.type", "Insert"}, {"key.converter", "X"}};
  const auto def = source_connector_def(config, known);
  EXPECT_EQ(def.find("transforms.t.static.field")->group, "Transforms: t");
  EXPECT_EQ(def.find("transforms.t.static.field")->order, 3);
  auto values = def.validate(config);
  EXPECT_THAT(errors_of(values, "transforms.t.type"), IsEmpty());
  EXPECT_THAT(
      errors_of(values, "key.converter"),
      ElementsAre("Invalid value X for configuration key.converter: Class X could not be found."));
}

TEST(ConnectorConfig, UnknownKeys) {
  ConfigDef own;
  ConfigKey file;
  file.name = "file";
  own.define(file);
  const ConfigMap config{{"fiel", "x"},
                         {"producer.override.linger.ms", "1"},
                         {"key.converter.schemas.enable", "true"},
                         {"task.max", "2"},
                         {"zzzz", "1"},
                         {"file", "y"}};
  EXPECT_THAT(key_warnings(config, source_connector_def(config, {}), own),
              ElementsAre("Configuration fiel is not known; did you mean file?",
                          "Configuration producer.override.linger.ms is accepted without effect: "
                          "the embedded log is "
                          "called directly, without a client that has settings.",
                          "Configuration task.max is not known; did you mean tasks.max?",
                          "Configuration zzzz is not known."));
  const ConfigMap sink{{"consumer.override.group.id", "g"},
                       {"consumer.override.auto.offset.reset", "latest"},
                       {"errors.log.include.messages", "true"}};
  EXPECT_THAT(key_warnings(sink, sink_connector_def(sink, {}), own),
              ElementsAre("Configuration errors.log.include.messages is accepted without effect: "
                          "the log names topic, "
                          "partition and offset of a record, never its contents."));
}

TEST(ConnectorConfig, DeadLetterTopicsOfSinksAsInKafkaAndOfSourcesAsWell) {
  for (const auto& def : {sink_connector_def({}, {}), source_connector_def({}, {})}) {
    auto shape = [&](const std::string& name) {
      const auto* key = def.find("errors.deadletterqueue." + name);
      return key->group + "/" + std::to_string(key->order) + "/" + to_string(key->width) + "/" +
             key->display_name + "/" + to_string(key->type) + "/" +
             key->default_value.value_or("-");
    };
    EXPECT_EQ(shape("topic.name"), "Error Handling/6/MEDIUM/Dead Letter Queue Topic Name/STRING/");
    EXPECT_EQ(shape("topic.replication.factor"),
              "Error Handling/7/MEDIUM/Dead Letter Queue Topic Replication Factor/SHORT/3");
    EXPECT_EQ(shape("context.headers.enable"),
              "Error Handling/8/MEDIUM/Enable Error Context Headers/BOOLEAN/false");
  }
}

TEST(JavaRegex, MatchesAsAWhole) {
  auto matches = [](const char* pattern, const char* text) {
    return *JavaRegex::compile(pattern).value().matches(text);
  };
  EXPECT_TRUE(matches("a|ab", "ab"));
  EXPECT_FALSE(matches("a", "ab"));
  EXPECT_TRUE(matches("(?i)ABC-\\d+", "abc-12"));
  EXPECT_TRUE(matches("\\Qa.b\\E.*", "a.bc"));
  EXPECT_TRUE(matches("\\u0061[^x]", "ab"));
  EXPECT_TRUE(matches("(?!__).*", "a"));
  EXPECT_FALSE(matches("(?!__).*", "__a"));
  EXPECT_TRUE(matches("(?<n>a)\\k<n>", "aa"));
}

TEST(JavaRegex, RefusesWhatMeansSomethingElse) {
  for (const char* pattern : {"[a&&b]", "[a[b]]", "(?R)", "(?U)a", "(*ANY)a", "(?P<n>a)", "\\Ka",
                              "a(", "(?(1)a)", "[]a]", "\\"}) {
    auto regex = JavaRegex::compile(pattern);
    EXPECT_FALSE(regex.ok()) << pattern;
  }
}

TEST(JavaRegex, IsBounded) {
  auto regex = JavaRegex::compile("(a+)+b").value();
  auto result = regex.matches(std::string(200, 'a') + "!b");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::kInvalid);
  EXPECT_FALSE(JavaRegex::compile(std::string(100000, 'a')).ok());
}

}  // namespace
}  // namespace sluice::config
