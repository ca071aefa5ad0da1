// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/result.hpp>

#include <string>
#include <string_view>

namespace sluice::mqtt_plugin {

// Kafka's text for a value that a key cannot have.
inline std::string invalid_text(std::string_view key, std::string_view value) {
  return "Invalid value " + std::string(value) + " for configuration " + std::string(key);
}
inline sdk::Error invalid(std::string_view key, std::string_view value, std::string_view why) {
  return sdk::Error::config(invalid_text(key, value) + ": " + std::string(why));
}

}  // namespace sluice::mqtt_plugin
