// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker-core/base/clock.hpp"
#include "broker-core/base/executor.hpp"
#include "runtime/store/config_store.hpp"

namespace sluice::store {

// Kafka Connect's AbstractStatus: state is RUNNING, PAUSED, STOPPED, FAILED, UNASSIGNED,
// RESTARTING.
struct StatusEntry {
  std::string state;
  std::string trace;  // empty = null
  std::string worker_id;
  int32_t generation = 0;
  std::string version;  // empty = null
  bool operator==(const StatusEntry&) const = default;
};

struct TopicStatus {
  std::string topic;
  std::string connector;
  int task = 0;
  int64_t discover_timestamp = 0;
};

// States of connectors and tasks and the topics they used: the topic `connect-status`. What was put
// is seen at once by the getters and written in the background: everything that waits goes out as
// one append, and only the newest value of a key, so that a thousand connectors that start cost a
// few syncs. A write that fails is tried again with backoff; until then the log line says so. Owned
// by the app; thread-safe; flush() before the end.
class StatusStore {
 public:
  // `executor` runs retries; log, executor and clock must outlive the store.
  static Result<std::unique_ptr<StatusStore>> open(log::Log& log, Executor& executor, Clock& clock,
                                                   TopicSettings settings = status_topic(),
                                                   Warn warn = {});
  virtual ~StatusStore() = default;

  virtual void put_connector(const std::string& connector, StatusEntry status) = 0;
  virtual void put_task(const std::string& connector, int task, StatusEntry status) = 0;
  virtual void put_topic(const std::string& connector, int task,
                         const std::string& topic) = 0;             // once per pair
  virtual void remove_connector(const std::string& connector) = 0;  // with its tasks and topics
  virtual void remove_task(const std::string& connector, int task) = 0;
  virtual void remove_topics(const std::string& connector) = 0;

  virtual std::optional<StatusEntry> connector(const std::string& connector) const = 0;
  virtual std::optional<StatusEntry> task(const std::string& connector, int task) const = 0;
  virtual std::vector<std::pair<int, StatusEntry>> tasks(
      const std::string& connector) const = 0;                                      // by number
  virtual std::vector<TopicStatus> topics(const std::string& connector) const = 0;  // by name
  virtual std::vector<std::string> connectors() const = 0;  // all that have any status

  // `done` when all that was put before is durable.
  virtual void flush(Done done) = 0;
};

}  // namespace sluice::store
