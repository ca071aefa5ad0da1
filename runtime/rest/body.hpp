// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "broker-core/base/result.hpp"
#include "runtime/config/config_def.hpp"

// Request bodies: strict, bounded JSON, with errors that name the place. All errors are kInvalid.
namespace sluice::rest {

// Deepest nesting of arrays and objects; a request of ours needs two.
inline constexpr int kMaxJsonDepth = 32;

struct CreateRequest {
  std::string name;  // trimmed; empty if the body has none
  config::ConfigMap config;
  std::string initial_state;  // RUNNING, PAUSED, STOPPED
};
Result<CreateRequest> parse_create_request(std::string_view body);
// A flat object. Numbers and booleans become strings as they are written; null and nested values
// are refused.
Result<config::ConfigMap> parse_config(std::string_view body);
// The same, where null (nullopt) means: remove the key.
Result<std::map<std::string, std::optional<std::string>>> parse_patch(std::string_view body);

}  // namespace sluice::rest
