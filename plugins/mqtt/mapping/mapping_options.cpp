// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/mapping/mapping_options.hpp"

#include <algorithm>

#include "plugins/mqtt/mapping/config_error.hpp"

namespace sluice::mqtt_plugin {

using sdk::Config;
using sdk::Error;
using sdk::Result;
using sdk::Status;

namespace {

constexpr std::string_view kLegalSeparator = "of letters, digits, '.', '_' and '-', at most 16";

Error in_key(const Error& error, std::string_view key, std::string_view value) {
  return error.with(invalid_text(key, value));
}

TopicPolicy policy_of(std::string_view text) {
  if (text == "fail") return TopicPolicy::kFail;
  return text == "drop" ? TopicPolicy::kDrop : TopicPolicy::kReplace;
}

Result<TopicTemplate> read_topic(const Config& config) {
  const std::string text = config.get_string("kafka.topic");
  auto topic = TopicTemplate::parse(text);
  if (!topic.ok()) return in_key(topic.error(), "kafka.topic", text);
  if (Status known = RouterOptions::check_variables(*topic, 0); !known.ok()) {
    return in_key(known.error(), "kafka.topic", text);
  }
  return topic;
}

Result<std::vector<RouterOptions::Rule>> read_rules(const Config& config) {
  std::vector<RouterOptions::Rule> rules;
  for (const std::string& text : config.get_list("topic.rules")) {
    auto rule = RouterOptions::parse_rule(text);
    if (!rule.ok()) return in_key(rule.error(), "topic.rules", text);
    rules.push_back(std::move(rule).value());
  }
  return rules;
}

Result<std::string> read_separator(const Config& config) {
  std::string text = config.get_string("topic.separator");
  if (text.size() > 16 || !std::all_of(text.begin(), text.end(), legal_in_topic)) {
    return invalid("topic.separator", text, "it may consist " + std::string(kLegalSeparator));
  }
  return text;
}

Result<Selector> read_key(const Config& config) {
  return Selector::parse_key("record.key", config.get_string("record.key"));
}

Result<Selector> read_timestamp(const Config& config) {
  return Selector::parse_timestamp("record.timestamp", config.get_string("record.timestamp"));
}

HeaderOptions read_headers(const Config& config) {
  HeaderOptions headers;
  for (const std::string& name : config.get_list("record.headers")) {
    headers.topic |= name == "topic";
    headers.qos |= name == "qos";
    headers.retained |= name == "retained";
    headers.duplicate |= name == "duplicate";
    headers.message_id |= name == "message.id";
    headers.properties |= name == "properties";
    headers.user_properties |= name == "user.properties";
  }
  headers.prefix = config.get_string("headers.prefix");
  headers.user_prefix = config.get_string("headers.user.prefix");
  return headers;
}

Result<PayloadOptions> read_payload(const Config& config) {
  PayloadOptions payload;
  const std::string format = config.get_string("payload.format");
  if (format == "string") payload.format = PayloadFormat::kString;
  if (format == "json") payload.format = PayloadFormat::kJson;
  if (format == "sparkplug-b") payload.format = PayloadFormat::kSparkplugB;
  const std::string compression = config.get_string("payload.compression");
  if (compression == "gzip") payload.compression = Compression::kGzip;
  if (compression == "zstd") payload.compression = Compression::kZstd;
  SLUICE_SDK_ASSIGN(const int64_t max_bytes, config.get_long("payload.max.bytes"));
  payload.max_bytes = static_cast<size_t>(max_bytes);
  return payload;
}

TimeUnit unit_of(std::string_view text) {
  if (text == "s") return TimeUnit::kSeconds;
  if (text == "us") return TimeUnit::kMicros;
  return text == "ns" ? TimeUnit::kNanos : TimeUnit::kMillis;
}

}  // namespace

Result<MappingOptions> MappingOptions::read(const Config& config) {
  SLUICE_SDK_ASSIGN(TopicTemplate topic, read_topic(config));
  SLUICE_SDK_ASSIGN(auto rules, read_rules(config));
  MappingOptions options;
  options.router.rules = std::move(rules);
  options.router.otherwise = std::move(topic);
  SLUICE_SDK_ASSIGN(options.router.separator, read_separator(config));
  options.router.illegal = policy_of(config.get_string("topic.illegal"));
  options.router.too_long = policy_of(config.get_string("topic.too.long"));
  SLUICE_SDK_ASSIGN(const int32_t max_topics, config.get_int("topic.max"));
  options.router.max_topics = static_cast<size_t>(max_topics);
  SLUICE_SDK_ASSIGN(options.key, read_key(config));
  SLUICE_SDK_ASSIGN(options.timestamp, read_timestamp(config));
  options.timestamp_unit = unit_of(config.get_string("record.timestamp.unit"));
  options.headers = read_headers(config);
  SLUICE_SDK_ASSIGN(options.payload, read_payload(config));
  return options;
}

void MappingOptions::check_values(const sdk::Context& context, const Config& config) {
  const auto check = [&](std::string_view key, const auto& result) {
    if (!result.ok()) context.config_error(key, result.error().message);
  };
  check("kafka.topic", read_topic(config));
  check("topic.rules", read_rules(config));
  check("topic.separator", read_separator(config));
  check("record.key", read_key(config));
  check("record.timestamp", read_timestamp(config));
}

}  // namespace sluice::mqtt_plugin
