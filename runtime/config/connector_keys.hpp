// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "runtime/config/config_def.hpp"

// The fixed tables behind connector_config.hpp.
namespace sluice::config {

ConfigKey connector_key(std::string name, Type type, std::optional<std::string> value, Importance importance,
                        std::string documentation, std::string group, int order, Width width, std::string display);

const ConfigDef& source_connector_keys();
const ConfigDef& sink_connector_keys();
const ConfigDef& topic_creation_default_keys();  // without the prefix topic.creation.default.
// Without prefix; the defaults are those of the group "default" (as written; empty = none).
ConfigDef topic_creation_group_keys(const std::string& group, const std::string& replication_factor,
                                    const std::string& partitions);

}  // namespace sluice::config
