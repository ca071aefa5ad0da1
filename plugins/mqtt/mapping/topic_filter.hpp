// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sluice::mqtt_plugin {

// What MQTT allows as a topic name or filter, in bytes.
inline constexpr size_t kMaxTopicBytes = 65535;

// Empty: a message may be published to `topic`. Else what is wrong with it.
std::string_view why_no_topic_name(std::string_view topic);

// An MQTT topic filter: + stands for one level, # at the end for any number of them, and for the
// level above it. Topics that begin with $ are matched by filters that begin with the same level
// only. Immutable.
class TopicFilter {
 public:
  // $share/<group>/ at the start is no part of the filter.
  static sdk::Result<TopicFilter> parse(std::string_view text);

  // `captures`: what each wildcard stands for, in their order; views of `topic`. Left alone when it
  // does not match.
  bool matches(std::string_view topic, std::vector<std::string_view>* captures = nullptr) const;
  size_t wildcards() const { return wildcards_; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;  // without $share
  size_t wildcards_ = 0;
};

}  // namespace sluice::mqtt_plugin
