// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/mqtt/source/source_options.hpp"

// What the classes with other products' configs share.
namespace sluice::mqtt_plugin {

// A Kafka topic without variables.
sdk::Result<TopicTemplate> literal_topic(std::string_view key, const std::string& name);

}  // namespace sluice::mqtt_plugin
