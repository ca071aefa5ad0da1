// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "broker-core/base/result.hpp"
#include "broker-core/storage/log.hpp"

// The topic configs of Kafka: names, types, defaults, checks and error texts, and what becomes of
// each here.
namespace sluice::metadata {

enum class ConfigType { kBoolean, kInt, kLong, kDouble, kString, kList };
const char* to_string(ConfigType type);  // Kafka's names: BOOLEAN, INT, ...

enum class ConfigSupport {
  kHonoured,
  kNoEffect,  // accepted and kept, so that existing topic definitions work; `note` says why nothing
              // follows
  kRefused,   // only its default is accepted; `note` says why
};

struct TopicConfigDef {
  std::string_view name;
  ConfigType type;
  std::string_view default_value;
  std::optional<int64_t> min;
  std::optional<int64_t> max;
  std::string_view valid;  // comma separated; empty = any
  ConfigSupport support = ConfigSupport::kHonoured;
  std::string_view note;
};

// Every config, sorted by name.
std::span<const TopicConfigDef> topic_config_defs();
const TopicConfigDef* find_topic_config(std::string_view name);

// A topic's own configs; what is absent has its default.
using TopicConfigs = std::map<std::string, std::string>;

// kInvalid with Kafka's text: unknown name, malformed value, value out of range, conflict of two
// values.
Status validate_topic_configs(const TopicConfigs& configs);

// The topic's own value, else the default. `name` must be known.
std::string topic_config_value(const TopicConfigs& configs, std::string_view name);

// What the storage needs of validated configs.
storage::TopicSettings topic_settings(const std::string& topic, const TopicConfigs& configs);

// message.timestamp.type is LogAppendTime.
bool is_log_append_time(const TopicConfigs& configs);

}  // namespace sluice::metadata
