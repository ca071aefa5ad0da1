// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/mqtt/source/source_options.hpp"

// What the classes with other products' configs share.
namespace sluice::mqtt_plugin {

// The filters, each once; an error names the one that is none, or that there is none.
sdk::Result<std::vector<std::string>> check_filters(std::string_view key,
                                                    const std::vector<std::string>& texts);
// A Kafka topic without variables.
sdk::Result<TopicTemplate> literal_topic(std::string_view key, const std::string& name);

}  // namespace sluice::mqtt_plugin
