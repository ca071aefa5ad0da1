// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/compat/compat_options.hpp"

#include <algorithm>

#include "plugins/mqtt/mapping/config_error.hpp"

namespace sluice::mqtt_plugin {

using sdk::Result;

namespace {

constexpr size_t kMaxKafkaTopic = 249;

}  // namespace

Result<std::vector<std::string>> check_filters(std::string_view key,
                                               const std::vector<std::string>& texts) {
  std::vector<std::string> filters;
  for (const std::string& text : texts) {
    if (auto filter = TopicFilter::parse(text); !filter.ok())
      return filter.error().with(invalid_text(key, text));
    if (std::find(filters.begin(), filters.end(), text) == filters.end()) filters.push_back(text);
  }
  if (filters.empty()) return invalid(key, "", "name at least one topic filter");
  return filters;
}

Result<TopicTemplate> literal_topic(std::string_view key, const std::string& name) {
  const bool legal = !name.empty() && name.size() <= kMaxKafkaTopic && name != "." &&
                     name != ".." && std::all_of(name.begin(), name.end(), legal_in_topic);
  if (!legal) {
    return invalid(key, name,
                   "a Kafka topic has letters, digits, '.', '_' and '-', at most 249 of them");
  }
  return TopicTemplate::parse(name);
}

}  // namespace sluice::mqtt_plugin
