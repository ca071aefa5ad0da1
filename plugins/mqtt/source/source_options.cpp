// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/source/source_options.hpp"

#include <algorithm>

#include "plugins/mqtt/mapping/config_error.hpp"
#include "plugins/mqtt/mapping/topic_filter.hpp"

namespace sluice::mqtt_plugin {

using sdk::Config;
using sdk::Result;

namespace {

// What only MQTT 5 has, under the key that asks for it.
void check_version(const sdk::Context& context, const Config& config) {
  if (config.get_string("mqtt.protocol.version") == "5") return;
  for (const char* const key : {"record.key", "record.timestamp"}) {
    const std::string value = config.get_string(key);
    if (value.starts_with("property:")) {
      context.config_error(key, invalid_text(key, value) +
                                    ": only MQTT 5 has user properties (mqtt.protocol.version)");
    }
  }
}

Result<std::vector<std::string>> read_filters(const Config& config) {
  return check_filters("mqtt.topics", config.get_list("mqtt.topics"));
}

Result<SubscriberOptions::Will> read_will(const Config& config) {
  SubscriberOptions::Will will;
  will.topic = config.get_string("mqtt.will.topic");
  if (!will.topic.empty()) {
    if (const auto why = why_no_topic_name(will.topic); !why.empty())
      return invalid("mqtt.will.topic", will.topic, why);
    if (!legal_mqtt_text(will.topic)) return invalid("mqtt.will.topic", will.topic, kNoMqttText);
  }
  will.payload = config.get_string("mqtt.will.payload");
  SLUICE_SDK_ASSIGN(will.qos, config.get_int("mqtt.will.qos"));
  SLUICE_SDK_ASSIGN(will.retained, config.get_bool("mqtt.will.retained"));
  return will;
}

// The group to share with; empty: the subscription is the task's own.
std::string group_of(const sdk::Context& context, const Config& config) {
  std::string group = config.get_string("mqtt.shared.group");
  const auto tasks = context.setting("task.count");
  if (group.empty() && tasks && *tasks != "1")
    group = context.setting("connector.name").value_or("sluice");
  return group;
}

}  // namespace

Result<std::vector<std::string>> check_filters(std::string_view key,
                                               const std::vector<std::string>& texts) {
  std::vector<std::string> filters;
  for (const std::string& text : texts) {
    if (auto filter = TopicFilter::parse(text); !filter.ok())
      return filter.error().with(invalid_text(key, text));
    if (!legal_mqtt_text(text)) return invalid(key, text, kNoMqttText);
    if (std::find(filters.begin(), filters.end(), text) == filters.end()) filters.push_back(text);
  }
  if (filters.empty()) return invalid(key, "", "name at least one topic filter");
  return filters;
}

std::vector<std::string> shared_filters(std::string group,
                                        const std::vector<std::string>& filters) {
  for (char& c : group) {
    if (c == '/' || c == '+' || c == '#') c = '_';
  }
  std::vector<std::string> shared;
  for (const std::string& filter : filters) {
    shared.push_back(filter.starts_with("$share/") ? filter : "$share/" + group + "/" + filter);
  }
  return shared;
}

Result<SourceOptions> SourceOptions::read(const sdk::Context& context, const Config& config) {
  SourceOptions options;
  SubscriberOptions& subscriber = options.subscriber;
  SLUICE_SDK_ASSIGN(subscriber.connection, ConnectionOptions::read(context, config));
  SLUICE_SDK_ASSIGN(subscriber.filters, read_filters(config));
  if (std::string group = group_of(context, config); !group.empty())
    subscriber.filters = shared_filters(std::move(group), subscriber.filters);
  SLUICE_SDK_ASSIGN(const int32_t qos, config.get_int("mqtt.qos"));
  subscriber.asked_qos = qos;
  subscriber.qos = std::min(qos, 1);
  SLUICE_SDK_ASSIGN(const int32_t window, config.get_int("mqtt.receive.maximum"));
  subscriber.receive_maximum = static_cast<uint16_t>(window);
  SLUICE_SDK_ASSIGN(subscriber.clean, config.get_bool("mqtt.clean.session.enabled"));
  SLUICE_SDK_ASSIGN(const int64_t expiry, config.get_long("mqtt.session.expiry.seconds"));
  subscriber.session_expiry_s = static_cast<uint32_t>(expiry);
  SLUICE_SDK_ASSIGN(subscriber.retain_handling, config.get_int("mqtt.retain.handling"));
  SLUICE_SDK_ASSIGN(subscriber.will, read_will(config));
  options.fail_when_session_lost = config.get_string("mqtt.session.lost") == "fail";
  SLUICE_SDK_ASSIGN(options.skip_retained, config.get_bool("mqtt.skip.retained"));
  SLUICE_SDK_ASSIGN(options.mapping, MappingOptions::read(config));
  return options;
}

void SourceOptions::check_values(const sdk::Context& context, const Config& config) {
  ConnectionOptions::check_values(context, config);
  MappingOptions::check_values(context, config);
  const auto check = [&](std::string_view key, const auto& result) {
    if (!result.ok()) context.config_error(key, result.error().message);
  };
  check_version(context, config);
  check("mqtt.topics", read_filters(config));
  check("mqtt.will.topic", read_will(config));
}

}  // namespace sluice::mqtt_plugin
