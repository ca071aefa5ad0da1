// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <sluice/sdk.hpp>
#include <string>
#include <vector>

#include "plugins/mqtt/mapping/json_document.hpp"
#include "plugins/mqtt/sink/sink_options.hpp"

namespace sluice::mqtt_plugin {

// Publishes each record as a message. Offsets are committed once the broker has acknowledged
// everything before them. Owned by the worker, called by one thread at a time; may wait for the
// broker.
class MqttSinkTask : public sdk::SinkTask {
 public:
  sdk::Status start(const sdk::Config& config) override;
  void stop() override;
  sdk::Status put(sdk::SinkBatch& batch) override;
  sdk::Status commit(std::span<sdk::PartitionOffset> partitions) override;
  void close(std::span<const sdk::PartitionOffset> partitions, bool lost) override;

 private:
  // nullopt: `out` is the message. Else why the record cannot be one.
  std::optional<std::string> message_of(const sdk::RecordView& record, Outgoing& out);
  std::optional<std::string> topic_of(const sdk::RecordView& record, std::string& topic);
  std::optional<std::string> add_header(const sdk::HeaderView& header, Outgoing& out);

  SinkOptions options_;
  std::unique_ptr<Publisher> publisher_;
  JsonDocument json_;
  std::vector<Outgoing> messages_;  // scratch of put
  std::vector<BadRecord> bad_;
};

// The control side: as many tasks as the config allows, each with a connection of its own.
class MqttSinkConnector : public sdk::Connector {
 public:
  sdk::Result<std::vector<sdk::TaskConfig>> task_configs(uint32_t tasks_max) override;
  static sdk::Status validate(const sdk::Context& context, const sdk::Config& config);
  static sdk::Status check(const sdk::Context& context, const sdk::Config& config);
};

}  // namespace sluice::mqtt_plugin
