// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/client/connection_options.hpp"

#include <algorithm>
#include <charconv>
#include <random>

#include "plugins/mqtt/client/connect.hpp"
#include "plugins/mqtt/mapping/config_error.hpp"

namespace sluice::mqtt_plugin {

using sdk::Config;
using sdk::Result;

namespace {

// tcp://host:port, ssl://host:port; mqtt: and mqtts: are the same, the port may be left out.
Result<Broker> parse_broker(std::string_view key, const std::string& text) {
  const auto wrong = [&] {
    return invalid(key, text, "a broker is tcp://<host>:<port> or ssl://<host>:<port>");
  };
  const size_t colon = text.find("://");
  if (colon == std::string::npos) return wrong();
  const std::string_view scheme = std::string_view(text).substr(0, colon);
  Broker broker;
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
  return broker;
}

Result<std::vector<Broker>> read_brokers(const Config& config) {
  return parse_brokers("mqtt.server.uri", config.get_list("mqtt.server.uri"));
}

std::string client_id_of(const sdk::Context& context, const Config& config) {
  std::string id = config.get_string("mqtt.client.id");
  if (id.empty()) id = context.setting("connector.name").value_or("sluice");
  return id + "-" + std::string(context.setting("task.id").value_or("0"));
}

}  // namespace

std::string Broker::text() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" +
         std::to_string(port);
}

Result<std::vector<Broker>> parse_brokers(std::string_view key,
                                          const std::vector<std::string>& texts) {
  std::vector<Broker> brokers;
  for (const std::string& text : texts) {
    SLUICE_SDK_ASSIGN(Broker broker, parse_broker(key, text));
    brokers.push_back(std::move(broker));
  }
  if (brokers.empty()) return invalid(key, "", "name at least one broker, as tcp://<host>:<port>");
  return brokers;
}

Result<ConnectionOptions> ConnectionOptions::read(const sdk::Context& context,
                                                  const Config& config) {
  ConnectionOptions options;
  SLUICE_SDK_ASSIGN(options.brokers, read_brokers(config));
  options.client_id = client_id_of(context, config);
  options.username = config.get_string("mqtt.username");
  options.password = config.get_string("mqtt.password");
  options.ca_file = config.get_string("mqtt.tls.ca.file");
  options.cert_file = config.get_string("mqtt.tls.cert.file");
  options.key_file = config.get_string("mqtt.tls.key.file");
  options.key_password = config.get_string("mqtt.tls.key.password");
  options.v5 = config.get_string("mqtt.protocol.version") == "5";
  const auto number = [&](std::string_view key, auto set) -> sdk::Status {
    if (!config.has(key)) return sdk::ok();
    SLUICE_SDK_ASSIGN(const int32_t value, config.get_int(key));
    set(value);
    return sdk::ok();
  };
  SLUICE_SDK_TRY(number("mqtt.keepalive.interval.seconds",
                        [&](int32_t v) { options.keepalive_s = std::max(v, kLeastKeepAlive); }));
  SLUICE_SDK_TRY(number("mqtt.connect.timeout.seconds",
                        [&](int32_t v) { options.connect_timeout = std::chrono::seconds(v); }));
  SLUICE_SDK_TRY(number("mqtt.reconnect.backoff.ms",
                        [&](int32_t v) { options.backoff_first = std::chrono::milliseconds(v); }));
  SLUICE_SDK_TRY(number("mqtt.reconnect.backoff.max.ms",
                        [&](int32_t v) { options.backoff_max = std::chrono::milliseconds(v); }));
  return options;
}

void ConnectionOptions::check_values(const sdk::Context& context, const Config& config) {
  const auto brokers = read_brokers(config);
  if (!brokers.ok()) context.config_error("mqtt.server.uri", brokers.error().message);
  for (const char* const key : {"mqtt.client.id", "mqtt.username"}) {
    const std::string value = config.get_string(key);
    if (!legal_mqtt_text(value))
      context.config_error(key, invalid(key, value, kNoMqttText).message);
  }
  if (config.get_string("mqtt.username").empty() && !config.get_string("mqtt.password").empty()) {
    context.config_error("mqtt.username",
                         "mqtt.password is set and mqtt.username is not: set both or none");
  }
  const bool tls = brokers.ok() && std::any_of(brokers->begin(), brokers->end(),
                                               [](const Broker& broker) { return broker.tls; });
  for (const char* const file : {"mqtt.tls.ca.file", "mqtt.tls.cert.file", "mqtt.tls.key.file"}) {
    if (brokers.ok() && !tls && !config.get_string(file).empty()) {
      context.config_error(file,
                           invalid_text(file, config.get_string(file)) +
                               ": no broker of mqtt.server.uri is ssl://<host>:<port>, so the "
                               "connection would not be encrypted");
    }
  }
  const bool cert = !config.get_string("mqtt.tls.cert.file").empty();
  const bool key = !config.get_string("mqtt.tls.key.file").empty();
  if (cert != key) {
    context.config_error(cert ? "mqtt.tls.key.file" : "mqtt.tls.cert.file",
                         "a client's certificate (mqtt.tls.cert.file) and its private key "
                         "(mqtt.tls.key.file) go together: set both or none");
  }
}

std::chrono::milliseconds Backoff::next() {
  thread_local std::minstd_rand random(std::random_device{}());
  const auto whole = std::min(next_, longest_);
  next_ = std::min(next_ * 2, longest_);
  std::uniform_int_distribution<int64_t> less(0, whole.count() / 2);
  return whole - std::chrono::milliseconds(less(random));
}

}  // namespace sluice::mqtt_plugin
