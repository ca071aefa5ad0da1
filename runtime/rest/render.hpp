// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "runtime/herder/herder.hpp"

// The herder's answers as Kafka Connect's JSON: names, order of fields, what is left out when
// empty.
namespace sluice::rest {

std::string render(const herder::ConnectorInfo& info);
std::string render(const herder::ConnectorStatus& status);
std::string render(const herder::TaskStateEntry& task);
std::string render(const std::vector<herder::TaskInfo>& tasks);
std::string render(const std::vector<herder::ConnectorOffset>& offsets);
std::string render(const std::vector<plugin::ClassPtr>& classes);
std::string render(const std::vector<config::ConfigKey>& keys);
std::string render(const herder::ConfigInfos& infos);
std::string render(const herder::CheckResult& result);
std::string render_names(const std::vector<std::string>& names);
std::string render_config(const config::ConfigMap& config);
std::string render_topics(const std::string& connector, const std::vector<std::string>& topics);
std::string render_health(herder::Health health, const std::string& message);
std::string render_root(const std::string& version, const std::string& commit,
                        const std::string& cluster_id);

// What GET /connectors?expand=... knows of one connector; parts that were not asked for are null.
struct Expansion {
  std::string name;
  const herder::ConnectorStatus* status = nullptr;
  const herder::ConnectorInfo* info = nullptr;
};
std::string render(const std::vector<Expansion>& expansions);

}  // namespace sluice::rest
