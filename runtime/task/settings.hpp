// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker-core/base/result.hpp"
#include "runtime/config/config_def.hpp"

namespace sluice::task {

struct TaskId {
  std::string connector;
  int task = 0;
  friend auto operator<=>(const TaskId&, const TaskId&) = default;
  std::string to_string() const { return connector + "-" + std::to_string(task); }
};

// Kafka Connect's errors.*.
struct ErrorSettings {
  bool tolerate_all = false;            // errors.tolerance
  bool log = false;                     // errors.log.enable
  bool log_messages = false;            // errors.log.include.messages
  int64_t retry_delay_max_ms = 60'000;  // errors.retry.delay.max.ms
  // errors.deadletterqueue.*; for sources as well
  std::string dead_letter_topic;               // topic.name; empty: none
  int16_t dead_letter_replication_factor = 3;  // topic.replication.factor
  bool dead_letter_context = false;            // context.headers.enable
};

// Full names of the classes at work, for people.
struct ClassNames {
  std::string connector, key_converter, value_converter, header_converter;
};

// topic.creation.<group>.*; the group "default" has no patterns and comes last.
struct TopicCreationGroup {
  std::string name;
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  int32_t partitions = -1;
  int16_t replication_factor = -1;
  std::map<std::string, std::string> configs;
};

struct CommonSettings {
  TaskId id;
  std::map<std::string, std::string> facts;  // answers of InstanceServices::setting
  ErrorSettings errors;
  ClassNames classes;
  bool blocking = false;  // the class has a thread of its own
  int64_t offset_flush_interval_ms = 60'000;
  uint32_t batch_records_max = 4096;  // of one poll or put
  uint64_t batch_bytes_max = 1u << 20;
};

struct SourceSettings : CommonSettings {
  std::vector<TopicCreationGroup> topic_creation;  // empty: topics are made with the log's defaults
  bool create_topics = true;                       // topic.creation.enable
  uint64_t in_flight_bytes_max = 16u << 20;
};

struct SinkSettings : CommonSettings {
  std::string group;  // connect-<name>
  std::vector<std::string> topics;
  std::string topics_regex;
  bool from_latest = false;  // consumer.override.auto.offset.reset
};

// From the task's config and the worker's properties (both as written, defaults not needed).
// kInvalid names the key.
Result<SourceSettings> source_settings(const TaskId& id, const config::ConfigMap& task,
                                       const config::ConfigMap& worker);
Result<SinkSettings> sink_settings(const TaskId& id, const config::ConfigMap& task,
                                   const config::ConfigMap& worker);

}  // namespace sluice::task
