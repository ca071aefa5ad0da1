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

// Kafka Connect's errors.*; retry times of zero and less mean as there: 0 = no retries, -1 = for
// ever.
struct ErrorSettings {
  bool tolerate_all = false;            // errors.tolerance
  bool log = false;                     // errors.log.enable
  bool log_messages = false;            // errors.log.include.messages
  int64_t retry_timeout_ms = 0;         // errors.retry.timeout
  int64_t retry_delay_max_ms = 60'000;  // errors.retry.delay.max.ms
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
  bool blocking = false;  // the class has a thread of its own
  int64_t offset_flush_interval_ms = 60'000;
  uint32_t batch_records_max = 4096;  // of one poll or put
  uint64_t batch_bytes_max = 1u << 20;
};

struct SourceSettings : CommonSettings {
  std::vector<TopicCreationGroup> topic_creation;  // empty: topics are made with the log's defaults
  bool create_topics = true;                       // topic.creation.enable
  uint64_t in_flight_bytes_max = 16u << 20;
  uint64_t max_message_bytes = 1048588;  // largest batch handed to the log
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
