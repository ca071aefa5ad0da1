// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker-core/base/result.hpp"
#include "runtime/config/config_def.hpp"

// The worker's own configuration: Kafka Connect's names (WorkerConfig, StandaloneConfig,
// DistributedConfig, RestServerConfig of Kafka 4.1) and a few keys of ours.
namespace sluice::config {

struct Listener {
  std::string host;   // as given; empty = all interfaces
  uint16_t port = 0;  // 0: the system chooses
  bool loopback = false;
};

struct ConverterChoice {
  std::string class_name;
  ConfigMap config;  // without prefix
};

struct InternalTopic {
  std::string name;
  int32_t partitions = 1;
  int16_t replication_factor = 1;
  ConfigMap configs;  // {config,offset,status}.storage.<topic config>
};

struct WorkerConfig {
  ConfigMap original;  // as given
  ConfigMap values;    // of the known keys: parsed, defaults filled in
  std::string data_dir;
  std::vector<std::string> plugin_path;  // empty: the plugins beside the binary
  std::vector<Listener> listeners;
  std::vector<std::string> file_roots;  // file.allowed.roots
  ConverterChoice key_converter, value_converter, header_converter;
  int64_t offset_flush_interval_ms = 0;
  int64_t task_shutdown_timeout_ms = 0;
  int64_t commit_log_file_bytes = 0;  // of the embedded log, as all to the next gap
  int64_t commit_log_checkpoint_bytes = 0;
  int64_t commit_log_write_through_bytes = 0;
  int64_t checkpoint_interval_ms = 0;
  int64_t retention_check_interval_ms = 0;
  int64_t metadata_snapshot_bytes = 0;

  bool topic_creation = true;
  bool topic_tracking = true;
  bool topic_tracking_reset = true;
  std::string group_id;
  InternalTopic config_topic, offset_topic, status_topic;
  std::string advertised_host;   // empty: the first listener's
  uint16_t advertised_port = 0;  // 0: the first listener's
  std::string cors_origin, cors_methods;
  std::string response_headers;       // response.http.headers.config
  std::string log_level;              // TRACE .. ERROR
  std::vector<std::string> warnings;  // to be logged once: unknown keys, keys without effect
};

const ConfigDef& worker_config_def();

// All problems are reported together: the message has one line for each. `start_directory` is the
// default of file.allowed.roots and what relative paths of it start at.
Result<WorkerConfig> parse_worker_config(const ConfigMap& properties,
                                         const std::string& start_directory);
// The same from a properties file.
Result<WorkerConfig> load_worker_config(const std::string& path,
                                        const std::string& start_directory);

// "http://host:port"; kInvalid says what is wrong with it.
Result<Listener> parse_listener(const std::string& text);

}  // namespace sluice::config
