// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::mqtt_plugin {

struct UserProperty {
  std::string_view name;
  std::string_view value;
};

// A message as it was received. Borrowed: it lives as long as the batch that its record goes to.
struct MessageView {
  std::string_view topic;
  std::string_view payload;
  uint8_t qos = 0;
  bool retained = false;
  bool duplicate = false;
  uint16_t message_id = 0;  // 0: QoS 0 has none
  int64_t arrival_ms = 0;
  // Of MQTT 5.
  std::span<const UserProperty> user_properties = {};
  std::optional<std::string_view> content_type = {};
  std::optional<std::string_view> response_topic = {};
  std::optional<std::string_view> correlation_data = {};
  std::optional<uint32_t> message_expiry_s = {};
  std::optional<uint8_t> payload_format = {};
};

}  // namespace sluice::mqtt_plugin
