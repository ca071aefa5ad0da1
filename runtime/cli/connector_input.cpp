// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/connector_input.hpp"

#include <istream>
#include <iterator>

#include "runtime/config/connector_file.hpp"

namespace sluice::cli {
namespace {

constexpr size_t kInputMax = 1u << 20;  // what the worker's REST API takes, too

Result<config::ConnectorFile> read(const std::string& file, std::istream& standard_input) {
  if (file != "-") return config::read_connector_file(file);
  std::string text;
  char block[4096];
  while (standard_input.read(block, sizeof block) || standard_input.gcount() > 0) {
    text.append(block, static_cast<size_t>(standard_input.gcount()));
    if (text.size() > kInputMax)
      return Error{ErrorKind::kInvalid, "standard input has more than 1 MiB"};
  }
  return config::parse_connector_file(text, "standard input");
}

}  // namespace

std::vector<ConnectorInput> read_connectors(const std::vector<std::string>& files,
                                            std::istream& standard_input) {
  std::vector<ConnectorInput> inputs;
  for (const auto& file : files) {
    ConnectorInput input;
    input.source = file == "-" ? "standard input" : file;
    auto parsed = read(file, standard_input);
    if (parsed.ok()) {
      input.name = parsed->name;
      input.config = parsed->config;
      input.initial_state = parsed->initial_state;
    } else {
      input.error = parsed.error().message;
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

}  // namespace sluice::cli
