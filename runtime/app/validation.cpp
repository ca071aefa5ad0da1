// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/validation.hpp"

#include <algorithm>

#include "broker-core/metadata/topic_name.hpp"
#include "runtime/config/connector_config.hpp"
#include "runtime/config/java_format.hpp"
#include "runtime/herder/restart_policy.hpp"
#include "runtime/record/converter.hpp"

namespace sluice::app {
namespace {

config::KnownClasses known_classes() {
  config::KnownClasses known;
  // Transformations and predicates are not there yet: naming one is an error of the config.
  known.converter = [](const std::string& name) {
    return record::converter_config(name) != nullptr;
  };
  known.header_converter = known.converter;
  return known;
}

config::ConfigDef framework(plugin::Kind kind, const config::ConfigMap& config,
                            bool topic_creation) {
  auto def = kind == plugin::Kind::kSink
                 ? config::sink_connector_def(config, known_classes())
                 : config::source_connector_def(config, known_classes(), topic_creation);
  for (auto& key : herder::restart_keys()) def.define(std::move(key));
  return def;
}

// Kafka Connect finds out when the task starts. A topic of the worker's own would be destroyed.
void check_dead_letter_topic(const config::ConfigMap& config, const std::vector<std::string>& own,
                             std::vector<config::ConfigValue>& values) {
  const std::string key = "errors.deadletterqueue.topic.name";
  auto value = std::ranges::find_if(values, [&](const auto& one) { return one.name == key; });
  auto given = config.find(key);
  if (given == config.end() || value == values.end()) return;
  const std::string topic(config::trim(given->second));
  if (topic.empty()) return;
  std::string why;
  if (auto legal = metadata::validate_topic_name(topic); !legal.ok()) why = legal.error().message;
  if (metadata::is_internal_topic(topic) || std::ranges::find(own, topic) != own.end())
    why = "it is a topic of the worker's own; name another one";
  if (!why.empty()) value->errors.push_back(config::invalid_value(key, topic, why));
}

}  // namespace

herder::ValidatorParts validator_parts(plugin::Registry& registry, plugin::ControlLanes& lanes,
                                       const config::WorkerConfig& worker) {
  herder::ValidatorParts parts{registry, {}, {}, {}, {}};
  parts.lane = [&lanes](const std::string& lane, const std::string& subject,
                        const std::string& what, std::chrono::milliseconds timeout,
                        std::function<void()> work) {
    return lanes.run(lane, subject, what, timeout, std::move(work));
  };
  parts.framework = [topic_creation = worker.topic_creation](plugin::Kind kind,
                                                             const config::ConfigMap& config) {
    return framework(kind, config, topic_creation);
  };
  parts.converter = built_in_config;
  parts.cross_checks = [own = std::vector{worker.config_topic.name, worker.offset_topic.name,
                                          worker.status_topic.name}](
                           plugin::Kind kind, const config::ConfigMap& config,
                           std::vector<config::ConfigValue>& values) {
    if (kind == plugin::Kind::kSink) config::validate_sink_topics(config, values);
    check_dead_letter_topic(config, own, values);
    config::validate_transforms(config, values);
  };
  return parts;
}

Status check_converters(const config::WorkerConfig& worker) {
  auto refused = [](const char* key, const config::ConverterChoice& choice, const Error& error) {
    return Error{ErrorKind::kInvalid, "worker configuration: Invalid value " + choice.class_name +
                                          " for configuration " + key + ": " + error.message};
  };
  const auto& key = worker.key_converter;
  if (auto made = record::make_converter(key.class_name, key.config, true); !made.ok())
    return refused("key.converter", key, made.error());
  const auto& value = worker.value_converter;
  if (auto made = record::make_converter(value.class_name, value.config, false); !made.ok())
    return refused("value.converter", value, made.error());
  const auto& header = worker.header_converter;
  if (auto made = record::make_header_converter(header.class_name, header.config); !made.ok())
    return refused("header.converter", header, made.error());
  return ok();
}

const config::ConfigDef* built_in_config(const std::string& name) {
  return record::converter_config(name);
}

std::vector<plugin::ClassPtr> built_in_classes() {
  std::vector<plugin::ClassPtr> classes;
  for (const auto& name : record::converter_classes(true)) {
    auto cls = std::make_shared<plugin::ClassInfo>();
    cls->name = name;
    cls->kind = name.ends_with("HeaderConverter") ? plugin::Kind::kHeaderConverter
                                                  : plugin::Kind::kConverter;
    cls->version = SLUICE_VERSION;
    if (const auto* def = record::converter_config(name)) cls->config = *def;
    classes.push_back(std::move(cls));
  }
  return classes;
}

}  // namespace sluice::app
