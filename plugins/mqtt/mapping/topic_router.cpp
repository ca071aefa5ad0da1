// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/mapping/topic_router.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>

#include <sluice/sdk/config.hpp>

namespace sluice::mqtt_plugin {

using sdk::Error;
using sdk::Result;
using sdk::Status;

namespace {

std::optional<size_t> number(std::string_view text) {
  size_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Route refused(std::string text) {
  Route route;
  route.error = std::move(text);
  return route;
}

// FNV-1a: the name must be the same in every build, so no std::hash.
uint64_t stable_hash(std::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;
  return hash;
}

}  // namespace

bool legal_in_topic(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

Status RouterOptions::check_variables(const TopicTemplate& text, size_t wildcards) {
  for (const TopicTemplate::Part& part : text.parts()) {
    if (!part.variable || part.text == "topic") continue;
    const auto index = number(part.text);
    if (index && *index >= 1 && *index <= wildcards) continue;
    return Error::config("'" + text.text() + "' has the variable ${" + part.text +
                         "}; there are ${topic}" +
                         (wildcards == 0 ? std::string()
                                         : " and ${1} to ${" + std::to_string(wildcards) +
                                               "}, what the wildcards of the filter stand for"));
  }
  return sdk::ok();
}

Result<RouterOptions::Rule> RouterOptions::parse_rule(std::string_view text) {
  const size_t arrow = text.find("->");
  if (arrow == std::string_view::npos) {
    return Error::config("'" + std::string(text) +
                         "' is no rule: write <MQTT filter> -> <Kafka topic>");
  }
  SLUICE_SDK_ASSIGN(TopicFilter filter,
                    TopicFilter::parse(sdk::detail::trim(text.substr(0, arrow))));
  SLUICE_SDK_ASSIGN(TopicTemplate topic,
                    TopicTemplate::parse(sdk::detail::trim(text.substr(arrow + 2))));
  SLUICE_SDK_TRY(check_variables(topic, filter.wildcards()));
  return Rule{std::move(filter), std::move(topic)};
}

const Route& TopicRouter::route(std::string_view mqtt_topic) {
  if (const auto found = young_.find(mqtt_topic); found != young_.end()) return found->second;
  Route route;
  if (const auto found = old_.find(mqtt_topic); found != old_.end()) {
    route = std::move(found->second);
    old_.erase(found);
  } else {
    const size_t known = topics_.size();
    route = resolve(mqtt_topic);
    if (route.kind == Route::Kind::kError && known >= options_.max_topics) {
      unkept_ = std::move(route);
      return unkept_;
    }
  }
  if (young_.size() >= options_.cached) {
    old_ = std::move(young_);
    young_ = Cache();
  }
  return young_.emplace(std::string(mqtt_topic), std::move(route)).first->second;
}

void TopicRouter::append_part(const TopicTemplate::Part& part, std::string_view mqtt_topic,
                              std::string& name) const {
  if (!part.variable) {
    name += part.text;
    return;
  }
  std::string_view what =
      part.text == "topic" ? mqtt_topic : captures_[number(part.text).value() - 1];
  if (options_.skip_first_slash && what.starts_with('/')) what.remove_prefix(1);
  for (const char c : what) {
    if (c == '/') {
      name += options_.separator;
    } else {
      name += c;
    }
  }
}

Route TopicRouter::resolve(std::string_view mqtt_topic) {
  captures_.clear();
  const TopicTemplate* chosen = &options_.otherwise;
  for (const RouterOptions::Rule& rule : options_.rules) {
    if (!rule.filter.matches(mqtt_topic, &captures_)) continue;
    chosen = &rule.topic;
    break;
  }
  std::string name;
  for (const TopicTemplate::Part& part : chosen->parts()) append_part(part, mqtt_topic, name);

  const auto apply = [&](TopicPolicy policy, std::string_view why) -> std::optional<Route> {
    if (policy == TopicPolicy::kReplace) return std::nullopt;
    Route route;
    route.kind = policy == TopicPolicy::kDrop ? Route::Kind::kDrop : Route::Kind::kError;
    route.error = "no Kafka topic can be made of the MQTT topic '" + std::string(mqtt_topic) +
                  "': '" + name + "' " + std::string(why);
    return route;
  };
  if (!std::all_of(name.begin(), name.end(), legal_in_topic)) {
    if (auto done =
            apply(options_.illegal,
                  "has other characters than letters, digits, '.', '_' and '-' (topic.illegal)")) {
      return *std::move(done);
    }
    std::replace_if(name.begin(), name.end(), [](char c) { return !legal_in_topic(c); }, '_');
  }
  // What no template makes of a usual topic, but a topic such as "." or an empty capture.
  if (name.empty() || name == "." || name == "..") {
    if (auto done = apply(options_.illegal, "is no name of a topic (topic.illegal)"))
      return *std::move(done);
    name = name.empty() ? "_" : std::string(name.size(), '_');
  }
  if (name.size() > kMaxKafkaTopic) {
    if (auto done = apply(options_.too_long, "is longer than 249 characters (topic.too.long)")) {
      return *std::move(done);
    }
    char hash[18];
    std::snprintf(hash, sizeof(hash), "-%016llx",
                  static_cast<unsigned long long>(stable_hash(name)));
    name.resize(kMaxKafkaTopic - 17);
    name += hash;
  }
  return number_of(std::move(name));
}

Route TopicRouter::number_of(std::string name) {
  Route route;
  const auto known = numbers_.find(name);
  if (known == numbers_.end() && topics_.size() >= options_.max_topics) {
    return refused("the Kafka topic '" + name + "' would be number " +
                   std::to_string(topics_.size() + 1) + " of this task, and topic.max allows " +
                   std::to_string(options_.max_topics) +
                   ": give fewer topics by rules (topic.rules), or raise topic.max");
  }
  route.kind = Route::Kind::kTopic;
  if (known != numbers_.end()) {
    route.topic = known->second;
    return route;
  }
  route.topic = static_cast<uint32_t>(topics_.size());
  numbers_.emplace(name, route.topic);
  topics_.push_back(std::move(name));
  return route;
}

}  // namespace sluice::mqtt_plugin
