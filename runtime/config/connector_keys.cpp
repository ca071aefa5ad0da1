// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/connector_keys.hpp"

#include <algorithm>

#include "runtime/config/java_regex.hpp"

namespace sluice::config {
namespace {

using enum Importance;

constexpr char kOneVersion[] = "each class is there in one version.";
constexpr char kOneWrite[] = "each batch of a source is one write together with its offsets.";

std::optional<std::string> check_name(const std::string& name) {
  if (name.empty()) return "String may not be empty";
  std::string found;
  for (char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) continue;
    found += (found.empty() ? "" : ", ") + std::to_string(byte);
  }
  if (found.empty()) return std::nullopt;
  return "String may not contain control sequences but had the following ASCII chars: " + found;
}

std::optional<std::string> check_unique(const std::string& list) {
  auto items = split_list(list);
  std::sort(items.begin(), items.end());
  if (std::adjacent_find(items.begin(), items.end()) == items.end()) return std::nullopt;
  return "Duplicate alias provided.";
}

std::optional<std::string> check_regex_list(const std::string& list) {
  for (const auto& pattern : split_list(list)) {
    auto regex = JavaRegex::compile(pattern);
    if (!regex.ok()) return "Syntax error in regular expression: " + regex.error().message;
  }
  return std::nullopt;
}

std::optional<std::string> check_regex(const std::string& pattern) {
  auto regex = JavaRegex::compile(pattern);
  if (regex.ok()) return std::nullopt;
  return "Invalid regex: " + regex.error().message;
}

std::optional<std::string> check_partitions(const std::string& value) {
  if (value == "-1" || value[0] != '-') {
    if (value != "0") return std::nullopt;
  }
  return "Number of partitions must be positive, or -1 to use the broker's default";
}

std::optional<std::string> check_replication(const std::string& value) {
  if (!check_partitions(value)) return std::nullopt;
  return "Replication factor must be positive and not larger than the number of brokers in the "
         "Kafka cluster, or -1 "
         "to use the broker's default";
}

ConfigKey without_effect(ConfigKey key, const char* reason) {
  key.no_effect = true;
  key.reason = reason;
  return key;
}

void define_identity(ConfigDef& def) {
  ConfigKey name = connector_key("name", Type::kString, std::nullopt, kHigh,
                                 "The name of the connector, unique in the worker.", "Common", 1,
                                 Width::kMedium, "Connector name");
  name.required = true;
  name.validator = check_name;
  def.define(std::move(name));
  ConfigKey type =
      connector_key("connector.class", Type::kString, std::nullopt, kHigh,
                    "The class of the connector: its full name, its simple name, or that without "
                    "\"Connector\" at the end.",
                    "Common", 2, Width::kLong, "Connector class");
  type.required = true;
  def.define(std::move(type));
  ConfigKey tasks =
      connector_key("tasks.max", Type::kInt, "1", kHigh, "The largest number of tasks.", "Common",
                    4, Width::kShort, "Tasks max");
  tasks.min = 1;
  def.define(std::move(tasks));
  def.define(
      connector_key("tasks.max.enforce", Type::kBoolean, "true", kLow,
                    "(Deprecated) Whether a connector that makes more tasks than tasks.max fails.",
                    "Common", 5, Width::kShort, "Enforce tasks max"));
}

void define_version(ConfigDef& def, const char* name, Importance importance, int order,
                    const char* display) {
  def.define(without_effect(
      connector_key(name, Type::kString, std::nullopt, importance,
                    "The wanted version of the class.", "Common", order, Width::kMedium, display),
      kOneVersion));
}

void define_plugins(ConfigDef& def) {
  auto converter = [&def](const char* name, const char* what, int order, const char* display) {
    def.define(connector_key(
        name, Type::kClass, std::nullopt, kLow,
        std::string("The converter of ") + what + "; not set: the worker's, with its settings.",
        "Common", order, Width::kShort, display));
  };
  converter("key.converter", "keys", 6, "Key converter class");
  define_version(def, "key.converter.plugin.version", kLow, 7, "Key converter version");
  converter("value.converter", "values", 8, "Value converter class");
  define_version(def, "value.converter.plugin.version", kLow, 9, "Value converter version");
  converter("header.converter", "headers", 10, "Header converter class");
  define_version(def, "header.converter.plugin.version", kLow, 11, "Header converter version");
  ConfigKey transforms =
      connector_key("transforms", Type::kList, "", kLow,
                    "Aliases of the transformations that records pass through, in order.",
                    "Transforms", 12, Width::kLong, "Transforms");
  transforms.validator = check_unique;
  def.define(std::move(transforms));
  ConfigKey predicates = connector_key("predicates", Type::kList, "", kLow,
                                       "Aliases of the predicates that transformations use.",
                                       "Predicates", 13, Width::kLong, "Predicates");
  predicates.validator = check_unique;
  def.define(std::move(predicates));
  ConfigKey reload =
      connector_key("config.action.reload", Type::kString, "restart", kLow,
                    "What happens when a config provider's value changes: none or restart.",
                    "Common", 14, Width::kMedium, "Reload Action");
  reload.allowed = {"none", "restart"};
  def.define(without_effect(std::move(reload),
                            "there are no config providers whose values could change."));
}

void define_errors(ConfigDef& def) {
  auto add = [&def](const char* name, Type type, const char* value, const char* doc, int order,
                    Width width, const char* display) {
    return connector_key(name, type, value, kMedium, doc, "Error Handling", order, width, display);
  };
  def.define(without_effect(add("errors.retry.timeout", Type::kLong, "0",
                                "For how many milliseconds a failed conversion or transformation "
                                "is tried again; 0: not at "
                                "all, -1: for ever.",
                                1, Width::kMedium, "Retry Timeout for Errors"),
                            "no conversion fails at first and succeeds later; what a connector "
                            "asks to be called again for "
                            "is tried until it succeeds, as in Kafka Connect."));
  def.define(add("errors.retry.delay.max.ms", Type::kLong, "60000",
                 "The longest pause in milliseconds between two calls of a connector that asked to "
                 "be called again.",
                 2, Width::kMedium, "Maximum Delay Between Retries for Errors"));
  ConfigKey tolerance = add("errors.tolerance", Type::kString, "none",
                            "none: any error fails the task; all: records with errors are skipped.",
                            3, Width::kShort, "Error Tolerance");
  tolerance.allowed = {"none", "all"};
  def.define(std::move(tolerance));
  def.define(add("errors.log.enable", Type::kBoolean, "false",
                 "Whether tolerated errors are written to the log as well.", 4, Width::kShort,
                 "Log Errors"));
  def.define(
      without_effect(add("errors.log.include.messages", Type::kBoolean, "false",
                         "Whether the record itself is written to the log with its error.", 5,
                         Width::kShort, "Log Error Details"),
                     "the log names topic, partition and offset of a record, never its contents."));
}

// Kafka Connect has them for sinks only.
void define_dead_letters(ConfigDef& def) {
  const std::string dlq = "errors.deadletterqueue.";
  def.define(connector_key(dlq + "topic.name", Type::kString, "", kMedium,
                           "The topic to which records go that errors.tolerance=all skips; empty: "
                           "none.",
                           "Error Handling", 6, Width::kMedium, "Dead Letter Queue Topic Name"));
  def.define(connector_key(dlq + "topic.replication.factor", Type::kShort, "3", kMedium,
                           "The replication factor with which that topic is created.",
                           "Error Handling", 7, Width::kMedium,
                           "Dead Letter Queue Topic Replication Factor"));
  def.define(
      connector_key(dlq + "context.headers.enable", Type::kBoolean, "false", kMedium,
                    "Whether headers __connect.errors.* tell where and why the record failed.",
                    "Error Handling", 8, Width::kMedium, "Enable Error Context Headers"));
}

ConfigDef common_keys() {
  ConfigDef def;
  define_identity(def);
  define_version(def, "connector.plugin.version", kMedium, 3, "Connector version");
  define_plugins(def);
  define_errors(def);
  return def;
}

void define_exactly_once(ConfigDef& def) {
  const char* const group = "Exactly Once Support";
  ConfigKey support =
      connector_key("exactly.once.support", Type::kString, "requested", kMedium,
                    "requested, or required: then a connector that cannot deliver exactly once is "
                    "refused.",
                    group, 2, Width::kShort, "Exactly once support");
  support.allowed = {"requested", "required"};
  support.ignore_case = true;
  def.define(std::move(support));
  ConfigKey boundary =
      connector_key("transaction.boundary", Type::kString, "poll", kMedium,
                    "What becomes one transaction: poll (each batch), interval or connector.",
                    group, 3, Width::kShort, "Transaction Boundary");
  boundary.allowed = {"poll", "connector", "interval"};
  boundary.ignore_case = true;
  def.define(without_effect(std::move(boundary), kOneWrite));
  ConfigKey interval =
      connector_key("transaction.boundary.interval.ms", Type::kLong, std::nullopt, kLow,
                    "The time between commits with transaction.boundary=interval; not set: "
                    "offset.flush.interval.ms.",
                    group, 4, Width::kShort, "Transaction boundary interval");
  interval.min = 0;
  def.define(without_effect(std::move(interval), kOneWrite));
  ConfigKey offsets =
      connector_key("offsets.storage.topic", Type::kString, std::nullopt, kLow,
                    "An offsets topic of the connector's own; not set: the worker's.",
                    "offsets.topic", 1, Width::kLong, "Offsets topic");
  offsets.non_empty = true;
  def.define(without_effect(std::move(offsets),
                            "offsets are kept in the worker's topic, with the records."));
}

}  // namespace

ConfigKey connector_key(std::string name, Type type, std::optional<std::string> value,
                        Importance importance, std::string documentation, std::string group,
                        int order, Width width, std::string display) {
  ConfigKey key;
  key.name = std::move(name);
  key.type = type;
  key.default_value = std::move(value);
  key.importance = importance;
  key.documentation = std::move(documentation);
  key.group = std::move(group);
  key.order = order;
  key.width = width;
  key.display_name = std::move(display);
  return key;
}

const ConfigDef& source_connector_keys() {
  static const ConfigDef def = [] {
    ConfigDef built(common_keys());
    define_dead_letters(built);
    ConfigKey groups =
        connector_key("topic.creation.groups", Type::kList, "", kLow,
                      "The groups of topics that the source creates with settings of their own.",
                      "Topic Creation", 1, Width::kLong, "Topic Creation Groups");
    groups.validator = check_unique;
    built.define(std::move(groups));
    define_exactly_once(built);
    return built;
  }();
  return def;
}

const ConfigDef& sink_connector_keys() {
  static const ConfigDef def = [] {
    ConfigDef built(common_keys());
    built.define(connector_key("topics", Type::kList, "", kHigh,
                               "The topics to read, separated by commas.", "Common", 4,
                               Width::kLong, "Topics"));
    ConfigKey regex = connector_key(
        "topics.regex", Type::kString, "", kHigh,
        "A regular expression (as java.util.regex.Pattern) that the names of the topics "
        "to read match as a whole. Either topics or topics.regex.",
        "Common", 4, Width::kLong, "Topics regex");
    regex.validator = check_regex;
    built.define(std::move(regex));
    define_dead_letters(built);
    return built;
  }();
  return def;
}

ConfigDef topic_creation_group_keys(const std::string& group, const std::string& replication_factor,
                                    const std::string& partitions) {
  ConfigDef def;
  const bool is_default = group == "default";
  auto list = [&](const char* name, const char* value, const char* doc, int order,
                  const char* what) {
    ConfigKey key = connector_key(name, Type::kList, value, kLow, doc, group, order, Width::kLong,
                                  std::string(what) + " Topic Pattern for " + group);
    if (!is_default) key.validator = check_regex_list;
    def.define(std::move(key));
  };
  list("include", is_default ? ".*" : "",
       "Regular expressions of the names of the topics in this group.", 1, "Inclusion");
  list("exclude", "",
       "Regular expressions of the names of topics that are not in this group, whatever include "
       "says.",
       2, "Exclusion");
  auto number = [&](const char* name, Type type, const std::string& value, const char* doc,
                    int order, const char* what) {
    ConfigKey key = connector_key(name, type, std::nullopt, kLow, doc, group, order, Width::kLong,
                                  std::string(what) + " for Topics in " + group);
    key.required = is_default;
    if (!value.empty()) key.default_value = value;
    key.validator = type == Type::kShort ? check_replication : check_partitions;
    def.define(std::move(key));
  };
  number("replication.factor", Type::kShort, replication_factor,
         "The replication factor of new topics; -1: the broker's default. One node clamps it to 1.",
         3, "Replication Factor");
  number("partitions", Type::kInt, partitions,
         "The number of partitions of new topics; -1: the broker's default.", 4, "Partition Count");
  return def;
}

const ConfigDef& topic_creation_default_keys() {
  static const ConfigDef def(topic_creation_group_keys("default", "", ""));
  return def;
}

}  // namespace sluice::config
