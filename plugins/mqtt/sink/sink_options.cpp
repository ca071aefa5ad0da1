// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/sink/sink_options.hpp"

#include <algorithm>
#include <charconv>

#include "plugins/mqtt/mapping/config_error.hpp"
#include "plugins/mqtt/mapping/json_document.hpp"

namespace sluice::mqtt_plugin {

using sdk::Config;
using sdk::Error;
using sdk::Result;

namespace {

// tcp://host:port, ssl://host:port; mqtt: and mqtts: are the same, the port may be left out.
Result<std::vector<PublisherOptions::Broker>> read_brokers(const Config& config) {
  std::vector<PublisherOptions::Broker> brokers;
  for (const std::string& text : config.get_list("mqtt.server.uri")) {
    const auto wrong = [&] {
      return invalid("mqtt.server.uri", text,
                     "a broker is tcp://<host>:<port> or ssl://<host>:<port>");
    };
    const size_t colon = text.find("://");
    if (colon == std::string::npos) return wrong();
    const std::string_view scheme = std::string_view(text).substr(0, colon);
    PublisherOptions::Broker broker;
    broker.tls = scheme == "ssl" || scheme == "mqtts" || scheme == "tls";
    if (!broker.tls && scheme != "tcp" && scheme != "mqtt") return wrong();
    broker.port = broker.tls ? 8883 : 1883;
    std::string_view rest = std::string_view(text).substr(colon + 3);
    if (rest.ends_with('/')) rest.remove_suffix(1);
    const bool bracket = rest.starts_with('[');
    const size_t host_end = bracket ? rest.find(']') : rest.find(':');
    if (bracket && host_end == std::string_view::npos) return wrong();
    broker.host = bracket ? rest.substr(1, host_end - 1) : rest.substr(0, host_end);
    rest.remove_prefix(host_end == std::string_view::npos ? rest.size()
                                                          : host_end + (bracket ? 1 : 0));
    if (!rest.empty()) {
      const char* const end = rest.data() + rest.size();
      const auto [last, code] = std::from_chars(rest.data() + 1, end, broker.port);
      if (rest[0] != ':' || code != std::errc() || last != end || broker.port < 1 ||
          broker.port > 65535) {
        return wrong();
      }
    }
    if (broker.host.empty()) return wrong();
    brokers.push_back(std::move(broker));
  }
  if (brokers.empty())
    return invalid("mqtt.server.uri", "", "name at least one broker, as tcp://<host>:<port>");
  return brokers;
}

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

Result<SinkOptions> SinkOptions::read(const Config& config) {
  SinkOptions options;
  SLUICE_SDK_ASSIGN(options.topic, read_topic(config));
  PublisherOptions& publisher = options.publisher;
  SLUICE_SDK_ASSIGN(publisher.brokers, read_brokers(config));
  publisher.client_id = config.get_string("mqtt.client.id");
  publisher.username = config.get_string("mqtt.username");
  publisher.password = config.get_string("mqtt.password");
  publisher.v5 = config.get_string("mqtt.protocol.version") == "5";
  SLUICE_SDK_ASSIGN(publisher.keepalive_s, config.get_int("mqtt.keepalive.interval.seconds"));
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
  options.headers_as_properties &= publisher.v5;
  options.prefix = config.get_string("headers.prefix");
  options.user_prefix = config.get_string("headers.user.prefix");
  return options;
}

void SinkOptions::check_values(const sdk::Context& context, const Config& config) {
  if (auto topic = read_topic(config); !topic.ok())
    context.config_error("mqtt.topic", topic.error().message);
  if (auto brokers = read_brokers(config); !brokers.ok()) {
    context.config_error("mqtt.server.uri", brokers.error().message);
  }
}

}  // namespace sluice::mqtt_plugin
