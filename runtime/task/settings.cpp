// SPDX-License-Identifier: Apache-2.0
#include "runtime/task/settings.hpp"

#include <charconv>

#include "runtime/config/java_format.hpp"

namespace sluice::task {
namespace {

using config::ConfigMap;

const std::string* find(const ConfigMap& config, const std::string& key) {
  auto found = config.find(key);
  return found == config.end() || found->second.empty() ? nullptr : &found->second;
}

Status read_int(const ConfigMap& config, const std::string& key, int64_t min, int64_t max,
                int64_t& value) {
  const std::string* text = find(config, key);
  if (text == nullptr) return ok();
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size())
    return Error{ErrorKind::kInvalid,
                 "Invalid value " + *text + " for configuration " + key + ": Not a number"};
  if (number < min || number > max)
    return Error{ErrorKind::kInvalid, "Invalid value " + *text + " for configuration " + key +
                                          ": must be between " + std::to_string(min) + " and " +
                                          std::to_string(max)};
  value = number;
  return ok();
}

Status read_bool(const ConfigMap& config, const std::string& key, bool& value) {
  const std::string* text = find(config, key);
  if (text == nullptr) return ok();
  std::string lower;
  for (char c : *text) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (lower != "true" && lower != "false")
    return Error{ErrorKind::kInvalid, "Invalid value " + *text + " for configuration " + key +
                                          ": Expected value to be either true or false"};
  value = lower == "true";
  return ok();
}

Status read_errors(const ConfigMap& config, ErrorSettings& errors) {
  if (const std::string* tolerance = find(config, "errors.tolerance")) {
    if (*tolerance != "none" && *tolerance != "all")
      return Error{ErrorKind::kInvalid,
                   "Invalid value " + *tolerance +
                       " for configuration errors.tolerance: String must be one of: none, all"};
    errors.tolerate_all = *tolerance == "all";
  }
  SLUICE_TRY(read_bool(config, "errors.log.enable", errors.log));
  SLUICE_TRY(read_bool(config, "errors.log.include.messages", errors.log_messages));
  SLUICE_TRY(
      read_int(config, "errors.retry.delay.max.ms", 1, INT64_MAX / 2, errors.retry_delay_max_ms));
  const std::string dead_letters = "errors.deadletterqueue.";
  if (const std::string* topic = find(config, dead_letters + "topic.name"))
    errors.dead_letter_topic = std::string(config::trim(*topic));
  int64_t replication = errors.dead_letter_replication_factor;
  SLUICE_TRY(read_int(config, dead_letters + "topic.replication.factor", INT16_MIN, INT16_MAX,
                      replication));
  errors.dead_letter_replication_factor = static_cast<int16_t>(replication);
  return read_bool(config, dead_letters + "context.headers.enable", errors.dead_letter_context);
}

Status read_common(const TaskId& id, const ConfigMap& task, const ConfigMap& worker,
                   CommonSettings& settings) {
  settings.id = id;
  settings.facts["connector.name"] = id.connector;
  settings.facts["task.id"] = std::to_string(id.task);
  if (const std::string* cls = find(task, "connector.class"))
    settings.facts["connector.class"] = *cls;
  if (const std::string* worker_id = find(worker, "worker.id"))
    settings.facts["worker.id"] = *worker_id;
  SLUICE_TRY(read_errors(task, settings.errors));
  return read_int(worker, "offset.flush.interval.ms", 1, INT32_MAX,
                  settings.offset_flush_interval_ms);
}

Status read_creation_group(const ConfigMap& task, const std::string& name,
                           TopicCreationGroup& group) {
  const std::string prefix = "topic.creation." + name + ".";
  group.name = name;
  int64_t partitions = -1, replication = -1;
  SLUICE_TRY(read_int(task, prefix + "partitions", -1, 10'000, partitions));
  SLUICE_TRY(read_int(task, prefix + "replication.factor", -1, 32'767, replication));
  group.partitions = partitions < 1 ? -1 : static_cast<int32_t>(partitions);
  group.replication_factor = replication < 1 ? int16_t{-1} : static_cast<int16_t>(replication);
  if (const std::string* include = find(task, prefix + "include"))
    group.include = config::split_list(*include);
  if (const std::string* exclude = find(task, prefix + "exclude"))
    group.exclude = config::split_list(*exclude);
  for (auto at = task.lower_bound(prefix); at != task.end() && at->first.starts_with(prefix);
       ++at) {
    const std::string key = at->first.substr(prefix.size());
    if (key != "partitions" && key != "replication.factor" && key != "include" && key != "exclude")
      group.configs[key] = at->second;
  }
  return ok();
}

}  // namespace

Result<SourceSettings> source_settings(const TaskId& id, const ConfigMap& task,
                                       const ConfigMap& worker) {
  SourceSettings settings;
  SLUICE_TRY(read_common(id, task, worker, settings));
  SLUICE_TRY(read_bool(worker, "topic.creation.enable", settings.create_topics));
  const std::string prefix = "topic.creation.";
  auto any = task.lower_bound(prefix);
  if (any == task.end() || !any->first.starts_with(prefix)) return settings;
  if (const std::string* names = find(task, "topic.creation.groups")) {
    for (const std::string& name : config::split_list(*names)) {
      if (name == "default" || name.empty()) continue;
      settings.topic_creation.emplace_back();
      SLUICE_TRY(read_creation_group(task, name, settings.topic_creation.back()));
    }
  }
  settings.topic_creation.emplace_back();
  SLUICE_TRY(read_creation_group(task, "default", settings.topic_creation.back()));
  return settings;
}

Result<SinkSettings> sink_settings(const TaskId& id, const ConfigMap& task,
                                   const ConfigMap& worker) {
  SinkSettings settings;
  SLUICE_TRY(read_common(id, task, worker, settings));
  settings.group = "connect-" + id.connector;
  if (const std::string* group = find(task, "consumer.override.group.id")) settings.group = *group;
  if (const std::string* topics = find(task, "topics"))
    settings.topics = config::split_list(*topics);
  if (const std::string* regex = find(task, "topics.regex")) settings.topics_regex = *regex;
  if (settings.topics.empty() == settings.topics_regex.empty())
    return Error{ErrorKind::kInvalid, "Must configure one of topics or topics.regex"};
  if (const std::string* reset = find(task, "consumer.override.auto.offset.reset"))
    settings.from_latest = *reset == "latest";
  return settings;
}

}  // namespace sluice::task
