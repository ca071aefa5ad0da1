// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/mqtt/client/connection_config.hpp"

namespace sluice::mqtt_plugin {

// What the ConfigDefs of Confluent's two classes have in common.
inline constexpr auto kConfluentKeys = [] {
  using namespace sdk;
  constexpr auto store = [](std::string_view name, Type type) {
    return define(name, type, Importance::kHigh, "A Java key store, or its password.")
        .refused(
            "Java key stores are not read. Convert it to PEM (keytool -importkeystore "
            "-deststoretype PKCS12, then openssl pkcs12), and use the class MqttSource or MqttSink "
            "with mqtt.tls.ca.file, mqtt.tls.cert.file and mqtt.tls.key.file");
  };
  constexpr auto licence = [](std::string_view name) {
    return define(name, Type::kString, Importance::kLow, "Of Confluent's licence.")
        .no_effect("there is no licence to check");
  };
  return config_def(
      kServerKey, kUsernameKey, kPasswordKey,
      define("mqtt.keepalive.interval.seconds", Type::kInt, Importance::kLow,
             "After how many seconds without traffic the connection is tested; at least 5.")
          .default_value("60")
          .min(1)
          .max(65535),
      kConnectTimeoutKey,
      define("max.retry.time.ms", Type::kInt, Importance::kLow, "How long is tried again.")
          .no_effect("connecting goes on until it succeeds"),
      store("mqtt.ssl.trust.store.path", Type::kString),
      store("mqtt.ssl.trust.store.password", Type::kPassword),
      store("mqtt.ssl.key.store.path", Type::kString),
      store("mqtt.ssl.key.store.password", Type::kPassword),
      store("mqtt.ssl.key.password", Type::kPassword), licence("confluent.license"),
      licence("confluent.topic"), licence("confluent.topic.bootstrap.servers"),
      licence("confluent.topic.replication.factor"), licence("confluent.topic.security.protocol"),
      licence("confluent.topic.sasl.mechanism"), licence("confluent.topic.sasl.jaas.config"),
      licence("confluent.topic.ssl.truststore.location"),
      licence("confluent.topic.ssl.truststore.password"),
      licence("confluent.topic.ssl.keystore.location"),
      licence("confluent.topic.ssl.keystore.password"), licence("confluent.topic.ssl.key.password"),
      licence("confluent.topic.ssl.endpoint.identification.algorithm"));
}();

// The ConfigDef of io.confluent.connect.mqtt.MqttSinkConnector.
inline constexpr auto kConfluentSinkConfig = [] {
  using namespace sdk;
  return join(kConfluentKeys,
              config_def(define("mqtt.qos", Type::kInt, Importance::kLow,
                                "The quality of service to publish with. 2 counts as 1.")
                             .default_value("0")
                             .min(0)
                             .max(2),
                         define("mqtt.clean.session.enabled", Type::kBoolean, Importance::kLow,
                                "Whether a session is kept.")
                             .no_effect("the sink holds what is not acknowledged itself and sends "
                                        "it again")));
}();

// The ConfigDef of io.confluent.connect.mqtt.MqttSourceConnector.
inline constexpr auto kConfluentSourceConfig = [] {
  using namespace sdk;
  return join(
      kConfluentKeys,
      config_def(define("mqtt.topics", Type::kList, Importance::kHigh,
                        "The MQTT topic filters to subscribe to; they are divided over the tasks.")
                     .non_empty(),
                 define("kafka.topic", Type::kString, Importance::kHigh,
                        "The Kafka topic of all messages.")
                     .default_value("mqtt")
                     .non_empty(),
                 define("mqtt.qos", Type::kInt, Importance::kLow,
                        "The highest quality of service to receive with. 2 counts as 1. With 0, "
                        "the default of this class, messages are lost whenever the connection is.")
                     .default_value("0")
                     .min(0)
                     .max(2),
                 define("mqtt.clean.session.enabled", Type::kBoolean, Importance::kLow,
                        "Whether the broker forgets the subscription, and what it holds for it, "
                        "when the connection ends.")
                     .default_value("true")));
}();

}  // namespace sluice::mqtt_plugin
