// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker-core/base/clock.hpp"
#include "broker-core/base/result.hpp"
#include "runtime/config/config_def.hpp"
#include "runtime/log/log.hpp"

// What every store of the worker is given. The topic is made when it is not there
// (cleanup.policy=compact).
namespace sluice::store {

struct TopicSettings {
  std::string topic;
  int32_t partitions = 1;
  int16_t replication_factor = -1;
  std::map<std::string, std::string> configs;  // {config,offset,status}.storage.<topic config>
};
inline TopicSettings config_topic() {
  return {"connect-configs", 1, -1, {}};
}
inline TopicSettings offset_topic() {
  return {"connect-offsets", 25, -1, {}};
}
inline TopicSettings status_topic() {
  return {"connect-status", 5, -1, {}};
}

// Where warnings go (a record that cannot be read, a write that is tried again); empty: the logger
// "store".
using Warn = std::function<void(const std::string&)>;

// Called once when the write is durable, or with the error; from a thread of the log. Must not
// block.
using Done = std::function<void(Status)>;

enum class TargetState { kStarted, kPaused, kStopped };
const char* to_string(TargetState state);  // STARTED, PAUSED, STOPPED

// One connector as the config topic has it.
struct ConnectorEntry {
  config::ConfigMap config;
  TargetState target_state = TargetState::kStarted;
  std::vector<config::ConfigMap> tasks;  // by task number, as last committed
  // A commit record named tasks whose configs are not there (compacted away, or an old writer died
  // half way): the herder has to make the task configs anew. `tasks` is empty then.
  bool inconsistent = false;
};

// What to write about one connector: only the parts that are set, all in one frame: all of it or
// nothing.
struct ConfigChange {
  std::string connector;
  std::optional<TargetState> target_state;
  std::optional<config::ConfigMap> config;
  std::optional<std::vector<config::ConfigMap>> tasks;  // with their commit record
};

// The connectors' configs: the topic `connect-configs`, in Kafka Connect's records, so that either
// can read what the other wrote. Owned by the app, used by the herder; thread-safe; ends with its
// destructor (writes that are under way finish, their `done` runs).
class ConfigStore {
 public:
  // Makes the topic if needed and replays it.
  static Result<std::unique_ptr<ConfigStore>> open(log::Log& log, Clock& clock,
                                                   TopicSettings settings = config_topic(),
                                                   Warn warn = {});
  virtual ~ConfigStore() = default;

  // Only what is durable.
  virtual std::vector<std::string> connectors() const = 0;  // sorted
  virtual std::optional<ConnectorEntry> get(const std::string& connector) const = 0;

  // get() shows the change before `done` runs.
  virtual void write(ConfigChange change, Done done) = 0;
  // Tombstones for the connector and its target state (Kafka Connect leaves the task records, and
  // so do we).
  virtual void remove(const std::string& connector, Done done) = 0;
  // Blocking forms, not for the log's own threads or the simulation.
  Status write_and_wait(ConfigChange change);
  Status remove_and_wait(const std::string& connector);
};

}  // namespace sluice::store
