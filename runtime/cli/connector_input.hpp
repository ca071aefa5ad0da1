// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace sluice::cli {

struct ConnectorInput {
  std::string source;  // the file, for messages
  std::string name;
  std::map<std::string, std::string> config;
  std::string initial_state;
  std::string error;  // not empty: the file cannot be used, with reason and place
};

// Reads each file (or `standard_input` for "-") in the forms that connect-standalone takes: flat
// JSON, JSON with name and config, Java properties.
std::vector<ConnectorInput> read_connectors(const std::vector<std::string>& files,
                                            std::istream& standard_input);

}  // namespace sluice::cli
