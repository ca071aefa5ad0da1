// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk.hpp>
#include <string>

#include "plugins/mqtt/mapping/topic_template.hpp"
#include "plugins/mqtt/sink/publisher.hpp"

namespace sluice::mqtt_plugin {

struct SinkOptions {
  PublisherOptions publisher;
  TopicTemplate topic;  // ${topic}, ${key}, ${header:<name>}, ${json:<pointer>}
  bool headers_as_properties = false;
  std::string prefix, user_prefix;

  // Keys that the ConfigDef of a class does not have count as their usual value, and MQTT 3.1.1.
  static sdk::Result<SinkOptions> read(const sdk::Context& context, const sdk::Config& config);
  static void check_values(const sdk::Context& context, const sdk::Config& config);
};

}  // namespace sluice::mqtt_plugin
