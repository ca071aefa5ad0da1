// SPDX-License-Identifier: Apache-2.0
#include "runtime/rest/render.hpp"

#include <nlohmann/json.hpp>

#include "runtime/json/json.hpp"

namespace sluice::rest {
namespace {

Json optional_text(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json(nullptr);
}

Json config_json(const config::ConfigMap& config) {
  Json json = Json::object();
  for (const auto& [key, value] : config) json[key] = value;
  return json;
}

Json task_id(const std::string& connector, int task) {
  return Json{{"connector", connector}, {"task", task}};
}

Json info_json(const herder::ConnectorInfo& info) {
  Json tasks = Json::array();
  for (int task : info.tasks) tasks.push_back(task_id(info.name, task));
  return Json{{"name", info.name},
              {"config", config_json(info.config)},
              {"tasks", std::move(tasks)},
              {"type", info.type}};
}

// Only strings: strict clients decode the connector's object as a map of strings.
void add_state(Json& json, const herder::StateEntry& entry) {
  json["state"] = entry.state;
  json["worker_id"] = entry.worker_id;
  if (!entry.trace.empty()) json["trace"] = entry.trace;
  if (!entry.version.empty()) json["version"] = entry.version;
}

Json task_json(const herder::TaskStateEntry& task) {
  Json json{{"id", task.id}};
  add_state(json, task);
  return json;
}

Json status_json(const herder::ConnectorStatus& status) {
  Json connector = Json::object();
  add_state(connector, status.connector);
  Json tasks = Json::array();
  for (const auto& task : status.tasks) tasks.push_back(task_json(task));
  return Json{{"name", status.name},
              {"connector", std::move(connector)},
              {"tasks", std::move(tasks)},
              {"type", status.type}};
}

Json key_json(const config::ConfigKey& key) {
  bool hidden =
      key.type == config::Type::kPassword && key.default_value && !key.default_value->empty();
  return Json{{"name", key.name},
              {"type", config::to_string(key.type)},
              {"required", key.required},
              {"default_value", hidden ? Json("[hidden]") : optional_text(key.default_value)},
              {"importance", config::to_string(key.importance)},
              {"documentation", key.documentation},
              {"group", key.group.empty() ? Json(nullptr) : Json(key.group)},
              {"width", config::to_string(key.width)},
              {"display_name", key.display_name.empty() ? key.name : key.display_name},
              {"dependents", key.dependents},
              // Kafka 4.1 and older say "order", newer ones "order_in_group"; clients read either.
              {"order", key.order},
              {"order_in_group", key.order}};
}

Json value_json(const config::ConfigValue& value) {
  return Json{{"name", value.name},
              {"value", optional_text(value.value)},
              {"recommended_values", value.recommended},
              {"errors", value.errors},
              {"visible", value.visible}};
}

}  // namespace

std::string render(const herder::ConnectorInfo& info) {
  return json_text(info_json(info));
}
std::string render(const herder::ConnectorStatus& status) {
  return json_text(status_json(status));
}
std::string render(const herder::TaskStateEntry& task) {
  return json_text(task_json(task));
}

std::string render(const std::vector<herder::TaskInfo>& tasks) {
  Json json = Json::array();
  for (const auto& task : tasks) {
    json.push_back(
        Json{{"id", task_id(task.connector, task.task)}, {"config", config_json(task.config)}});
  }
  return json_text(json);
}

std::string render(const std::vector<herder::ConnectorOffset>& offsets) {
  // Both sides are JSON texts already; embedding them keeps their bytes.
  std::string out = "{\"offsets\":[";
  const char* comma = "";
  for (const auto& entry : offsets) {
    out += comma;
    out += "{\"partition\":" + entry.partition + ",\"offset\":" + entry.offset + "}";
    comma = ",";
  }
  return out + "]}";
}

std::string render(const std::vector<plugin::ClassPtr>& classes) {
  Json json = Json::array();
  for (const auto& cls : classes) {
    Json entry{{"class", cls->name}, {"type", plugin::to_string(cls->kind)}};
    if (!cls->version.empty()) entry["version"] = cls->version;
    json.push_back(std::move(entry));
  }
  return json_text(json);
}

std::string render(const std::vector<config::ConfigKey>& keys) {
  Json json = Json::array();
  for (const auto& key : keys) json.push_back(key_json(key));
  return json_text(json);
}

std::string render(const herder::ConfigInfos& infos) {
  Json configs = Json::array();
  for (const auto& info : infos.configs) {
    configs.push_back(
        Json{{"definition", info.definition ? key_json(*info.definition) : Json(nullptr)},
             {"value", value_json(info.value)}});
  }
  return json_text(Json{{"name", infos.name},
                        {"error_count", infos.error_count},
                        {"groups", infos.groups},
                        {"configs", std::move(configs)}});
}

std::string render(const herder::CheckResult& result) {
  using Verdict = herder::CheckResult::Verdict;
  Json findings = Json::array();
  for (const auto& finding : result.findings)
    findings.push_back(Json{{"kind", finding.kind}, {"text", finding.text}});
  return json_text(Json{{"name", result.name},
                        {"result", result.verdict == Verdict::kPassed   ? "PASSED"
                                   : result.verdict == Verdict::kFailed ? "FAILED"
                                                                        : "UNSUPPORTED"},
                        {"message", result.message.empty() ? Json(nullptr) : Json(result.message)},
                        {"findings", std::move(findings)}});
}

std::string render_names(const std::vector<std::string>& names) {
  return json_text(Json(names));
}
std::string render_config(const config::ConfigMap& config) {
  return json_text(config_json(config));
}

std::string render_topics(const std::string& connector, const std::vector<std::string>& topics) {
  Json json = Json::object();
  json[connector] = Json{{"topics", topics}};
  return json_text(json);
}

std::string render_health(herder::Health health, const std::string& message) {
  const char* word = health == herder::Health::kHealthy    ? "healthy"
                     : health == herder::Health::kStarting ? "starting"
                                                           : "unhealthy";
  return json_text(Json{{"status", word}, {"message", message}});
}

std::string render_root(const std::string& version, const std::string& commit,
                        const std::string& cluster_id) {
  return json_text(
      Json{{"version", version}, {"commit", commit}, {"kafka_cluster_id", cluster_id}});
}

std::string render(const std::vector<Expansion>& expansions) {
  Json json = Json::object();
  for (const auto& entry : expansions) {
    Json parts = Json::object();
    if (entry.status) parts["status"] = status_json(*entry.status);
    if (entry.info) parts["info"] = info_json(*entry.info);
    json[entry.name] = std::move(parts);
  }
  return json_text(json);
}

}  // namespace sluice::rest
