// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "plugins/mqtt/mapping/topic_filter.hpp"
#include "plugins/mqtt/mapping/topic_template.hpp"

namespace sluice::mqtt_plugin {

// What happens to an MQTT topic of which no Kafka topic can be made.
enum class TopicPolicy : uint8_t {
  kReplace,  // illegal characters become _; a long name is cut and gets a hash of the whole
  kFail,     // the message is a bad record
  kDrop,     // the message is left out and counted
};

// The most characters that Kafka takes in the name of a topic.
inline constexpr size_t kMaxKafkaTopic = 249;
// Whether Kafka takes the character in the name of a topic.
bool legal_in_topic(char c);

struct RouterOptions {
  struct Rule {
    TopicFilter filter;
    TopicTemplate topic;
  };
  std::vector<Rule> rules;  // the first that matches decides
  TopicTemplate otherwise;
  std::string separator = ".";    // in place of the slashes of what a variable stands for
  bool skip_first_slash = false;  // of what a variable stands for
  TopicPolicy illegal = TopicPolicy::kReplace;
  TopicPolicy too_long = TopicPolicy::kReplace;
  size_t max_topics = 100;
  size_t cached = 1u << 16;  // MQTT topics; twice as many may be held

  // A rule is written as `factory/+/+/temp -> iot.${1}.${2}`.
  static sdk::Result<Rule> parse_rule(std::string_view text);
  // Whether the variables of a template are ${topic} and ${1} ... ${wildcards}.
  static sdk::Status check_variables(const TopicTemplate& text, size_t wildcards);
};

struct Route {
  enum class Kind : uint8_t { kTopic, kDrop, kError };
  Kind kind = Kind::kError;
  uint32_t topic = 0;  // index in TopicRouter::topics()
  std::string error;
};

// MQTT topic -> Kafka topic. Looks up what it has seen before: a hundred thousand MQTT topics cost
// one search in a hash table each. Owned by the task, used by its calls only.
class TopicRouter {
 public:
  explicit TopicRouter(RouterOptions options) : options_(std::move(options)) {}

  // Valid until the next call.
  const Route& route(std::string_view mqtt_topic);
  const std::vector<std::string>& topics() const { return topics_; }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Cache = std::unordered_map<std::string, Route, Hash, std::equal_to<>>;

  Route resolve(std::string_view mqtt_topic);
  void append_part(const TopicTemplate::Part& part, std::string_view mqtt_topic,
                   std::string& name) const;
  Route number_of(std::string name);

  RouterOptions options_;
  std::vector<std::string> topics_;
  std::unordered_map<std::string, uint32_t> numbers_;
  // Two generations bound the memory: when the young one is full it becomes the old one, and what
  // is asked for again moves back.
  Cache young_;
  Cache old_;
  Route unkept_;  // refusals of the cap are not remembered
  std::vector<std::string_view> captures_;
};

}  // namespace sluice::mqtt_plugin
