// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "broker-core/base/result.hpp"
#include "runtime/config/config_def.hpp"

namespace sluice::config {

// A connector as a file describes it.
struct ConnectorFile {
  std::string name;
  ConfigMap config;           // with "name"
  std::string initial_state;  // RUNNING, PAUSED, STOPPED; empty = not given
};

// Reads a connector in the forms of connect-standalone, in its order: a flat JSON object with "name"; a JSON object
// {name, config, initial_state}; Java properties. kInvalid begins with `source` and, where there is one, the line.
Result<ConnectorFile> parse_connector_file(std::string_view text, const std::string& source);
Result<ConnectorFile> read_connector_file(const std::string& path);

}  // namespace sluice::config
