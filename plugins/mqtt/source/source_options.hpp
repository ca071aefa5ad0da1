// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/mqtt/mapping/mapping_options.hpp"
#include "plugins/mqtt/source/subscriber.hpp"

namespace sluice::mqtt_plugin {

struct SourceOptions {
  SubscriberOptions subscriber;
  MappingOptions mapping;
  bool fail_when_session_lost = false;
  bool skip_retained = false;

  // Of a config that has the keys of kSourceConfig.
  static sdk::Result<SourceOptions> read(const sdk::Context& context, const sdk::Config& config);
  // Reports what read() would refuse under the key that is to blame. Inside of validate only.
  static void check_values(const sdk::Context& context, const sdk::Config& config);
};

// Into the config of each task: how a task subscribes, and as whom, depends on how many there are,
// so all of them start anew when that changes.
inline constexpr char kTaskCountKey[] = "mqtt.task.count";

// The filters, each once; an error names the one that is none, or that there is none.
sdk::Result<std::vector<std::string>> check_filters(std::string_view key,
                                                    const std::vector<std::string>& texts);
// The filters of a shared subscription. Of the group's name, what no group may have becomes _.
std::vector<std::string> shared_filters(std::string group, const std::vector<std::string>& filters);

}  // namespace sluice::mqtt_plugin
