// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/compat/compat_options.hpp"

#include <algorithm>

#include "plugins/mqtt/mapping/config_error.hpp"

namespace sluice::mqtt_plugin {

using sdk::Result;

Result<TopicTemplate> literal_topic(std::string_view key, const std::string& name) {
  const bool legal = !name.empty() && name.size() <= kMaxKafkaTopic && name != "." &&
                     name != ".." && std::all_of(name.begin(), name.end(), legal_in_topic);
  if (!legal) {
    return invalid(key, name,
                   "a Kafka topic has letters, digits, '.', '_' and '-', at most 249 of them");
  }
  return TopicTemplate::parse(name);
}

}  // namespace sluice::mqtt_plugin
