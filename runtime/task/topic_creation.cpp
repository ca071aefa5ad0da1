// SPDX-License-Identifier: Apache-2.0
#include "runtime/task/topic_creation.hpp"

#include <charconv>

namespace sluice::task {
namespace {

using config::JavaRegex;

Result<std::vector<JavaRegex>> compile(const std::vector<std::string>& patterns,
                                       const std::string& key) {
  std::vector<JavaRegex> result;
  for (const std::string& pattern : patterns) {
    auto regex = JavaRegex::compile(pattern);
    if (!regex.ok())
      return Error{ErrorKind::kInvalid, "Invalid value " + pattern + " for configuration " + key +
                                            ": " + regex.error().message};
    result.push_back(std::move(*regex));
  }
  return result;
}

Result<bool> matches_any(const std::string& topic, const std::vector<JavaRegex>& patterns) {
  for (const JavaRegex& pattern : patterns) {
    SLUICE_ASSIGN(const bool matches, pattern.matches(topic));
    if (matches) return true;
  }
  return false;
}

uint64_t max_message_bytes(const log::TopicInfo& topic) {
  auto found = topic.configs.find("max.message.bytes");
  if (found == topic.configs.end()) return kMaxMessageBytes;
  uint64_t value = kMaxMessageBytes;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
  return value;
}

}  // namespace

Result<TopicCreation> TopicCreation::make(const SourceSettings& settings) {
  TopicCreation creation;
  creation.configured_ = settings.create_topics && !settings.topic_creation.empty();
  if (!creation.configured_) return creation;
  for (const TopicCreationGroup& group : settings.topic_creation) {
    const std::string prefix = "topic.creation." + group.name;
    SLUICE_ASSIGN(auto include, compile(group.include, prefix + ".include"));
    SLUICE_ASSIGN(auto exclude, compile(group.exclude, prefix + ".exclude"));
    creation.groups_.push_back({group, std::move(include), std::move(exclude)});
  }
  return creation;
}

Result<log::TopicSpec> TopicCreation::spec_of(const std::string& topic) const {
  log::TopicSpec spec;
  spec.name = topic;
  for (const Group& group : groups_) {
    if (group.settings.name != "default") {
      SLUICE_ASSIGN(const bool included, matches_any(topic, group.include));
      if (!included) continue;
      SLUICE_ASSIGN(const bool excluded, matches_any(topic, group.exclude));
      if (excluded) continue;
    }
    spec.partitions = group.settings.partitions;
    spec.replication_factor = group.settings.replication_factor;
    spec.configs = group.settings.configs;
    break;
  }
  return spec;
}

Result<KnownTopic> TopicCreation::find_or_create(log::Log& log, const std::string& topic) const {
  SLUICE_ASSIGN(auto spec, spec_of(topic));
  return find_or_create_topic(log, spec);
}

Result<KnownTopic> find_or_create_topic(log::Log& log, const log::TopicSpec& spec) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    SLUICE_ASSIGN(auto found, log.topics(spec.name));
    if (!found.empty()) return KnownTopic{found[0].partitions, max_message_bytes(found[0]), false};
    auto created = log.create_topic(spec);
    if (created.ok()) return KnownTopic{created->partitions, max_message_bytes(*created), true};
    if (created.error().kind != ErrorKind::kConflict)
      return created.error().with("creating topic " + spec.name);
    // Another task was faster: look again.
  }
  return Error{ErrorKind::kRetriable,
               "topic " + spec.name + " is being created or deleted by somebody else"};
}

}  // namespace sluice::task
