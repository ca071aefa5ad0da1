// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/compat/lenses_source.hpp"

#include <algorithm>

#include "plugins/mqtt/compat/compat_options.hpp"
#include "plugins/mqtt/mapping/config_error.hpp"

namespace sluice::mqtt_plugin {

using sdk::Config;
using sdk::Context;
using sdk::Error;
using sdk::Result;
using sdk::Status;

namespace {

constexpr std::string_view kKcql = "connect.mqtt.kcql";

// Of a key that was renamed, the value under the newer name.
std::string newer(const Config& config, std::string_view name, std::string_view old) {
  return std::string(config.find(name).value_or(config.find(old).value_or("")));
}

// Seconds, within what is sound for a connection.
Result<int> seconds(const Config& config, std::string_view name, std::string_view old, int least,
                    int most) {
  const std::string_view key = config.has(name) ? name : old;
  if (!config.has(key)) return most;
  SLUICE_SDK_ASSIGN(const int32_t value, config.get_int(key));
  return std::clamp(value, least, most);
}

Result<ConnectionOptions> read_connection(const Context& context, const Config& config) {
  ConnectionOptions made;
  made.v5 = false;
  SLUICE_SDK_ASSIGN(made.brokers,
                    parse_brokers("connect.mqtt.hosts", config.get_list("connect.mqtt.hosts")));
  made.client_id = config.get_string("connect.mqtt.client.id");
  if (made.client_id.empty()) made.client_id = context.setting("connector.name").value_or("sluice");
  if (context.setting("task.count").value_or("1") != "1")
    made.client_id += "-" + std::string(context.setting("task.id").value_or("0"));
  made.username = newer(config, "connect.mqtt.username", "connect.mqtt.user");
  made.password = config.get_string("connect.mqtt.password");
  made.ca_file = newer(config, "connect.mqtt.ssl.ca.cert", "connect.mqtt.connection.ssl.ca.cert");
  made.cert_file = newer(config, "connect.mqtt.ssl.cert", "connect.mqtt.connection.ssl.cert");
  made.key_file = newer(config, "connect.mqtt.ssl.key", "connect.mqtt.connection.ssl.key");
  SLUICE_SDK_ASSIGN(made.keepalive_s,
                    seconds(config, "connect.mqtt.keep.alive", "connect.mqtt.connection.keep.alive",
                            kLeastKeepAlive, 60));
  SLUICE_SDK_ASSIGN(const int timeout, seconds(config, "connect.mqtt.timeout",
                                               "connect.mqtt.connection.timeout", 1, 30));
  made.connect_timeout = std::chrono::seconds(timeout);
  return made;
}

Result<PayloadFormat> format_of(const std::string& converter) {
  const std::string name = converter.substr(converter.rfind('.') + 1);
  if (name.empty() || name == "BytesConverter") return PayloadFormat::kBytes;
  if (name == "JsonSimpleConverter" || name == "JsonResilientConverter")
    return PayloadFormat::kJson;
  if (name == "JsonPassThroughConverter") return PayloadFormat::kString;
  return Error::config(
      "the converter " + converter +
      " is not there. There are BytesConverter (the default), JsonSimpleConverter, "
      "JsonResilientConverter and JsonPassThroughConverter");
}

// A field such as a.b as JSON pointer.
std::string pointer_of(const std::string& field) {
  std::string pointer = "/";
  for (const char c : field) {
    if (c == '.') {
      pointer += '/';
    } else if (c == '~' || c == '/') {
      pointer += c == '~' ? "~0" : "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

Result<RouterOptions::Rule> rule_of(const KcqlStatement& statement) {
  SLUICE_SDK_ASSIGN(TopicFilter filter, TopicFilter::parse(statement.source));
  if (statement.target == "$") {
    SLUICE_SDK_ASSIGN(TopicTemplate topic, TopicTemplate::parse("${topic}"));
    return RouterOptions::Rule{std::move(filter), std::move(topic)};
  }
  SLUICE_SDK_ASSIGN(TopicTemplate topic, literal_topic(kKcql, statement.target));
  return RouterOptions::Rule{std::move(filter), std::move(topic)};
}

Result<MappingOptions> read_mapping(const std::vector<KcqlStatement>& statements) {
  MappingOptions mapping;
  mapping.router.separator = "_";
  mapping.router.skip_first_slash = true;
  const KcqlStatement& first = statements.front();
  for (const KcqlStatement& statement : statements) {
    if (statement.converter != first.converter || statement.keys != first.keys ||
        statement.delimiter != first.delimiter) {
      return Error::config(
          "all statements of a connector need the same WITHCONVERTER and WITHKEY here: make a "
          "connector of each");
    }
    SLUICE_SDK_ASSIGN(RouterOptions::Rule rule, rule_of(statement));
    mapping.router.rules.push_back(std::move(rule));
  }
  // For what the broker held for an older config.
  mapping.router.otherwise = mapping.router.rules.front().topic;
  SLUICE_SDK_ASSIGN(mapping.payload.format, format_of(first.converter));
  mapping.key.kind = first.keys.empty() ? Selector::Kind::kTopic : Selector::Kind::kJson;
  if (!first.keys.empty()) mapping.key.name = pointer_of(first.keys.front());
  for (size_t i = 1; i < first.keys.size(); ++i)
    mapping.key.more.push_back(pointer_of(first.keys[i]));
  mapping.key.delimiter = first.delimiter;
  return mapping;
}

struct Query {
  std::vector<KcqlStatement> statements;
  MappingOptions mapping;
};

Result<Query> read_query(const Config& config) {
  const std::string text = config.get_string(kKcql);
  const auto in_key = [&](const Error& error) { return error.with(invalid_text(kKcql, text)); };
  Query query;
  auto statements = parse_kcql(text);
  if (!statements.ok()) return in_key(statements.error());
  query.statements = *std::move(statements);
  auto mapping = read_mapping(query.statements);
  if (!mapping.ok()) return in_key(mapping.error());
  query.mapping = *std::move(mapping);
  return query;
}

}  // namespace

Result<SourceOptions> lenses_source_options(const Context& context, const Config& config) {
  SourceOptions options;
  SubscriberOptions& subscriber = options.subscriber;
  SLUICE_SDK_ASSIGN(subscriber.connection, read_connection(context, config));
  SLUICE_SDK_ASSIGN(Query query, read_query(config));
  std::vector<std::string> filters;
  for (const KcqlStatement& statement : query.statements) filters.push_back(statement.source);
  SLUICE_SDK_ASSIGN(subscriber.filters, check_filters(kKcql, filters));
  options.mapping = std::move(query.mapping);
  SLUICE_SDK_ASSIGN(const int32_t qos, config.get_int("connect.mqtt.service.quality"));
  subscriber.asked_qos = qos;
  subscriber.qos = std::min(qos, 1);
  const std::string clean = newer(config, "connect.mqtt.clean", "connect.mqtt.connection.clean");
  subscriber.clean = !sdk::detail::equals_ignoring_case(clean, "false");
  return options;
}

Status LensesMqttSourceConnector::start(const Config& config) {
  SLUICE_SDK_ASSIGN(statements_, parse_kcql(config.get_string(kKcql)));
  SLUICE_SDK_ASSIGN(replicate_, config.get_bool("connect.mqtt.share.replicate"));
  return sdk::ok();
}

Result<std::vector<sdk::TaskConfig>> LensesMqttSourceConnector::task_configs(uint32_t tasks_max) {
  const size_t tasks = std::max(tasks_max, 1u);
  if (tasks == 1 || statements_.size() == 1) return std::vector<sdk::TaskConfig>(1);
  std::vector<std::string> lists(tasks);
  const auto give = [&](size_t task, const KcqlStatement& statement) {
    lists[task] += (lists[task].empty() ? "" : ";") + statement.text;
  };
  const auto shared = [&](const KcqlStatement& statement) {
    return replicate_ && statement.source.starts_with("$share/");
  };
  // So many to a task as Lenses gives it, so that sessions keep their subscriptions.
  const size_t each = statements_.size() / tasks + statements_.size() % tasks;
  size_t given = 0;
  for (const KcqlStatement& statement : statements_) {
    if (!shared(statement)) give(given++ / each, statement);
  }
  for (const KcqlStatement& statement : statements_) {
    for (size_t task = 0; task < tasks && shared(statement); ++task) give(task, statement);
  }
  std::vector<sdk::TaskConfig> configs;
  for (std::string& list : lists) {
    if (!list.empty()) configs.push_back({{std::string(kKcql), std::move(list)}});
  }
  for (sdk::TaskConfig& config : configs)
    config.emplace_back(kTaskCountKey, std::to_string(configs.size()));
  return configs;
}

Status LensesMqttSourceConnector::validate(const Context& context, const Config& config) {
  const auto check = [&](std::string_view key, const auto& result) {
    if (!result.ok()) context.config_error(key, result.error().message);
  };
  check("connect.mqtt.hosts", read_connection(context, config));
  check(kKcql, read_query(config));
  return sdk::ok();
}

Status LensesMqttSourceConnector::check(const Context& context, const Config& config) {
  SLUICE_SDK_ASSIGN(const SourceOptions options, lenses_source_options(context, config));
  return check_source(context, options.subscriber);
}

}  // namespace sluice::mqtt_plugin
