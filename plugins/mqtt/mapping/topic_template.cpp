// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/mapping/topic_template.hpp"

namespace sluice::mqtt_plugin {

sdk::Result<TopicTemplate> TopicTemplate::parse(std::string_view text) {
  TopicTemplate made;
  made.text_ = text;
  if (text.empty()) return sdk::Error::config("a topic template must not be empty");
  for (size_t at = 0; at < text.size();) {
    const size_t begin = text.find("${", at);
    if (begin != at) {
      const size_t end = begin == std::string_view::npos ? text.size() : begin;
      made.parts_.push_back({false, std::string(text.substr(at, end - at))});
      at = end;
      continue;
    }
    const size_t end = text.find('}', begin);
    if (end == std::string_view::npos || end == begin + 2) {
      return sdk::Error::config("'" + std::string(text) +
                                "' is no topic template: a variable is ${name}");
    }
    made.parts_.push_back({true, std::string(text.substr(begin + 2, end - begin - 2))});
    at = end + 1;
  }
  return made;
}

}  // namespace sluice::mqtt_plugin
