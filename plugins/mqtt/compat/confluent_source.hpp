// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/mqtt/source/source_task.hpp"

namespace sluice::mqtt_plugin {

// Confluent's MQTT source: all messages in one Kafka topic under the MQTT topic as key, the payload
// as bytes, headers mqtt.message.id, mqtt.qos, mqtt.retained and mqtt.duplicate; MQTT 3.1.1.
sdk::Result<SourceOptions> confluent_source_options(const sdk::Context& context,
                                                    const sdk::Config& config);

class ConfluentMqttSourceTask : public MqttSourceTask {
 protected:
  sdk::Result<SourceOptions> read_options(const sdk::Config& config) override {
    return confluent_source_options(context(), config);
  }
};

// Divides the filters over the tasks.
class ConfluentMqttSourceConnector : public sdk::Connector {
 public:
  sdk::Status start(const sdk::Config& config) override;
  sdk::Result<std::vector<sdk::TaskConfig>> task_configs(uint32_t tasks_max) override;
  static sdk::Status validate(const sdk::Context& context, const sdk::Config& config);
  static sdk::Status check(const sdk::Context& context, const sdk::Config& config);

 private:
  std::vector<std::string> filters_;
};

}  // namespace sluice::mqtt_plugin
