// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk.hpp>
#include <string>

#include "plugins/mqtt/mapping/payload_options.hpp"
#include "plugins/mqtt/mapping/selector.hpp"
#include "plugins/mqtt/mapping/topic_router.hpp"

namespace sluice::mqtt_plugin {

// Which headers a record gets.
struct HeaderOptions {
  bool topic = false;
  bool qos = false;
  bool retained = false;
  bool duplicate = false;
  bool message_id = false;
  bool properties =
      false;  // content type, response topic, correlation data, message expiry, payload format
  bool user_properties = false;
  std::string prefix;
  std::string user_prefix;
};

struct MappingOptions {
  RouterOptions router;
  Selector key;
  Selector timestamp;
  TimeUnit timestamp_unit = TimeUnit::kMillis;
  HeaderOptions headers;
  PayloadOptions payload;

  // Of a config that has the keys of mapping_config.hpp.
  static sdk::Result<MappingOptions> read(const sdk::Config& config);
  // Reports what read() would refuse under the key that is to blame. Inside of validate only.
  static void check_values(const sdk::Context& context, const sdk::Config& config);
};

}  // namespace sluice::mqtt_plugin
