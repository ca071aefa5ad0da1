// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/mapping/message_mapper.hpp"

#include <deque>

#include "batch_fixture.hpp"
#include "plugins/mqtt/mapping/mapping_config.hpp"

namespace sluice::mqtt_plugin {
namespace {

class MapperTest : public BatchTest {
 protected:
  sdk::Result<MappingOptions> options(testkit::ConfigMap config) {
    sluice_config_def def = {sizeof(def), sizeof(sluice_config_key), kMappingKeys.data(),
                             kMappingKeys.size(), 0};
    const testkit::ConfigTable table(testkit::with_defaults(def, std::move(config)));
    return MappingOptions::read(sdk::Config(table.raw()));
  }
  void start(testkit::ConfigMap config) {
    auto read = options(std::move(config));
    ASSERT_TRUE(read.ok()) << read.error().message;
    auto made = MessageMapper::make(context(), std::move(read).value());
    ASSERT_TRUE(made.ok());
    mapper_ = std::move(made).value();
  }
  std::string map(const MessageView& message) {
    const Mapped mapped = mapper_->map(message, *batch_).value();
    if (mapped == Mapped::kDropped) return "(dropped)";
    if (mapped == Mapped::kBad) return "bad: " + mapper_->problem();
    const auto lines = take_records();
    return lines.size() == 1 ? lines[0] : "(" + std::to_string(lines.size()) + " records)";
  }
  ~MapperTest() override {
    mapper_.reset();
    batch_.reset();
    pool_.reset();
  }

  std::unique_ptr<MessageMapper> mapper_;
};

TEST_F(MapperTest, DefaultsKeepEverything) {
  start({});
  const UserProperty user[] = {{"trace", "t1"}, {"trace", "t2"}};
  EXPECT_EQ(
      map({.topic = "a/b",
           .payload = "x",
           .qos = 1,
           .retained = true,
           .message_id = 9,
           .arrival_ms = 5,
           .user_properties = user,
           .content_type = "text/plain",
           .correlation_data = "c",
           .message_expiry_s = 60,
           .payload_format = 1}),
      "a.b|\"a/b\"|0x78|mqtt.topic=\"a/b\" mqtt.qos=1 mqtt.retained=true mqtt.duplicate=false "
      "mqtt.content.type=\"text/plain\" mqtt.correlation.data=0x63 mqtt.message.expiry.interval=60 "
      "mqtt.payload.format.indicator=1 mqtt.user.trace=\"t1\" mqtt.user.trace=\"t2\"");
  EXPECT_EQ(times_, std::vector<int64_t>{5});
}

TEST_F(MapperTest, KeysFromEverywhere) {
  const UserProperty user[] = {{"device", "d9"}};
  const MessageView message{
      .topic = "f/m1/t", .payload = R"({"id":"d1"})", .user_properties = user};
  const std::pair<const char*, const char*> cases[] = {{"none", "null"},
                                                       {"topic", "\"f/m1/t\""},
                                                       {"segment:2", "\"m1\""},
                                                       {"json:/id", "\"d1\""},
                                                       {"property:device", "\"d9\""}};
  for (const auto& [selector, key] : cases) {
    start({{"record.key", selector},
           {"record.headers", ""},
           {"payload.format", "string"},
           {"kafka.topic", "t"}});
    EXPECT_EQ(map(message), std::string("t|") + key + "|" + R"("{\"id\":\"d1\"}"|)") << selector;
  }
}

TEST_F(MapperTest, TimesFromEverywhere) {
  const UserProperty user[] = {{"at", "1970-01-01T00:00:02Z"}};
  const MessageView message{
      .topic = "t", .payload = R"({"ts":3})", .arrival_ms = 1, .user_properties = user};
  start({{"record.timestamp", "json:/ts"}, {"record.timestamp.unit", "s"}});
  map(message);
  EXPECT_EQ(times_, std::vector<int64_t>{3000});
  start({{"record.timestamp", "property:at"}});
  map(message);
  EXPECT_EQ(times_, std::vector<int64_t>{2000});
}

TEST_F(MapperTest, WhatCannotBeMappedIsBadAndAddsNothing) {
  start({{"record.key", "json:/id"},
         {"record.timestamp", "property:at"},
         {"payload.format", "json"}});
  EXPECT_NE(map({.topic = "t", .payload = "no"}).find("bad: the payload is not JSON"),
            std::string::npos);
  EXPECT_NE(map({.topic = "t", .payload = "{}"}).find("bad: no key"), std::string::npos);
  EXPECT_NE(map({.topic = "t", .payload = R"({"id":1})"}).find("no user property 'at'"),
            std::string::npos);
  const UserProperty user[] = {{"at", "soon"}};
  EXPECT_NE(map({.topic = "t", .payload = R"({"id":1})", .user_properties = user}).find("'soon'"),
            std::string::npos);
  EXPECT_TRUE(batch_->empty());
  start({{"record.key", "segment:4"}});
  EXPECT_NE(map({.topic = "a/b", .payload = ""}).find("has no level 4"), std::string::npos);
}

TEST_F(MapperTest, ABadMessageCanBeAddedAsItCame) {
  start({{"payload.format", "json"}, {"record.headers", "qos"}, {"topic.illegal", "fail"}});
  const MessageView message{.topic = "a/b", .payload = "no", .qos = 1};
  EXPECT_EQ(mapper_->map(message, *batch_).value(), Mapped::kBad);
  ASSERT_TRUE(mapper_->add_raw(message, *batch_).ok());
  const MessageView nowhere{.topic = "a b", .payload = "1"};
  EXPECT_EQ(mapper_->map(nowhere, *batch_).value(), Mapped::kBad);
  ASSERT_TRUE(mapper_->add_raw(nowhere, *batch_).ok());
  EXPECT_EQ(take_records(), (std::vector<std::string>{"a.b|\"a/b\"|0x6e6f|mqtt.qos=1",
                                                      "mqtt.unmapped|\"a b\"|0x31|mqtt.qos=0"}));
}

TEST_F(MapperTest, MessagesAreDroppedOnlyWhereTheConfigSaysSo) {
  start({{"topic.illegal", "drop"}});
  EXPECT_EQ(map({.topic = "a b", .payload = ""}), "(dropped)");
  EXPECT_TRUE(batch_->empty());
}

TEST_F(MapperTest, SparkplugIsAStructWithSchema) {
  start({{"payload.format", "sparkplug-b"},
         {"record.headers", ""},
         {"topic.rules", "spBv1.0/+/# -> sp.${1}"}});
  EXPECT_EQ(map({.topic = "spBv1.0/g/NDATA/n", .payload = "\x18\x05"}),
            "sp.g|\"spBv1.0/g/NDATA/n\"|[null,5,null,null,[]]|");
}

TEST_F(MapperTest, ConfigsThatCannotWorkNameTheirKey) {
  const std::pair<const char*, const char*> cases[] = {{"kafka.topic", "${1}"},
                                                       {"topic.rules", "a"},
                                                       {"topic.separator", "/"},
                                                       {"record.key", "x"},
                                                       {"record.timestamp", "topic"}};
  for (const auto& [key, value] : cases) {
    const auto read = options({{key, value}});
    ASSERT_FALSE(read.ok()) << key;
    EXPECT_NE(read.error().message.find(key), std::string::npos) << read.error().message;
  }
}

}  // namespace
}  // namespace sluice::mqtt_plugin
