// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "plugins/mqtt/client/connection_options.hpp"

namespace sluice::mqtt_plugin {

// What a connection is tried with besides the ConnectionOptions.
struct CheckedUse {
  std::span<const std::string> filters = {};  // to subscribe to; without $share
  int qos = 1;                                // of the subscriptions, or to publish with
  bool retained = false;                      // whether retained messages will be published
};

// Connects to each broker as <client id>-check, without a session, and subscribes to the filters.
// Reports what the broker allows, and grants, as findings. Nothing is acknowledged and nothing is
// left behind. An error: the first reason why a connector would not work as it is asked to. Takes
// at most ten seconds for each broker.
sdk::Status check_connection(const sdk::Context& context, const ConnectionOptions& options,
                             const CheckedUse& use);

}  // namespace sluice::mqtt_plugin
