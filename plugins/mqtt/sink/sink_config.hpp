// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/mqtt/client/connection_config.hpp"

namespace sluice::mqtt_plugin {

// The ConfigDef of MqttSink.
inline constexpr auto kSinkConfig = [] {
  using namespace sdk;
  return join(
      kConnectionKeys,
      config_def(
          define("mqtt.topic", Type::kString, Importance::kHigh,
                 "The MQTT topic of a record. ${topic} stands for the Kafka topic, ${key} for the "
                 "key, ${header:name} for a header, ${json:/a/b} for what the value has at that "
                 "JSON pointer.")
              .default_value("${topic}")
              .non_empty(),
          define("mqtt.qos", Type::kInt, Importance::kMedium,
                 "The quality of service to publish with. With 0 nobody says whether a message "
                 "arrived.")
              .default_value("1")
              .min(0)
              .max(1),
          define("mqtt.retained", Type::kBoolean, Importance::kMedium,
                 "Whether the broker keeps the last message of each topic.")
              .default_value("false"),
          define("mqtt.max.inflight", Type::kInt, Importance::kMedium,
                 "How many messages are sent before the first of them is acknowledged.")
              .default_value("1000")
              .min(1)
              .max(65535),
          define("headers.as.properties", Type::kBoolean, Importance::kMedium,
                 "Whether headers become properties of MQTT 5.")
              .default_value("true"),
          define("headers.prefix", Type::kString, Importance::kLow,
                 "Headers with this prefix are about the message: content.type, response.topic, "
                 "correlation.data and message.expiry.interval become its properties, the others "
                 "are left out.")
              .default_value("mqtt."),
          define("headers.user.prefix", Type::kString, Importance::kLow,
                 "Is cut off the names of headers that become user properties.")
              .default_value("mqtt.user.")));
}();

}  // namespace sluice::mqtt_plugin
