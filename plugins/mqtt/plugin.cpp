// SPDX-License-Identifier: Apache-2.0
#include <sluice/sdk.hpp>

#include "plugins/mqtt/client/connection_config.hpp"
#include "plugins/mqtt/sink/sink_task.hpp"
#include "plugins/mqtt/source/source_config.hpp"
#include "plugins/mqtt/source/source_task.hpp"

namespace {

using namespace sluice::sdk;
using namespace sluice::mqtt_plugin;

constexpr char kVersion[] = "0.1.0";

constexpr auto kSink = join(
    kConnectionKeys,
    config_def(
        define(
            "mqtt.topic", Type::kString, Importance::kHigh,
            "The MQTT topic of a record. ${topic} stands for the Kafka topic, ${key} for the key, "
            "${header:name} for a "
            "header, ${json:/a/b} for what the value has at that JSON pointer.")
            .default_value("${topic}")
            .non_empty(),
        define(
            "mqtt.qos", Type::kInt, Importance::kMedium,
            "The quality of service to publish with. With 0 nobody says whether a message arrived.")
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
               "correlation.data and "
               "message.expiry.interval become its properties, the others are left out.")
            .default_value("mqtt."),
        define("headers.user.prefix", Type::kString, Importance::kLow,
               "Is cut off the names of headers that become user properties.")
            .default_value("mqtt.user.")));

constexpr char kNoLicence[] = "there is no licence to check";
constexpr char kNoStore[] =
    "Java key stores are not read. Convert it to PEM (keytool -importkeystore -deststoretype "
    "PKCS12, then openssl "
    "pkcs12), and use the class MqttSink with mqtt.tls.ca.file, mqtt.tls.cert.file and "
    "mqtt.tls.key.file";

constexpr ConfigKey licence_key(std::string_view name) {
  return define(name, Type::kString, Importance::kLow, "Of Confluent's licence.")
      .no_effect(kNoLicence);
}
constexpr ConfigKey store_key(std::string_view name, Type type) {
  return define(name, type, Importance::kHigh, "A Java key store, or its password.")
      .refused(kNoStore);
}

constexpr auto kConfluentSink = config_def(
    kServerKey, kUsernameKey, kPasswordKey,
    define("mqtt.qos", Type::kInt, Importance::kLow,
           "The quality of service to publish with. 2 counts as 1.")
        .default_value("0")
        .min(0)
        .max(2),
    kKeepAliveKey, kConnectTimeoutKey,
    define("mqtt.clean.session.enabled", Type::kBoolean, Importance::kLow,
           "Whether a session is kept.")
        .no_effect("the sink holds what is not acknowledged itself and sends it again"),
    define("max.retry.time.ms", Type::kInt, Importance::kLow, "How long is tried again.")
        .no_effect("connecting goes on until it succeeds"),
    store_key("mqtt.ssl.trust.store.path", Type::kString),
    store_key("mqtt.ssl.trust.store.password", Type::kPassword),
    store_key("mqtt.ssl.key.store.path", Type::kString),
    store_key("mqtt.ssl.key.store.password", Type::kPassword),
    store_key("mqtt.ssl.key.password", Type::kPassword), licence_key("confluent.license"),
    licence_key("confluent.topic"), licence_key("confluent.topic.bootstrap.servers"),
    licence_key("confluent.topic.replication.factor"));

constexpr ClassDef source_class(std::string_view name, std::string_view documentation,
                                const auto& config) {
  const ClassDef made = source<MqttSourceTask>(name, kVersion, documentation, config);
  return made.connector<MqttSourceConnector>();
}
constexpr ClassDef sink_class(std::string_view name, std::string_view documentation,
                              const auto& config) {
  const ClassDef made = sink<MqttSinkTask>(name, kVersion, documentation, config);
  return made.connector<MqttSinkTask>();
}

}  // namespace

SLUICE_PLUGIN(
    "mqtt", "0.1.0",
    source_class("MqttSource",
                 "Receives MQTT messages. Acknowledges them once they are durable in the log.",
                 kSourceConfig),
    sink_class(
        "MqttSink",
        "Publishes records to MQTT topics. Commits offsets once the broker has acknowledged.",
        kSink),
    sink_class(
        "io.confluent.connect.mqtt.MqttSinkConnector",
        "Publishes records to the MQTT topic of the same name. Takes configs of Confluent's MQTT "
        "sink.",
        kConfluentSink));
