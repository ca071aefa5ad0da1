// SPDX-License-Identifier: Apache-2.0
#include <sluice/sdk.hpp>

#include "plugins/mqtt/compat/confluent_config.hpp"
#include "plugins/mqtt/compat/confluent_source.hpp"
#include "plugins/mqtt/compat/lenses_config.hpp"
#include "plugins/mqtt/compat/lenses_source.hpp"
#include "plugins/mqtt/sink/sink_config.hpp"
#include "plugins/mqtt/sink/sink_task.hpp"
#include "plugins/mqtt/source/source_config.hpp"
#include "plugins/mqtt/source/source_task.hpp"

namespace {

using namespace sluice::sdk;
using namespace sluice::mqtt_plugin;

constexpr char kVersion[] = "0.1.0";

template <class Task, class Connector>
constexpr ClassDef source_class(std::string_view name, std::string_view documentation,
                                const auto& config) {
  const ClassDef made = source<Task>(name, kVersion, documentation, config);
  return made.template connector<Connector>();
}
constexpr ClassDef sink_class(std::string_view name, std::string_view documentation,
                              const auto& config) {
  const ClassDef made = sink<MqttSinkTask>(name, kVersion, documentation, config);
  return made.connector<MqttSinkConnector>();
}

constexpr char kLenses[] =
    "Receives MQTT messages. Takes configs of Lenses' MQTT source (stream-reactor).";

}  // namespace

SLUICE_PLUGIN(
    "mqtt", "0.1.0",
    (source_class<MqttSourceTask, MqttSourceConnector>(
        "MqttSource", "Receives MQTT messages. Acknowledges them once they are durable in the log.",
        kSourceConfig)),
    (source_class<ConfluentMqttSourceTask, ConfluentMqttSourceConnector>(
        "io.confluent.connect.mqtt.MqttSourceConnector",
        "Receives MQTT messages. Takes configs of Confluent's MQTT source.",
        kConfluentSourceConfig)),
    (source_class<LensesMqttSourceTask, LensesMqttSourceConnector>(
        "io.lenses.streamreactor.connect.mqtt.source.MqttSourceConnector", kLenses,
        kLensesSourceConfig)),
    (source_class<LensesMqttSourceTask, LensesMqttSourceConnector>(
        "com.datamountaineer.streamreactor.connect.mqtt.source.MqttSourceConnector", kLenses,
        kLensesSourceConfig)),
    sink_class(
        "MqttSink",
        "Publishes records to MQTT topics. Commits offsets once the broker has acknowledged.",
        kSinkConfig),
    sink_class(
        "io.confluent.connect.mqtt.MqttSinkConnector",
        "Publishes records to the MQTT topic of the same name. Takes configs of Confluent's MQTT "
        "sink.",
        kConfluentSinkConfig));
