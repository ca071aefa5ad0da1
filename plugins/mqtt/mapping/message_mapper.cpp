// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/mapping/message_mapper.hpp"

#include <algorithm>

namespace sluice::mqtt_plugin {

using sdk::Result;
using sdk::Schema;
using sdk::Status;
using sdk::Value;

namespace {

// Where a bad message goes that has no Kafka topic; nothing is written there unless
// errors.tolerance lets it be.
constexpr std::string_view kNoTopic = "mqtt.unmapped";

}  // namespace

Result<std::unique_ptr<MessageMapper>> MessageMapper::make(const sdk::Context& context,
                                                           MappingOptions options) {
  auto made = std::unique_ptr<MessageMapper>(new MessageMapper(context, std::move(options)));
  SLUICE_SDK_TRY(made->start());
  return made;
}

MessageMapper::MessageMapper(const sdk::Context& context, MappingOptions options)
    : context_(context),
      options_(std::move(options)),
      router_(std::move(options_.router)),
      payload_(options_.payload) {
  const std::string& prefix = options_.headers.prefix;
  names_ = {prefix + "topic",
            prefix + "qos",
            prefix + "retained",
            prefix + "duplicate",
            prefix + "message.id",
            prefix + "content.type",
            prefix + "response.topic",
            prefix + "correlation.data",
            prefix + "message.expiry.interval",
            prefix + "payload.format.indicator"};
}

Status MessageMapper::start() {
  const auto make = [&](uint8_t type, Schema& schema) -> Status {
    SLUICE_SDK_ASSIGN(schema, sdk::SchemaBuilder::primitive(type).make(context_));
    return sdk::ok();
  };
  SLUICE_SDK_TRY(make(SLUICE_STRING, schemas_.string));
  SLUICE_SDK_TRY(make(SLUICE_BYTES, schemas_.bytes));
  SLUICE_SDK_TRY(make(SLUICE_BOOLEAN, schemas_.boolean));
  SLUICE_SDK_TRY(make(SLUICE_INT32, schemas_.int32));
  SLUICE_SDK_TRY(make(SLUICE_INT64, schemas_.int64));
  return payload_.start(context_);
}

bool MessageMapper::bad(std::string why) {
  problem_ = std::move(why);
  return false;
}

Result<uint32_t> MessageMapper::topic_number(uint32_t index) {
  while (numbers_.size() <= index) {
    SLUICE_SDK_ASSIGN(const uint32_t number, context_.topic(router_.topics()[numbers_.size()]));
    numbers_.push_back(number);
  }
  return numbers_[index];
}

Result<Mapped> MessageMapper::map(const MessageView& message, sdk::RecordBatch& batch) {
  last_topic_.reset();
  const Route& route = router_.route(message.topic);
  if (route.kind == Route::Kind::kDrop) return Mapped::kDropped;
  if (route.kind == Route::Kind::kError) {
    bad(route.error);
    return Mapped::kBad;
  }
  SLUICE_SDK_ASSIGN(const uint32_t topic, topic_number(route.topic));
  last_topic_ = topic;
  if (auto problem = payload_.load(message.payload)) {
    bad(*std::move(problem));
    return Mapped::kBad;
  }
  // Everything that may fail comes first: a record that was added stays.
  Value key, value;
  int64_t time_ms = message.arrival_ms;
  if (auto problem = payload_.value(batch, &value)) {
    bad(*std::move(problem));
    return Mapped::kBad;
  }
  if (!key_of(message, batch, &key) || !time_of(message, &time_ms)) return Mapped::kBad;

  sdk::RecordBuilder record = batch.add(topic);
  if (!key.is_null()) record.key(key, schemas_.string);
  switch (options_.payload.format) {
    case PayloadFormat::kBytes:
      record.value(value, schemas_.bytes);
      break;
    case PayloadFormat::kString:
      record.value(value, schemas_.string);
      break;
    default:
      record.value(value, payload_.schema());
      break;
  }
  record.timestamp(time_ms);
  add_headers(message, batch, record);
  return Mapped::kRecord;
}

Status MessageMapper::add_raw(const MessageView& message, sdk::RecordBatch& batch) {
  if (!last_topic_) {
    SLUICE_SDK_ASSIGN(last_topic_, context_.topic(kNoTopic));
  }
  sdk::RecordBuilder record = batch.add(*last_topic_);
  record.key(Value::string(message.topic), schemas_.string)
      .value(Value::bytes(message.payload), schemas_.bytes)
      .timestamp(message.arrival_ms);
  add_headers(message, batch, record);
  return sdk::ok();
}

bool MessageMapper::read(const Selector& selector, const MessageView& message,
                         std::string_view what, std::string& out) {
  if (selector.kind == Selector::Kind::kJson) {
    auto problem = payload_.append_json(selector.name, out);
    for (size_t i = 0; i < selector.more.size() && !problem; ++i) {
      out += selector.delimiter;
      problem = payload_.append_json(selector.more[i], out);
    }
    if (problem) return bad("no " + std::string(what) + ": " + *std::move(problem));
    return true;
  }
  const auto found =
      std::find_if(message.user_properties.begin(), message.user_properties.end(),
                   [&](const UserProperty& property) { return property.name == selector.name; });
  if (found == message.user_properties.end()) {
    return bad("no " + std::string(what) + ": the message has no user property '" + selector.name +
               "'");
  }
  out += found->value;
  return true;
}

bool MessageMapper::key_of(const MessageView& message, sdk::RecordBatch& batch, Value* key) {
  switch (options_.key.kind) {
    case Selector::Kind::kNone:
      return true;
    case Selector::Kind::kTopic:
      *key = Value::string(message.topic);
      return true;
    case Selector::Kind::kSegment: {
      const auto segment = topic_segment(message.topic, options_.key.segment);
      if (!segment) {
        return bad("no key: the topic '" + std::string(message.topic) + "' has no level " +
                   std::to_string(options_.key.segment));
      }
      *key = Value::string(*segment);
      return true;
    }
    default:
      scratch_.clear();
      if (!read(options_.key, message, "key", scratch_)) return false;
      *key = batch.string(scratch_);
      return true;
  }
}

bool MessageMapper::time_of(const MessageView& message, int64_t* time_ms) {
  if (options_.timestamp.kind == Selector::Kind::kNone) return true;
  scratch_.clear();
  if (!read(options_.timestamp, message, "timestamp", scratch_)) return false;
  const auto time = parse_time(scratch_, options_.timestamp_unit);
  // Kafka's timestamps are not negative.
  if (!time || *time < 0)
    return bad("no timestamp: '" + scratch_.substr(0, 64) + "' is no time since 1970");
  *time_ms = *time;
  return true;
}

void MessageMapper::add_headers(const MessageView& message, sdk::RecordBatch& batch,
                                sdk::RecordBuilder& record) {
  const HeaderOptions& wanted = options_.headers;
  if (wanted.topic) record.header(names_.topic, Value::string(message.topic), schemas_.string);
  if (wanted.message_id)
    record.header(names_.message_id, Value::int32(message.message_id), schemas_.int32);
  if (wanted.qos) record.header(names_.qos, Value::int32(message.qos), schemas_.int32);
  if (wanted.retained)
    record.header(names_.retained, Value::boolean(message.retained), schemas_.boolean);
  if (wanted.duplicate)
    record.header(names_.duplicate, Value::boolean(message.duplicate), schemas_.boolean);
  if (wanted.properties) {
    if (message.content_type) {
      record.header(names_.content_type, Value::string(*message.content_type), schemas_.string);
    }
    if (message.response_topic) {
      record.header(names_.response_topic, Value::string(*message.response_topic), schemas_.string);
    }
    if (message.correlation_data) {
      record.header(names_.correlation_data, Value::bytes(*message.correlation_data),
                    schemas_.bytes);
    }
    if (message.message_expiry_s) {
      record.header(names_.expiry, Value::int64(*message.message_expiry_s), schemas_.int64);
    }
    if (message.payload_format) {
      record.header(names_.payload_format, Value::int32(*message.payload_format), schemas_.int32);
    }
  }
  if (!wanted.user_properties) return;
  for (const UserProperty& property : message.user_properties) {
    std::string_view name = property.name;
    if (!wanted.user_prefix.empty()) {
      scratch_.assign(wanted.user_prefix).append(name);
      name = batch.copy(scratch_);
    }
    record.header(name, Value::string(property.value), schemas_.string);
  }
}

}  // namespace sluice::mqtt_plugin
