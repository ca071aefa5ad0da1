// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "runtime/config/worker_config.hpp"
#include "runtime/herder/validator.hpp"
#include "runtime/plugin/control_lane.hpp"

// What validation needs from the other folders: the framework's definitions, the built-in
// converters.
namespace sluice::app {

herder::ValidatorParts validator_parts(plugin::Registry& registry, plugin::ControlLanes& lanes,
                                       const config::WorkerConfig& worker);

// Whether the worker's own converters can be made: kInvalid names the key.
Status check_converters(const config::WorkerConfig& worker);
// A built-in converter by full or simple name; nullptr for anything else.
const config::ConfigDef* built_in_config(const std::string& name);
// The built-in converters, for GET /connector-plugins?connectorsOnly=false.
std::vector<plugin::ClassPtr> built_in_classes();

}  // namespace sluice::app
