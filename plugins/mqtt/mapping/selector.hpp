// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <sluice/sdk/result.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::mqtt_plugin {

// Where a key or a time of a record comes from, as configs write it: `none`, `arrival`, `topic`,
// `segment:2` (the second level of the topic), `json:/device/id`, `property:device` (a user
// property of MQTT 5).
struct Selector {
  enum class Kind : uint8_t { kNone, kTopic, kSegment, kJson, kProperty };
  Kind kind = Kind::kNone;
  size_t segment = 0;                  // from 1
  std::string name;                    // of the property, or the JSON pointer
  std::vector<std::string> more = {};  // further JSON pointers whose texts are appended,
  std::string delimiter = {};          // each after this

  static sdk::Result<Selector> parse_key(std::string_view config_key, std::string_view text);
  static sdk::Result<Selector> parse_timestamp(std::string_view config_key, std::string_view text);
};

// The level of a topic, counted from 1.
std::optional<std::string_view> topic_segment(std::string_view topic, size_t number);

enum class TimeUnit : uint8_t { kSeconds, kMillis, kMicros, kNanos };

// Milliseconds since the epoch of a number in `unit` (a fraction is cut off), or of an ISO 8601
// time with a zone such as 2026-01-31T12:00:00.5Z.
std::optional<int64_t> parse_time(std::string_view text, TimeUnit unit);

}  // namespace sluice::mqtt_plugin
