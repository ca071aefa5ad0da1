// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/mapping/topic_filter.hpp"

namespace sluice::mqtt_plugin {

using sdk::Error;
using sdk::Result;

namespace {

// The level that begins at `at`.
std::string_view level_at(std::string_view text, size_t at) {
  const size_t slash = text.find('/', at);
  return text.substr(at, slash == std::string_view::npos ? slash : slash - at);
}

Error invalid(std::string_view text, std::string_view why) {
  return Error::config("'" + std::string(text) + "' is no MQTT topic filter: " + std::string(why));
}

}  // namespace

std::string_view why_no_topic_name(std::string_view topic) {
  if (topic.empty()) return "it is empty";
  if (topic.size() > kMaxTopicBytes) return "it is longer than 65535 bytes";
  if (topic.find_first_of("+#") != std::string_view::npos) return "it has a wildcard, + or #";
  if (topic.find('\0') != std::string_view::npos) return "it has a zero byte";
  return {};
}

Result<TopicFilter> TopicFilter::parse(std::string_view text) {
  constexpr std::string_view kShare = "$share/";
  std::string_view filter = text;
  if (filter.starts_with(kShare)) {
    filter.remove_prefix(kShare.size());
    const std::string_view group = level_at(filter, 0);
    if (group.empty() || group.size() == filter.size() ||
        group.find_first_of("+#") != std::string_view::npos) {
      return invalid(text, "a shared subscription is $share/<group>/<filter>");
    }
    filter.remove_prefix(group.size() + 1);
  }
  if (filter.empty()) return invalid(text, "it is empty");
  if (filter.size() > kMaxTopicBytes) return invalid(text, "it is longer than 65535 bytes");
  if (filter.find('\0') != std::string_view::npos) return invalid(text, "it has a zero byte");
  TopicFilter made;
  made.text_ = filter;
  for (size_t at = 0; at <= filter.size();) {
    const std::string_view level = level_at(filter, at);
    at += level.size() + 1;
    if (level == "#" && at <= filter.size())
      return invalid(text, "# is allowed as its last level only");
    if (level == "#" || level == "+") {
      ++made.wildcards_;
    } else if (level.find_first_of("+#") != std::string_view::npos) {
      return invalid(text, "+ and # stand for whole levels");
    }
  }
  return made;
}

bool TopicFilter::matches(std::string_view topic, std::vector<std::string_view>* captures) const {
  const std::string_view filter = text_;
  if (topic.starts_with('$') && (filter[0] == '+' || filter[0] == '#')) return false;
  const size_t before = captures == nullptr ? 0 : captures->size();
  const auto capture = [&](std::string_view what) {
    if (captures != nullptr) captures->push_back(what);
  };
  size_t at = 0;
  for (size_t in_filter = 0;;) {
    const std::string_view wanted = level_at(filter, in_filter);
    if (wanted == "#") {
      // Also the level above: then the topic has ended.
      capture(at > topic.size() ? std::string_view() : topic.substr(at));
      return true;
    }
    if (at > topic.size()) break;
    const std::string_view level = level_at(topic, at);
    if (wanted == "+") {
      capture(level);
    } else if (wanted != level) {
      break;
    }
    at += level.size() + 1;
    in_filter += wanted.size() + 1;
    if (in_filter > filter.size()) {
      if (at > topic.size()) return true;
      break;
    }
  }
  if (captures != nullptr) captures->resize(before);
  return false;
}

}  // namespace sluice::mqtt_plugin
