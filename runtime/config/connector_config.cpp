// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/connector_config.hpp"

#include <algorithm>
#include <set>

#include "runtime/config/connector_keys.hpp"
#include "runtime/config/java_format.hpp"
#include "runtime/config/java_regex.hpp"

namespace sluice::config {
namespace {

std::string value_or_empty(const ConfigMap& config, const std::string& name) {
  auto found = config.find(name);
  return found == config.end() ? "" : found->second;
}

// The aliases of `transforms`, `predicates` or `topic.creation.groups`, each once, in order.
std::vector<std::string> aliases(const ConfigMap& config, const std::string& key) {
  std::vector<std::string> unique;
  for (auto& alias : split_list(value_or_empty(config, key))) {
    if (std::find(unique.begin(), unique.end(), alias) == unique.end())
      unique.push_back(std::move(alias));
  }
  return unique;
}

// The keys of each alias of a kind of plugin: its class and what that class defines.
void embed_plugins(ConfigDef& def, const ConfigMap& config, const char* kind,
                   const std::string& key, const std::string& group,
                   const std::function<const ConfigDef*(const std::string&)>& lookup) {
  for (const auto& alias : aliases(config, key)) {
    const std::string prefix = key + "." + alias + ".";
    ConfigKey type = connector_key(
        prefix + "type", Type::kClass, std::nullopt, Importance::kHigh,
        std::string("Class for the '") + alias + "' " + kind + ".", group + ": " + alias, 0,
        Width::kLong,
        std::string(key == "transforms" ? "Transformation" : "Predicate") + " type for " + alias);
    type.required = true;
    type.validator = [lookup](const std::string& name) -> std::optional<std::string> {
      if (lookup && lookup(name)) return std::nullopt;
      return "Class " + name + " could not be found.";
    };
    def.define(std::move(type));
    int order = 1;
    if (key == "transforms") {
      ConfigDef implicit;
      implicit.define(
          connector_key("predicate", Type::kString, std::nullopt, Importance::kMedium,
                        "The alias of the predicate that decides for each record whether the "
                        "transformation is applied.",
                        "", -1, Width::kNone, ""));
      implicit.define(connector_key("negate", Type::kBoolean, "false", Importance::kMedium,
                                    "Whether the predicate is negated.", "", -1, Width::kNone, ""));
      def.embed(prefix, group + ": " + alias, implicit, order);
      order += 2;
    }
    const std::string class_name(trim(value_or_empty(config, prefix + "type")));
    const ConfigDef* keys = lookup && !class_name.empty() ? lookup(class_name) : nullptr;
    if (!keys) continue;
    ConfigDef own;
    for (const auto& one : keys->keys()) {
      if (key != "transforms" || (one.name != "predicate" && one.name != "negate")) own.define(one);
    }
    def.embed(prefix, group + ": " + alias, own, order);
  }
}

void check_converters(ConfigDef& def, const KnownClasses& known) {
  auto add = [&def](const char* name, const std::function<bool(const std::string&)>& lookup) {
    if (!lookup) return;
    ConfigKey key = *def.find(name);
    key.validator = [lookup](const std::string& class_name) -> std::optional<std::string> {
      if (lookup(class_name)) return std::nullopt;
      return "Class " + class_name + " could not be found.";
    };
    def.define(std::move(key));
  };
  add("key.converter", known.converter);
  add("value.converter", known.converter);
  add("header.converter", known.header_converter);
}

void enrich(ConfigDef& def, const ConfigMap& config, const KnownClasses& known) {
  check_converters(def, known);
  embed_plugins(def, config, "transformation", "transforms", "Transforms", known.transformation);
  embed_plugins(def, config, "predicate", "predicates", "Predicates", known.predicate);
}

bool blank(const std::string& text) {
  return trim(text).empty();
}

ConfigValue& value_of(std::vector<ConfigValue>& values, const std::string& name,
                      const ConfigMap& config) {
  for (auto& value : values) {
    if (value.name == name) return value;
  }
  ConfigValue value;
  value.name = name;
  if (auto found = config.find(name); found != config.end()) value.value = found->second;
  values.push_back(std::move(value));
  return values.back();
}

std::string java_list(const std::vector<std::string>& items) {
  std::string text = "[";
  for (const auto& item : items) text += (text.size() > 1 ? ", " : "") + item;
  return text + "]";
}

}  // namespace

ConfigDef source_connector_def(const ConfigMap& config, const KnownClasses& known,
                               bool topic_creation) {
  ConfigDef def = source_connector_keys();
  enrich(def, config, known);
  const bool uses = std::any_of(config.begin(), config.end(), [](const auto& entry) {
    return entry.first.starts_with("topic.creation.");
  });
  if (!topic_creation || !uses) return def;
  def.embed("topic.creation.default.", "default", topic_creation_default_keys());
  const std::string replication =
      value_or_empty(config, "topic.creation.default.replication.factor");
  const std::string partitions = value_or_empty(config, "topic.creation.default.partitions");
  for (const auto& alias : aliases(config, "topic.creation.groups")) {
    if (alias == "default") continue;
    const std::string group = "Topic Creation: " + alias;
    def.embed("topic.creation." + alias + ".", group,
              topic_creation_group_keys(group, replication, partitions));
  }
  return def;
}

ConfigDef sink_connector_def(const ConfigMap& config, const KnownClasses& known) {
  ConfigDef def = sink_connector_keys();
  enrich(def, config, known);
  return def;
}

std::vector<std::string> sink_topics(const ConfigMap& config) {
  std::vector<std::string> topics = aliases(config, "topics");
  topics.erase(std::remove(topics.begin(), topics.end(), ""), topics.end());
  return topics;
}

void validate_sink_topics(const ConfigMap& config, std::vector<ConfigValue>& values) {
  const std::string list = value_or_empty(config, "topics");
  const std::string pattern = value_or_empty(config, "topics.regex");
  const std::string dlq(trim(value_or_empty(config, "errors.deadletterqueue.topic.name")));
  auto both = [&](const std::string& text) {
    value_of(values, "topics", config).errors.push_back(text);
    value_of(values, "topics.regex", config).errors.push_back(text);
  };
  if (!blank(list) && !blank(pattern)) {
    both("topics and topics.regex are mutually exclusive options, but both are set.");
  }
  if (blank(list) && blank(pattern)) both("Must configure one of topics or topics.regex");
  if (dlq.empty()) return;
  const auto topics = sink_topics(config);
  if (std::find(topics.begin(), topics.end(), dlq) != topics.end()) {
    value_of(values, "topics", config)
        .errors.push_back("The DLQ topic '" + dlq +
                          "' may not be included in the list of topics ('topics=" +
                          java_list(topics) + "') consumed by the connector");
  }
  if (blank(pattern)) return;
  auto regex = JavaRegex::compile(pattern);
  if (!regex.ok()) return;  // the key's own check has said so
  auto matched = regex->matches(dlq);
  if (matched.ok() && !*matched) return;
  value_of(values, "topics.regex", config)
      .errors.push_back(
          matched.ok() ? "The DLQ topic '" + dlq +
                             "' may not be matched by the regex for the topics ('topics.regex=" +
                             pattern + "') consumed by the connector"
                       : matched.error().message);
}

void validate_transforms(const ConfigMap& config, std::vector<ConfigValue>& values) {
  const auto predicates = aliases(config, "predicates");
  for (const auto& alias : aliases(config, "transforms")) {
    const std::string prefix = "transforms." + alias + ".";
    const bool has_predicate = config.count(prefix + "predicate") != 0;
    if (config.count(prefix + "negate") && !has_predicate) {
      value_of(values, prefix + "type", config)
          .errors.push_back("Config '" + prefix + "negate' was provided but there is no config '" +
                            prefix + "predicate' defining a predicate to be negated.");
    }
    const std::string predicate(trim(value_or_empty(config, prefix + "predicate")));
    if (has_predicate &&
        std::find(predicates.begin(), predicates.end(), predicate) == predicates.end()) {
      value_of(values, prefix + "predicate", config)
          .errors.push_back(
              invalid_value(prefix + "predicate", predicate, "it is not listed in predicates"));
    }
  }
}

namespace {

constexpr char kDirectCalls[] =
    "the embedded log is called directly, without a client that has settings.";

// Settings of Kafka clients that the embedded log does not use.
bool overrides_a_client(const std::string& name) {
  if (name == "consumer.override.group.id" || name == "consumer.override.auto.offset.reset")
    return false;
  return name.starts_with("producer.override.") || name.starts_with("consumer.override.") ||
         name.starts_with("admin.override.");
}

}  // namespace

bool is_free_framework_key(const std::string& name) {
  for (const char* prefix :
       {"producer.override.", "consumer.override.", "admin.override.", "key.converter.",
        "value.converter.", "header.converter.", "transforms.", "predicates.", "topic.creation."}) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

ConfigMap with_prefix(const ConfigMap& config, const std::string& prefix) {
  ConfigMap found;
  for (auto at = config.lower_bound(prefix); at != config.end() && at->first.starts_with(prefix);
       ++at) {
    if (at->first.size() > prefix.size()) found[at->first.substr(prefix.size())] = at->second;
  }
  return found;
}

std::vector<std::string> key_warnings(const ConfigMap& config, const ConfigDef& framework,
                                      const ConfigDef& connector) {
  std::vector<std::string> names;
  std::vector<std::string> warnings;
  for (const auto* def : {&framework, &connector}) {
    for (const auto& key : def->keys()) names.push_back(key.name);
    for (auto& sentence : def->no_effect(config)) warnings.push_back(std::move(sentence));
  }
  for (const auto& [name, value] : config) {
    if (overrides_a_client(name)) {
      warnings.push_back("Configuration " + name + " is accepted without effect: " + kDirectCalls);
      continue;
    }
    if (framework.find(name) || connector.find(name) || is_free_framework_key(name)) continue;
    auto near = nearest(name, names);
    warnings.push_back("Configuration " + name + " is not known" +
                       (near ? "; did you mean " + *near + "?" : "."));
  }
  return warnings;
}

}  // namespace sluice::config
