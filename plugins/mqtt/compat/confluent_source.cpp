// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/compat/confluent_source.hpp"

#include <algorithm>

#include "plugins/mqtt/compat/compat_options.hpp"

namespace sluice::mqtt_plugin {

using sdk::Config;
using sdk::Context;
using sdk::Result;
using sdk::Status;

namespace {

MappingOptions records_of(TopicTemplate topic) {
  MappingOptions mapping;
  mapping.router.otherwise = std::move(topic);
  mapping.router.illegal = TopicPolicy::kFail;
  mapping.router.too_long = TopicPolicy::kFail;
  mapping.key.kind = Selector::Kind::kTopic;
  mapping.headers.message_id = true;
  mapping.headers.qos = true;
  mapping.headers.retained = true;
  mapping.headers.duplicate = true;
  mapping.headers.prefix = "mqtt.";
  return mapping;
}

}  // namespace

Result<SourceOptions> confluent_source_options(const Context& context, const Config& config) {
  SourceOptions options;
  SubscriberOptions& subscriber = options.subscriber;
  SLUICE_SDK_ASSIGN(subscriber.connection, ConnectionOptions::read(context, config));
  SLUICE_SDK_ASSIGN(subscriber.filters,
                    check_filters("mqtt.topics", config.get_list("mqtt.topics")));
  SLUICE_SDK_ASSIGN(const int32_t qos, config.get_int("mqtt.qos"));
  subscriber.asked_qos = qos;
  subscriber.qos = std::min(qos, 1);
  SLUICE_SDK_ASSIGN(subscriber.clean, config.get_bool("mqtt.clean.session.enabled"));
  SLUICE_SDK_ASSIGN(TopicTemplate topic,
                    literal_topic("kafka.topic", config.get_string("kafka.topic")));
  options.mapping = records_of(std::move(topic));
  return options;
}

Status ConfluentMqttSourceConnector::start(const Config& config) {
  filters_ = config.get_list("mqtt.topics");
  return sdk::ok();
}

Result<std::vector<sdk::TaskConfig>> ConfluentMqttSourceConnector::task_configs(
    uint32_t tasks_max) {
  const size_t tasks = std::min<size_t>(std::max(tasks_max, 1u), filters_.size());
  std::vector<std::string> lists(tasks);
  for (size_t i = 0; i < filters_.size(); ++i) {
    std::string& list = lists[i * tasks / filters_.size()];
    list += (list.empty() ? "" : ",") + filters_[i];
  }
  std::vector<sdk::TaskConfig> configs;
  for (std::string& list : lists) {
    configs.push_back({{"mqtt.topics", std::move(list)}, {kTaskCountKey, std::to_string(tasks)}});
  }
  return configs;
}

Status ConfluentMqttSourceConnector::validate(const Context& context, const Config& config) {
  ConnectionOptions::check_values(context, config);
  const auto check = [&](std::string_view key, const auto& result) {
    if (!result.ok()) context.config_error(key, result.error().message);
  };
  check("mqtt.topics", check_filters("mqtt.topics", config.get_list("mqtt.topics")));
  check("kafka.topic", literal_topic("kafka.topic", config.get_string("kafka.topic")));
  return sdk::ok();
}

Status ConfluentMqttSourceConnector::check(const Context& context, const Config& config) {
  SLUICE_SDK_ASSIGN(const SourceOptions options, confluent_source_options(context, config));
  return check_source(context, options.subscriber);
}

}  // namespace sluice::mqtt_plugin
