// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/sink/sink_options.hpp"

#include <algorithm>

#include "plugins/mqtt/mapping/config_error.hpp"
#include "plugins/mqtt/mapping/json_document.hpp"

namespace sluice::mqtt_plugin {

using sdk::Config;
using sdk::Error;
using sdk::Result;

namespace {

Result<TopicTemplate> read_topic(const Config& config) {
  const std::string text(config.find("mqtt.topic").value_or("${topic}"));
  auto topic = TopicTemplate::parse(text);
  if (!topic.ok()) return topic.error().with(invalid_text("mqtt.topic", text));
  for (const TopicTemplate::Part& part : topic->parts()) {
    if (!part.variable) {
      if (part.text.find_first_of("+#") != std::string::npos) {
        return invalid("mqtt.topic", text, "a topic to publish to has no wildcards");
      }
      continue;
    }
    const std::string_view name = part.text;
    if (name == "topic" || name == "key" || (name.starts_with("header:") && name.size() > 7))
      continue;
    if (name.starts_with("json:") && why_no_json_pointer(name.substr(5)).empty()) continue;
    return invalid("mqtt.topic", text,
                   "there are ${topic}, ${key}, ${header:<name>} and ${json:/<pointer>}, no ${" +
                       part.text + "}");
  }
  return topic;
}

}  // namespace

Result<SinkOptions> SinkOptions::read(const sdk::Context& context, const Config& config) {
  SinkOptions options;
  SLUICE_SDK_ASSIGN(options.topic, read_topic(config));
  PublisherOptions& publisher = options.publisher;
  SLUICE_SDK_ASSIGN(publisher.connection, ConnectionOptions::read(context, config));
  SLUICE_SDK_ASSIGN(const int32_t qos, config.get_int("mqtt.qos"));
  publisher.qos = std::min(qos, 1);
  if (config.has("mqtt.retained")) {
    SLUICE_SDK_ASSIGN(publisher.retained, config.get_bool("mqtt.retained"));
  }
  if (config.has("mqtt.max.inflight")) {
    SLUICE_SDK_ASSIGN(const int32_t window, config.get_int("mqtt.max.inflight"));
    publisher.window = static_cast<size_t>(window);
  }
  if (config.has("headers.as.properties")) {
    SLUICE_SDK_ASSIGN(options.headers_as_properties, config.get_bool("headers.as.properties"));
  }
  options.headers_as_properties &= publisher.connection.v5;
  options.prefix = config.get_string("headers.prefix");
  options.user_prefix = config.get_string("headers.user.prefix");
  return options;
}

void SinkOptions::check_values(const sdk::Context& context, const Config& config) {
  if (auto topic = read_topic(config); !topic.ok())
    context.config_error("mqtt.topic", topic.error().message);
  ConnectionOptions::check_values(context, config);
}

}  // namespace sluice::mqtt_plugin
