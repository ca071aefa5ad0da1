// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/source/source_check.hpp"

#include "plugins/mqtt/client/check_connection.hpp"
#include "plugins/mqtt/mapping/topic_filter.hpp"

namespace sluice::mqtt_plugin {

sdk::Status check_source(const sdk::Context& context, const SubscriberOptions& options) {
  std::vector<std::string> plain;
  for (const std::string& text : options.filters) {
    SLUICE_SDK_ASSIGN(const TopicFilter filter, TopicFilter::parse(text));
    plain.push_back(filter.text());
  }
  return check_connection(context, options.connection, {.filters = plain, .qos = options.qos});
}

}  // namespace sluice::mqtt_plugin
