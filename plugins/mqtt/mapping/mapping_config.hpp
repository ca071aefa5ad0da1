// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk.hpp>

namespace sluice::mqtt_plugin {

// The keys of MappingOptions, for the ConfigDef of a source.
inline constexpr auto kMappingKeys = [] {
  using namespace sdk;
  return config_def(
      define("kafka.topic", Type::kString, Importance::kHigh,
             "The Kafka topic of messages that no rule of topic.rules matches. ${topic} stands for "
             "the MQTT topic.")
          .default_value("${topic}")
          .non_empty(),
      define("topic.rules", Type::kList, Importance::kHigh,
             "Rules <MQTT filter> -> <Kafka topic>, separated by commas; the first that matches "
             "decides. ${1}, ${2} "
             "... stand for what the wildcards of the filter stand for, ${topic} for the whole "
             "MQTT topic, as in "
             "factory/+/+/temp -> iot.${1}.${2}")
          .default_value(""),
      define("topic.separator", Type::kString, Importance::kLow,
             "What becomes of the slashes of what a variable stands for.")
          .default_value("."),
      define("topic.illegal", Type::kString, Importance::kMedium,
             "What happens to characters that no Kafka topic may have: 'replace' makes _ of them, "
             "'fail' makes the "
             "message a bad record, 'drop' leaves the message out.")
          .default_value("replace")
          .valid_strings<"replace", "fail", "drop">(),
      define("topic.too.long", Type::kString, Importance::kLow,
             "What happens to names of more than 249 characters: 'hash' cuts them and appends a "
             "hash of the whole, "
             "'fail' makes the message a bad record, 'drop' leaves the message out.")
          .default_value("hash")
          .valid_strings<"hash", "fail", "drop">(),
      define("topic.max", Type::kInt, Importance::kMedium,
             "To how many Kafka topics one task may write. Messages for one more are bad records.")
          .default_value("100")
          .min(1)
          .max(100000),
      define("record.key", Type::kString, Importance::kMedium,
             "The key of the records, which also decides on the partition: none, topic, "
             "segment:<number> (a level of "
             "the MQTT topic, from 1), json:<pointer> (as json:/device/id) or property:<name> (a "
             "user property of "
             "MQTT 5).")
          .default_value("topic"),
      define("record.timestamp", Type::kString, Importance::kMedium,
             "The time of the records: arrival, json:<pointer> or property:<name>.")
          .default_value("arrival"),
      define("record.timestamp.unit", Type::kString, Importance::kLow,
             "What a number as time counts, since 1970. Texts as 2026-01-31T12:00:00Z are "
             "understood in any case.")
          .default_value("ms")
          .valid_strings<"s", "ms", "us", "ns">(),
      define("record.headers", Type::kList, Importance::kLow,
             "Headers of the records: topic, qos, retained, duplicate, message.id, properties (of "
             "MQTT 5: "
             "content.type, response.topic, correlation.data, message.expiry.interval, "
             "payload.format.indicator) and "
             "user.properties.")
          .default_value("topic,qos,retained,duplicate,properties,user.properties")
          .valid_strings<"topic", "qos", "retained", "duplicate", "message.id", "properties",
                         "user.properties">(),
      define("headers.prefix", Type::kString, Importance::kLow,
             "What the names of headers begin with, but for those of user properties.")
          .default_value("mqtt."),
      define("headers.user.prefix", Type::kString, Importance::kLow,
             "What the names of headers of user properties begin with.")
          .default_value("mqtt.user."),
      define("payload.format", Type::kString, Importance::kHigh,
             "What the payloads are: bytes, string (UTF-8), json (as schemaless data) or "
             "sparkplug-b (as a struct).")
          .default_value("bytes")
          .valid_strings<"bytes", "string", "json", "sparkplug-b">(),
      define("payload.compression", Type::kString, Importance::kMedium,
             "How the payloads are compressed.")
          .default_value("none")
          .valid_strings<"none", "gzip", "zstd">(),
      define("payload.max.bytes", Type::kLong, Importance::kLow,
             "The most bytes that a decompressed payload may have. Larger ones are bad records.")
          .default_value("67108864")
          .min(1)
          .max(268435456));
}();

}  // namespace sluice::mqtt_plugin
