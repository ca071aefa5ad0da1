// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/mqtt/source/subscriber.hpp"

namespace sluice::mqtt_plugin {

// Subscribes to the filters of a source as another client, for `sluice connector check`. Without
// the group of a shared subscription: as a member of it, the check would take messages from it.
sdk::Status check_source(const sdk::Context& context, const SubscriberOptions& options);

}  // namespace sluice::mqtt_plugin
