// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/config/config_def.hpp"

// The keys that Kafka Connect itself gives every connector (ConnectorConfig, SourceConnectorConfig,
// SinkConnectorConfig, TopicCreationConfig of Kafka 4.1): groups, orders, widths, display names and
// errors as there.
namespace sluice::config {

// What is known of the classes that a connector config may name. An empty function knows none.
struct KnownClasses {
  // The keys of a transformation or predicate class, nullptr if there is none.
  std::function<const ConfigDef*(const std::string& class_name)> transformation;
  std::function<const ConfigDef*(const std::string& class_name)> predicate;
  // Whether there is such a converter. Not set: not checked.
  std::function<bool(const std::string& class_name)> converter;
  std::function<bool(const std::string& class_name)> header_converter;
};

// The definition for one config: with the keys of its transforms, predicates and topic creation
// groups.
ConfigDef source_connector_def(const ConfigMap& config, const KnownClasses& known,
                               bool topic_creation = true);
ConfigDef sink_connector_def(const ConfigMap& config, const KnownClasses& known);

// Adds to `values` (the validation of the same config) what Kafka checks of a sink over several
// keys: topics xor topics.regex, and a dead letter topic that is none of the sink's own.
void validate_sink_topics(const ConfigMap& config, std::vector<ConfigValue>& values);
// The same for `negate` without `predicate` and for unknown predicates of transforms.
void validate_transforms(const ConfigMap& config, std::vector<ConfigValue>& values);

// The names of the topics of a sink; empty if it has a regular expression.
std::vector<std::string> sink_topics(const ConfigMap& config);

// Keys that belong to the framework without being in a definition: producer.override.*,
// key.converter.* and so on.
bool is_free_framework_key(const std::string& name);
// The entries of `config` that begin with `prefix`, without it.
ConfigMap with_prefix(const ConfigMap& config, const std::string& prefix);

// Sentences for keys that neither definition knows, with the nearest that one of them does, and for
// those that are accepted without effect.
std::vector<std::string> key_warnings(const ConfigMap& config, const ConfigDef& framework,
                                      const ConfigDef& connector);

}  // namespace sluice::config
