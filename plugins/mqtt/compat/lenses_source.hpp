// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/mqtt/compat/kcql.hpp"
#include "plugins/mqtt/source/source_task.hpp"

namespace sluice::mqtt_plugin {

// Lenses' MQTT source (stream-reactor): KCQL statements, each from an MQTT filter to a Kafka topic;
// MQTT 3.1.1.
sdk::Result<SourceOptions> lenses_source_options(const sdk::Context& context,
                                                 const sdk::Config& config);

class LensesMqttSourceTask : public MqttSourceTask {
 protected:
  sdk::Result<SourceOptions> read_options(const sdk::Config& config) override {
    return lenses_source_options(context(), config);
  }
};

// Divides the statements over the tasks, as Lenses does.
class LensesMqttSourceConnector : public sdk::Connector {
 public:
  sdk::Status start(const sdk::Config& config) override;
  sdk::Result<std::vector<sdk::TaskConfig>> task_configs(uint32_t tasks_max) override;
  static sdk::Status validate(const sdk::Context& context, const sdk::Config& config);
  static sdk::Status check(const sdk::Context& context, const sdk::Config& config);

 private:
  std::vector<KcqlStatement> statements_;
  bool replicate_ = false;
};

}  // namespace sluice::mqtt_plugin
