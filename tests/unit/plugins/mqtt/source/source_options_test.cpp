// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/source/source_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sluice/testkit/driver.hpp>

#include "plugins/mqtt/source/message_copy.hpp"
#include "plugins/mqtt/source/source_config.hpp"

namespace sluice::mqtt_plugin {
namespace {

using ::testing::StartsWith;
using Texts = std::vector<std::string>;

class SourceOptionsTest : public testing::Test {
 protected:
  static testkit::ConfigMap complete(testkit::ConfigMap config) {
    config.emplace("mqtt.server.uri", "tcp://localhost");
    config.emplace("mqtt.topics", "a/#");
    const sluice_config_def def = {sizeof(def), sizeof(sluice_config_key), kSourceConfig.data(),
                                   kSourceConfig.size(), 0};
    return testkit::with_defaults(def, std::move(config));
  }
  sdk::Result<SourceOptions> read(testkit::ConfigMap config, testkit::Settings settings = {}) {
    settings.emplace("connector.name", "fleet/1");
    const testkit::ConfigTable table(complete(std::move(config)));
    return SourceOptions::read(
        sdk::Context(host_.table(), host_.make_context(std::move(settings)).raw()),
        sdk::Config(table.raw()));
  }
  // What validate finds: "key: text".
  Texts findings(testkit::ConfigMap config) {
    testkit::FakeContext& context = host_.make_context({});
    const testkit::ConfigTable table(complete(std::move(config)));
    {
      const testkit::FakeContext::Call call(context, "validate");
      SourceOptions::check_values(sdk::Context(host_.table(), context.raw()),
                                  sdk::Config(table.raw()));
    }
    Texts all;
    for (const auto& finding : context.config_errors())
      all.push_back(finding.key + ": " + finding.message);
    return all;
  }

  testkit::FakeHost host_;
};

TEST_F(SourceOptionsTest, DefaultsKeepTheSessionUnderANameThatStays) {
  const auto options = read({}, {{"task.id", "3"}, {"task.count", "1"}});
  ASSERT_TRUE(options.ok()) << options.error().message;
  const SubscriberOptions& subscriber = options->subscriber;
  EXPECT_EQ(subscriber.connection.client_id, "fleet/1-3");
  EXPECT_TRUE(subscriber.connection.v5);
  EXPECT_FALSE(subscriber.clean);
  EXPECT_EQ(subscriber.session_expiry_s, 604800u);
  EXPECT_EQ(subscriber.qos, 1);
  EXPECT_EQ(subscriber.filters, Texts{"a/#"});
  ASSERT_EQ(subscriber.connection.brokers.size(), 1u);
  EXPECT_EQ(subscriber.connection.brokers[0].text(), "localhost:1883");
}

TEST_F(SourceOptionsTest, SeveralTasksShareTheSubscription) {
  const testkit::Settings four = {{"task.id", "0"}, {"task.count", "4"}};
  EXPECT_EQ(read({{"mqtt.topics", "a/#, b/+,a/#,$share/own/c"}}, four)->subscriber.filters,
            (Texts{"$share/fleet_1/a/#", "$share/fleet_1/b/+", "$share/own/c"}));
  EXPECT_EQ(read({{"mqtt.shared.group", "g"}}, {{"task.count", "1"}})->subscriber.filters,
            Texts{"$share/g/a/#"});
}

TEST_F(SourceOptionsTest, QosTwoIsAskedAsOne) {
  EXPECT_EQ(read({{"mqtt.qos", "2"}})->subscriber.qos, 1);
  EXPECT_EQ(read({{"mqtt.qos", "0"}})->subscriber.qos, 0);
}

TEST_F(SourceOptionsTest, BrokersAreTriedInTurn) {
  const auto options =
      read({{"mqtt.server.uri", "tcp://one:1,ssl://two,mqtts://[::1]:9/, mqtt://four"}});
  ASSERT_TRUE(options.ok()) << options.error().message;
  Texts all;
  for (const Broker& broker : options->subscriber.connection.brokers)
    all.push_back(broker.text() + (broker.tls ? " tls" : ""));
  EXPECT_EQ(all, (Texts{"one:1", "two:8883 tls", "[::1]:9 tls", "four:1883"}));
}

TEST_F(SourceOptionsTest, WhatCannotWorkIsSaidUnderItsKey) {
  EXPECT_EQ(findings({}), Texts{});
  for (const char* wrong : {"localhost:1883", "http://a", "tcp://", "tcp://a:0", "tcp://a:70000",
                            "tcp://a:12x", "tcp://[::1", "tcp://:1883"}) {
    const Texts found = findings({{"mqtt.server.uri", wrong}});
    ASSERT_EQ(found.size(), 1u) << wrong;
    EXPECT_TRUE(found[0].starts_with("mqtt.server.uri: Invalid value ")) << found[0];
  }
  for (const char* wrong : {"a/#/b", "a+", "#a", "$share/g", "$share//a"}) {
    const Texts found = findings({{"mqtt.topics", wrong}});
    ASSERT_EQ(found.size(), 1u) << wrong;
    EXPECT_TRUE(found[0].starts_with("mqtt.topics: Invalid value ")) << found[0];
  }
  EXPECT_EQ(findings({{"mqtt.will.topic", "a/+"}}).size(), 1u);
  EXPECT_EQ(findings({{"mqtt.server.uri", "ssl://a"}, {"mqtt.tls.cert.file", "c.pem"}}).size(), 1u);
  EXPECT_EQ(findings({{"kafka.topic", "${1}"}}).size(), 1u);
}

TEST_F(SourceOptionsTest, WhatWouldHaveNoEffectIsRefused) {
  const auto only = [&](testkit::ConfigMap config) {
    const Texts found = findings(std::move(config));
    return found.size() == 1 ? found[0] : std::to_string(found.size()) + " findings";
  };
  EXPECT_THAT(only({{"mqtt.tls.ca.file", "ca.pem"}}),
              StartsWith("mqtt.tls.ca.file: Invalid value"));
  EXPECT_THAT(only({{"mqtt.password", "secret"}}), StartsWith("mqtt.username: "));
  EXPECT_THAT(only({{"mqtt.username", "a\tb"}}), StartsWith("mqtt.username: Invalid value"));
  EXPECT_THAT(only({{"mqtt.client.id", "a\xff"}}), StartsWith("mqtt.client.id: Invalid value"));
  EXPECT_THAT(only({{"mqtt.topics", "a\x01"}}), StartsWith("mqtt.topics: Invalid value"));
  const auto old = [&](const char* key) {
    return only({{"mqtt.protocol.version", "3.1.1"}, {key, "property:x"}});
  };
  EXPECT_THAT(old("record.key"), StartsWith("record.key: Invalid value"));
  EXPECT_THAT(old("record.timestamp"), StartsWith("record.timestamp: Invalid value"));
}

TEST(BackoffTest, DoublesUpToItsBoundWithAtMostHalfTakenOff) {
  using std::chrono::milliseconds;
  Backoff backoff(milliseconds(100), milliseconds(350));
  for (const int64_t whole : {100, 200, 350, 350}) {
    const int64_t wait = backoff.next().count();
    EXPECT_LE(wait, whole);
    EXPECT_GE(wait, whole / 2);
  }
  backoff.reset();
  EXPECT_LE(backoff.next().count(), 100);
}

TEST(MessageCopyTest, OutlivesWhatItWasMadeOf) {
  auto text = std::make_unique<std::string>("topic payload name value type");
  const std::string_view all = *text;
  const UserProperty property = {all.substr(14, 4), all.substr(19, 5)};
  MessageView message = {.topic = all.substr(0, 5), .payload = all.substr(6, 7), .qos = 1};
  message.user_properties = {&property, 1};
  message.content_type = all.substr(25);
  const MessageCopy copy(message);
  text.reset();
  EXPECT_EQ(copy.view().topic, "topic");
  EXPECT_EQ(copy.view().payload, "payload");
  ASSERT_EQ(copy.view().user_properties.size(), 1u);
  EXPECT_EQ(copy.view().user_properties[0].name, "name");
  EXPECT_EQ(copy.view().user_properties[0].value, "value");
  EXPECT_EQ(copy.view().content_type, "type");
  EXPECT_EQ(copy.view().response_topic, std::nullopt);
}

}  // namespace
}  // namespace sluice::mqtt_plugin
