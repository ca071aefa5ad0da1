// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/json.hpp"

#include <nlohmann/json.hpp>

#include "runtime/json/json.hpp"

namespace sluice::store::json {
namespace {

std::optional<Json> parse_object(std::string_view text) {
  auto json = parse_json(text);
  if (!json.is_object()) return std::nullopt;
  return json;
}

Json null_if_empty(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

std::string string_or_empty(const Json& json, const char* key) {
  auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<int64_t> integer(const Json& json, const char* key) {
  auto found = json.find(key);
  if (found == json.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<int64_t>();
}

std::optional<TargetState> target_state_named(const std::string& name) {
  for (auto state : {TargetState::kStarted, TargetState::kPaused, TargetState::kStopped})
    if (name == to_string(state)) return state;
  return std::nullopt;
}

}  // namespace

std::string properties(const config::ConfigMap& config) {
  Json map = Json::object();
  for (const auto& [key, value] : config) map[key] = value;
  return json_text(Json{{"properties", std::move(map)}});
}

std::optional<config::ConfigMap> read_properties(std::string_view text) {
  auto json = parse_object(text);
  if (!json) return std::nullopt;
  auto map = json->find("properties");
  if (map == json->end() || !map->is_object()) return std::nullopt;
  config::ConfigMap config;
  for (const auto& [key, value] : map->items()) {
    if (value.is_null())
      continue;  // Kafka Connect allows a null value; it means the same as an absent key
    if (!value.is_string()) return std::nullopt;
    config[key] = value.get<std::string>();
  }
  return config;
}

std::string commit(size_t tasks) {
  return json_text(Json{{"tasks", tasks}});
}

std::optional<size_t> read_commit(std::string_view text) {
  auto json = parse_object(text);
  if (!json) return std::nullopt;
  auto tasks = integer(*json, "tasks");
  if (!tasks || *tasks < 0 || *tasks > 1'000'000) return std::nullopt;
  return static_cast<size_t>(*tasks);
}

std::string target_state(TargetState state) {
  const char* v1 =
      state == TargetState::kStopped ? to_string(TargetState::kPaused) : to_string(state);
  return json_text(Json{{"state", v1}, {"state.v2", to_string(state)}});
}

std::optional<TargetState> read_target_state(std::string_view text) {
  auto json = parse_object(text);
  if (!json) return std::nullopt;
  if (auto v2 = string_or_empty(*json, "state.v2"); !v2.empty()) return target_state_named(v2);
  return target_state_named(string_or_empty(*json, "state"));
}

std::string status(const StatusEntry& status) {
  return json_text(Json{{"state", status.state},
                        {"trace", null_if_empty(status.trace)},
                        {"worker_id", status.worker_id},
                        {"generation", status.generation},
                        {"version", null_if_empty(status.version)}});
}

std::optional<StatusEntry> read_status(std::string_view text) {
  auto json = parse_object(text);
  if (!json) return std::nullopt;
  StatusEntry entry;
  entry.state = string_or_empty(*json, "state");
  entry.trace = string_or_empty(*json, "trace");
  entry.worker_id = string_or_empty(*json, "worker_id");
  entry.generation = static_cast<int32_t>(integer(*json, "generation").value_or(0));
  entry.version = string_or_empty(*json, "version");
  if (entry.state.empty()) return std::nullopt;
  return entry;
}

std::string topic_status(const TopicStatus& status) {
  Json inner{{"name", status.topic},
             {"connector", status.connector},
             {"task", status.task},
             {"discoverTimestamp", status.discover_timestamp}};
  return json_text(Json{{"topic", std::move(inner)}});
}

std::optional<TopicStatus> read_topic_status(std::string_view text) {
  auto json = parse_object(text);
  if (!json) return std::nullopt;
  auto inner = json->find("topic");
  if (inner == json->end() || !inner->is_object()) return std::nullopt;
  TopicStatus status;
  status.topic = string_or_empty(*inner, "name");
  status.connector = string_or_empty(*inner, "connector");
  status.task = static_cast<int>(integer(*inner, "task").value_or(0));
  status.discover_timestamp = integer(*inner, "discoverTimestamp").value_or(0);
  if (status.topic.empty() || status.connector.empty()) return std::nullopt;
  return status;
}

std::optional<OffsetKey> read_offset_key(std::string_view text) {
  auto json = parse_json(text);
  if (!json.is_array() || json.size() != 2 || !json[0].is_string() || !json[1].is_object())
    return std::nullopt;
  OffsetKey key;
  key.connector = json[0].get<std::string>();
  key.partition = json_text(json[1]);
  auto sorted = normalized(key.partition);
  if (!sorted) return std::nullopt;
  key.normalized = std::move(*sorted);
  return key;
}

std::optional<std::string> normalized(std::string_view object) {
  return sorted_object(object);
}

}  // namespace sluice::store::json
