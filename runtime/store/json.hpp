// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/store/config_store.hpp"
#include "runtime/store/status_store.hpp"

// The texts of the internal topics, as Kafka Connect's JsonConverter (schemas.enable=false) writes
// them: compact, fields in the order of Kafka's schemas, null written out. Reading takes any order
// and unknown fields, and gives nullopt for what is no such record.
namespace sluice::store::json {

std::string properties(const config::ConfigMap& config);  // {"properties":{...}}
std::optional<config::ConfigMap> read_properties(std::string_view text);
std::string commit(size_t tasks);  // {"tasks":2}
std::optional<size_t> read_commit(std::string_view text);
std::string target_state(TargetState state);
std::optional<TargetState> read_target_state(std::string_view text);
std::string status(const StatusEntry& status);
std::optional<StatusEntry> read_status(std::string_view text);
std::string topic_status(const TopicStatus& status);
std::optional<TopicStatus> read_topic_status(std::string_view text);

struct OffsetKey {
  std::string connector;
  std::string partition;   // compact JSON as stored
  std::string normalized;  // the same with sorted keys: for comparing
};
std::optional<OffsetKey> read_offset_key(std::string_view text);  // ["<connector>",{...}]
// Compact with sorted keys; nullopt if it is no JSON object.
std::optional<std::string> normalized(std::string_view object);

}  // namespace sluice::store::json
