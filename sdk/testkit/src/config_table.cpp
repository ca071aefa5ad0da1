// SPDX-License-Identifier: Apache-2.0
#include <sluice/testkit/driver.hpp>

namespace sluice::testkit {

ConfigMap with_defaults(const sluice_config_def& def, ConfigMap config) {
  for (uint32_t i = 0; i < def.key_count; ++i) {
    const auto* first = reinterpret_cast<const char*>(def.keys);
    const auto& key = *reinterpret_cast<const sluice_config_key*>(first + size_t{i} * def.key_size);
    if (key.default_value.data == nullptr) continue;
    config.emplace(std::string(sdk::view(key.name)), std::string(sdk::view(key.default_value)));
  }
  return config;
}

ConfigTable::ConfigTable(ConfigMap config) : config_(std::move(config)), raw_{} {
  for (const auto& [key, value] : config_) entries_.push_back({sdk::to_str(key), sdk::to_str(value)});
  raw_ = {sizeof(sluice_config), static_cast<uint32_t>(entries_.size()), entries_.data()};
}

const char* status_name(sluice_status status) {
  static constexpr const char* kNames[] = {"OK",           "RETRIABLE", "RECORD_ERROR", "NOT_CONNECTED", "END",
                                           "CONFIG_ERROR", "FATAL",     "FENCED",       "UNSUPPORTED",   "REOPEN"};
  return status <= SLUICE_REOPEN ? kNames[status] : "an unknown status";
}

}  // namespace sluice::testkit
