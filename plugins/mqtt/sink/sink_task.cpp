// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/sink/sink_task.hpp"

#include <algorithm>
#include <charconv>

#include "plugins/mqtt/client/check_connection.hpp"
#include "plugins/mqtt/mapping/topic_filter.hpp"
#include "plugins/mqtt/sink/value_payload.hpp"

namespace sluice::mqtt_plugin {

using sdk::Error;
using sdk::Result;
using sdk::Status;

namespace {

constexpr size_t kMaxPayload = 268435455;  // MQTT's bound
constexpr char kNoPayload[] =
    "the value cannot be a payload: it is nested too deeply, of an unknown type, or a map whose "
    "keys are no strings";

std::string no_text(const std::string& what) {
  return what + "is no text for MQTT: " + kNoMqttText;
}

}  // namespace

Status MqttSinkTask::start(const sdk::Config& config) {
  SLUICE_SDK_ASSIGN(options_, SinkOptions::read(context(), config));
  publisher_ = std::make_unique<Publisher>(context(), options_.publisher);
  return sdk::ok();
}

void MqttSinkTask::stop() {
  if (publisher_) publisher_->stop();
}

Status MqttSinkTask::put(sdk::SinkBatch& batch) {
  messages_.clear();
  bad_.clear();
  for (uint32_t i = 0; i < batch.size(); ++i) {
    Outgoing message;
    if (auto problem = message_of(batch[i], message)) {
      bad_.emplace_back(i, *std::move(problem));
      continue;
    }
    message.index = i;
    messages_.push_back(std::move(message));
  }
  // A batch without messages is pushed, too: that is how a broker that is away shows.
  SLUICE_SDK_TRY(publisher_->push(messages_, bad_));
  for (const auto& [index, problem] : bad_)
    context().record_error(index, Error::record(index, problem));
  return sdk::ok();
}

Status MqttSinkTask::commit(std::span<sdk::PartitionOffset> partitions) {
  return publisher_->settle(partitions);
}

void MqttSinkTask::close(std::span<const sdk::PartitionOffset> partitions, bool lost) {
  (void)lost;  // what was not committed comes again in either case
  publisher_->forget(partitions);
}

std::optional<std::string> MqttSinkTask::message_of(const sdk::RecordView& record, Outgoing& out) {
  out.record = {record.topic(), record.partition(), record.offset()};
  if (auto problem = topic_of(record, out.topic)) return problem;
  if (const auto why = why_no_topic_name(out.topic); !why.empty()) {
    return "'" + out.topic.substr(0, 256) + "' is no MQTT topic: " + std::string(why);
  }
  if (!legal_mqtt_text(out.topic)) return no_text("the MQTT topic ");
  if (!append_payload(record.value(), record.value_schema(), out.payload)) return kNoPayload;
  if (out.payload.size() > kMaxPayload) return "the payload is longer than 268435455 bytes";
  if (!options_.headers_as_properties) return {};
  for (uint32_t i = 0; i < record.header_count(); ++i) {
    if (auto problem = add_header(record.header(i), out)) return problem;
  }
  return {};
}

std::optional<std::string> MqttSinkTask::topic_of(const sdk::RecordView& record,
                                                  std::string& topic) {
  for (const TopicTemplate::Part& part : options_.topic.parts()) {
    const std::string_view name = part.text;
    const size_t before = topic.size();
    if (!part.variable) {
      topic += name;
    } else if (name == "topic") {
      topic += context().topic_name(record.topic());
    } else if (name == "key") {
      if (!append_payload(record.key(), record.key_schema(), topic))
        return "the key has no text for the MQTT topic";
    } else if (name.starts_with("header:")) {
      for (uint32_t i = record.header_count(); i-- > 0;) {  // the last counts
        const sdk::HeaderView header = record.header(i);
        if (header.key != name.substr(7)) continue;
        append_payload(header.value, header.schema, topic);
        break;
      }
    } else {
      const std::string pointer(name.substr(5));
      const sdk::Value value = record.value();
      auto text = value.as_string();
      if (!text) text = value.as_bytes();
      if (text) {
        if (auto problem = json_.parse(*text)) return "no MQTT topic: " + *problem;
        if (auto problem = json_.append_scalar(pointer, topic)) return "no MQTT topic: " + *problem;
      } else {
        const sdk::Value found = value_at(value, record.value_schema(), pointer);
        if (found.type >= SLUICE_BYTES)
          return "what the value has at '" + pointer + "' is no part of an MQTT topic";
        append_payload(found, nullptr, topic);
      }
    }
    if (topic.size() == before) {
      return "no MQTT topic: the record has nothing for ${" + std::string(name) + "} (mqtt.topic)";
    }
  }
  return {};
}

std::optional<std::string> MqttSinkTask::add_header(const sdk::HeaderView& header, Outgoing& out) {
  std::string text;
  if (!append_payload(header.value, header.schema, text)) {
    return "the header '" + std::string(header.key) + "' cannot be a user property: it has no text";
  }
  const std::string called = "the header '" + std::string(header.key.substr(0, 256)) + "' ";
  if (text.size() > kMaxMqttText || header.key.size() > kMaxMqttText)
    return called + "is longer than 65535 bytes";
  std::string_view name = header.key;
  const bool user = !options_.user_prefix.empty() && name.starts_with(options_.user_prefix);
  if (!user && !options_.prefix.empty() && name.starts_with(options_.prefix)) {
    name.remove_prefix(options_.prefix.size());
    const bool is_text = name == "content.type" || name == "response.topic";
    if (is_text && !legal_mqtt_text(text)) return no_text(called);
    if (name == "content.type") {
      out.content_type = std::move(text);
    } else if (name == "response.topic") {
      if (const auto why = why_no_topic_name(text); !why.empty())
        return called + "is no MQTT topic: " + std::string(why);
      out.response_topic = std::move(text);
    } else if (name == "correlation.data") {
      out.correlation_data = std::move(text);
    } else if (name == "message.expiry.interval") {
      uint32_t seconds = 0;
      const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
      if (code != std::errc() || end != text.data() + text.size()) {
        return called + "is no number of seconds";
      }
      out.expiry_s = seconds;
    }
    return {};  // the others say how a message came in
  }
  if (user) name.remove_prefix(options_.user_prefix.size());
  if (!legal_mqtt_text(name) || !legal_mqtt_text(text)) return no_text(called);
  out.user_properties.emplace_back(name, std::move(text));
  return {};
}

Result<std::vector<sdk::TaskConfig>> MqttSinkConnector::task_configs(uint32_t tasks_max) {
  return std::vector<sdk::TaskConfig>(std::max(tasks_max, 1u));
}

Status MqttSinkConnector::validate(const sdk::Context& context, const sdk::Config& config) {
  SinkOptions::check_values(context, config);
  return sdk::ok();
}

Status MqttSinkConnector::check(const sdk::Context& context, const sdk::Config& config) {
  SLUICE_SDK_ASSIGN(const SinkOptions options, SinkOptions::read(context, config));
  const PublisherOptions& publisher = options.publisher;
  return check_connection(context, publisher.connection,
                          {.qos = publisher.qos, .retained = publisher.retained});
}

}  // namespace sluice::mqtt_plugin
