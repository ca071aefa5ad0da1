// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "runtime/config/java_regex.hpp"
#include "runtime/log/log.hpp"
#include "runtime/task/settings.hpp"

namespace sluice::task {

inline constexpr uint64_t kMaxMessageBytes = 1048588;  // Kafka's default of max.message.bytes

struct KnownTopic {
  int32_t partitions = 1;
  uint64_t max_message_bytes = kMaxMessageBytes;
  bool created = false;
};

// The topic of that name, made as `spec` says if there is none.
Result<KnownTopic> find_or_create_topic(log::Log& log, const log::TopicSpec& spec);

// Finds the topics that a source writes to and makes those that are not there, by the connector's
// topic.creation.* (KIP-158). Owned by one source task, used by its thread; calls into the log's
// metadata, so not on the record path.
class TopicCreation {
 public:
  // kInvalid: a pattern that is no regular expression.
  static Result<TopicCreation> make(const SourceSettings& settings);
  Result<KnownTopic> find_or_create(log::Log& log, const std::string& topic) const;

 private:
  struct Group {
    TopicCreationGroup settings;
    std::vector<config::JavaRegex> include, exclude;
  };
  Result<log::TopicSpec> spec_of(const std::string& topic) const;
  std::vector<Group> groups_;
  bool configured_ = false;
};

}  // namespace sluice::task
