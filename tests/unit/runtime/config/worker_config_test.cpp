// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/worker_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

WorkerConfig parse(const ConfigMap& properties) {
  auto config = parse_worker_config(properties, "/start");
  EXPECT_TRUE(config.ok()) << config.error().message;
  return config.ok() ? *config : WorkerConfig();
}

std::string error(const ConfigMap& properties) {
  auto config = parse_worker_config(properties, "/start");
  return config.ok() ? "no error" : config.error().message;
}

TEST(WorkerConfig, Defaults) {
  auto config = parse({});
  EXPECT_EQ(config.data_dir, "./sluice-data");
  ASSERT_EQ(config.listeners.size(), 1u);
  EXPECT_EQ(config.listeners[0].host, "127.0.0.1");
  EXPECT_EQ(config.listeners[0].port, 8083);
  EXPECT_THAT(config.file_roots, ElementsAre("/start"));
  EXPECT_EQ(config.key_converter.class_name, "org.apache.kafka.connect.json.JsonConverter");
  EXPECT_EQ(config.offset_flush_interval_ms, 60000);
  EXPECT_EQ(config.task_shutdown_timeout_ms, 5000);
  EXPECT_EQ(config.config_topic.name, "connect-configs");
  EXPECT_EQ(config.offset_topic.partitions, 25);
  EXPECT_EQ(config.status_topic.partitions, 5);
  EXPECT_TRUE(config.plugin_path.empty());
  EXPECT_EQ(config.log_level, "INFO");
}

TEST(WorkerConfig, ReadsWhatAUserWrites) {
  auto config = parse({{"key.converter", "org.apache.kafka.connect.storage.StringConverter"},
                       {"value.converter", "JsonConverter"},
                       {"value.converter.schemas.enable", "false"},
                       {"plugin.path", "/a, /b"},
                       {"listeners", "HTTP://localhost:0,http://[::1]:8084/"},
                       {"file.allowed.roots", "data/,/var/../srv"},
                       {"offset.storage.topic", "o"},
                       {"offset.storage.partitions", "3"},
                       {"offset.storage.cleanup.policy", "compact"},
                       {"log.level", "debug"},
                       {"bootstrap.servers", "embedded"},
                       {"rest.advertised.port", "9000"}});
  EXPECT_THAT(config.value_converter.config, ElementsAre(Pair("schemas.enable", "false")));
  EXPECT_THAT(config.plugin_path, ElementsAre("/a", "/b"));
  ASSERT_EQ(config.listeners.size(), 2u);
  EXPECT_EQ(config.listeners[1].host, "::1");
  EXPECT_THAT(config.file_roots, ElementsAre("/start/data", "/srv"));
  EXPECT_EQ(config.offset_topic.partitions, 3);
  EXPECT_THAT(config.offset_topic.configs, ElementsAre(Pair("cleanup.policy", "compact")));
  EXPECT_EQ(config.log_level, "DEBUG");
  EXPECT_EQ(config.advertised_port, 9000);
  EXPECT_TRUE(config.warnings.empty()) << config.warnings[0];
}

TEST(WorkerConfig, SaysWhatItDoesNotUse) {
  auto config = parse({{"key.converter", "JsonConverter"},
                       {"value.converter", "JsonConverter"},
                       {"consumer.auto.offset.reset", "latest"},
                       {"offset.flush.timeout.ms", "10"}});
  EXPECT_THAT(config.warnings,
              ElementsAre(HasSubstr("offset.flush.timeout.ms is accepted without effect"),
                          HasSubstr("consumer.auto.offset.reset is accepted without effect")));
}

TEST(WorkerConfig, AllProblemsAtOnce) {
  const auto text = error({{"offset.flush.interval.ms", "soon"},
                           {"topic.creation.enable", "yes"},
                           {"bootstrap.servers", "localhost:9092"}});
  EXPECT_THAT(text, HasSubstr("problems:"));
  EXPECT_THAT(text, HasSubstr("Invalid value soon for configuration offset.flush.interval.ms: Not "
                              "a number of type LONG"));
  EXPECT_THAT(text, HasSubstr("Invalid value yes for configuration topic.creation.enable"));
  EXPECT_THAT(
      text,
      HasSubstr("for configuration bootstrap.servers: This version has the embedded log only"));
}

TEST(WorkerConfig, ClosedByDefault) {
  EXPECT_THAT(error({{"listeners", "http://:8083"}}), HasSubstr("listeners.insecure.allow=true"));
  EXPECT_THAT(error({{"listeners", "http://0.0.0.0:8083"}}), HasSubstr("not on loopback"));
  EXPECT_THAT(error({{"listeners", "http://127.evil.example:8083"}}), HasSubstr("not on loopback"));
  EXPECT_EQ(error({{"listeners", "http://:8083"}, {"listeners.insecure.allow", "true"}}),
            "no error");
  EXPECT_THAT(error({{"listeners", "https://localhost:8443"}}), HasSubstr("no TLS"));
  EXPECT_THAT(error({{"listeners", "8083"}}), HasSubstr("A URL was expected"));
  EXPECT_THAT(error({{"listeners", "http://localhost"}}), HasSubstr("A port was expected"));
  EXPECT_THAT(error({{"listeners", "http://localhost:99999"}}), HasSubstr("0 to 65535"));
  EXPECT_THAT(error({{"rest.extension.classes", "x.BasicAuth"}}),
              HasSubstr("REST extensions are Java classes"));
}

TEST(WorkerConfig, WarnsOfUnknownAndIdleKeys) {
  auto config = parse({{"ofset.flush.interval.ms", "1"},
                       {"offset.storage.file.filename", "/tmp/x"},
                       {"sasl.mechanism", "PLAIN"},
                       {"zzz", "1"}});
  EXPECT_THAT(config.warnings, Contains("Configuration ofset.flush.interval.ms is not known; did "
                                        "you mean offset.flush.interval.ms?"));
  EXPECT_THAT(config.warnings, Contains("Configuration zzz is not known."));
  EXPECT_THAT(
      config.warnings,
      Contains("Configuration offset.storage.file.filename is accepted without effect: offsets "
               "are kept in the topic of offset.storage.topic."));
  EXPECT_THAT(config.warnings, Contains(HasSubstr("sasl.mechanism is accepted without effect")));
  EXPECT_THAT(config.warnings, Contains(HasSubstr("key.converter is not set")));
}

}  // namespace
}  // namespace sluice::config
