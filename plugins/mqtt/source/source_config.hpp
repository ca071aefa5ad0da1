// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/mqtt/client/connection_config.hpp"
#include "plugins/mqtt/mapping/mapping_config.hpp"

namespace sluice::mqtt_plugin {

// The ConfigDef of MqttSource.
inline constexpr auto kSourceConfig = [] {
  using namespace sdk;
  return join(
      kConnectionKeys,
      config_def(
          define("mqtt.topics", Type::kList, Importance::kHigh,
                 "The MQTT topic filters to subscribe to, as factory/+/temp,alarms/#")
              .non_empty(),
          define("mqtt.qos", Type::kInt, Importance::kMedium,
                 "The highest quality of service to receive with. 2 counts as 1: each message at "
                 "least once. With 0 messages are lost whenever the connection is.")
              .default_value("1")
              .min(0)
              .max(2),
          define("mqtt.receive.maximum", Type::kInt, Importance::kMedium,
                 "How many messages may be on their way without an acknowledgement (MQTT 5). "
                 "With MQTT 3.1.1 the broker's own window decides.")
              .default_value("1000")
              .min(1)
              .max(65535),
          define("mqtt.clean.session.enabled", Type::kBoolean, Importance::kMedium,
                 "Whether the broker forgets the subscription, and what it holds for it, when the "
                 "connection ends. Messages that are published meanwhile are lost then.")
              .default_value("false"),
          define("mqtt.session.expiry.seconds", Type::kLong, Importance::kMedium,
                 "How long the broker keeps the session while the task is away (MQTT 5).")
              .default_value("604800")
              .min(1)
              .max(4294967295.0),
          define("mqtt.session.lost", Type::kString, Importance::kMedium,
                 "What to do when the broker no longer knows the session, so that messages may be "
                 "missing: 'continue' reports it and goes on, 'fail' fails the task.")
              .default_value("continue")
              .valid_strings<"continue", "fail">(),
          define("mqtt.shared.group", Type::kString, Importance::kMedium,
                 "The group of a shared subscription ($share/<group>/<filter>). Empty: the "
                 "connector's name if it has more than one task, else the subscription is not "
                 "shared.")
              .default_value(""),
          define("mqtt.retain.handling", Type::kInt, Importance::kLow,
                 "When the broker sends retained messages (MQTT 5): 0 with each subscribe, 1 when "
                 "the subscription is new, 2 never.")
              .default_value("1")
              .min(0)
              .max(2),
          define("mqtt.skip.retained", Type::kBoolean, Importance::kLow,
                 "Whether messages that come as retained ones are left out.")
              .default_value("false"),
          define("mqtt.will.topic", Type::kString, Importance::kLow,
                 "Where the broker publishes the will when a task is gone without a goodbye. "
                 "Empty: there is none.")
              .default_value(""),
          define("mqtt.will.payload", Type::kString, Importance::kLow, "The payload of the will.")
              .default_value(""),
          define("mqtt.will.qos", Type::kInt, Importance::kLow,
                 "The quality of service of the will.")
              .default_value("1")
              .min(0)
              .max(2),
          define("mqtt.will.retained", Type::kBoolean, Importance::kLow,
                 "Whether the broker keeps the will as the last message of its topic.")
              .default_value("false")),
      kMappingKeys);
}();

}  // namespace sluice::mqtt_plugin
