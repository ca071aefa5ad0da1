// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker-core/base/result.hpp"
#include "runtime/config/config_def.hpp"
#include "runtime/herder/request_context.hpp"
#include "runtime/plugin/connector.hpp"

// The control plane as REST and CLI see it: Kafka Connect's Herder. Error kinds map to HTTP:
// kInvalid 400, kNotFound 404, kConflict 409, kTimeout 500 with Kafka's text, kRetriable 503, all else 500.
namespace sluice::herder {

struct ConnectorInfo {
  std::string name;
  config::ConfigMap config;  // exactly what the user gave, plus "name"
  std::vector<int> tasks;
  std::string type;  // source, sink, unknown
};

struct StateEntry {
  std::string state;  // RUNNING, PAUSED, STOPPED, FAILED, UNASSIGNED, RESTARTING
  std::string worker_id;
  std::string trace;    // empty = none
  std::string version;  // empty = unknown
};
struct TaskStateEntry : StateEntry {
  int id = 0;
};
struct ConnectorStatus {
  std::string name;
  StateEntry connector;
  std::vector<TaskStateEntry> tasks;
  std::string type;
};

struct TaskInfo {
  std::string connector;
  int task = 0;
  config::ConfigMap config;
};

struct ConnectorOffset {  // JSON texts, ready to be embedded
  std::string partition;
  std::string offset;
};

struct ConfigInfo {  // one row of a validation
  std::optional<config::ConfigKey> definition;
  config::ConfigValue value;
};
struct ConfigInfos {
  std::string name;  // connector.class as sent
  int error_count = 0;
  std::vector<std::string> groups;
  std::vector<ConfigInfo> configs;
};

struct CheckResult {  // of the connection to the other system
  std::string name;   // connector.class as sent
  enum class Verdict { kPassed, kFailed, kUnsupported } verdict = Verdict::kPassed;
  std::string message;  // why it did not pass; empty = none
  std::vector<plugin::Finding> findings;
};

struct PutResult {
  bool created = false;
  ConnectorInfo info;
};

enum class Health { kStarting, kHealthy, kUnhealthy };

// Thread-safe; calls block until done or until the context's deadline (kTimeout). A connector that
// hangs delays only calls for itself.
class Herder {
 public:
  virtual ~Herder() = default;
  virtual std::pair<Health, std::string> health() = 0;
  virtual std::string cluster_id() = 0;

  virtual Result<std::vector<std::string>> connectors(const RequestContext& context) = 0;  // sorted
  virtual Result<ConnectorInfo> info(const RequestContext& context, const std::string& name) = 0;
  virtual Result<ConnectorStatus> status(const RequestContext& context,
                                         const std::string& name) = 0;
  virtual Result<TaskStateEntry> task_status(const RequestContext& context, const std::string& name,
                                             int task) = 0;
  virtual Result<std::vector<TaskInfo>> tasks(const RequestContext& context,
                                              const std::string& name) = 0;

  // Create (allow_replace = false: kConflict if it exists) or update. initial_state: RUNNING,
  // PAUSED, STOPPED.
  virtual Result<PutResult> put_config(const RequestContext& context, const std::string& name,
                                       const config::ConfigMap& config, bool allow_replace,
                                       const std::string& initial_state = "RUNNING") = 0;
  // nullopt removes a key.
  virtual Result<ConnectorInfo> patch_config(
      const RequestContext& context, const std::string& name,
      const std::map<std::string, std::optional<std::string>>& patch) = 0;
  virtual Status remove(const RequestContext& context, const std::string& name) = 0;

  virtual Status pause(const RequestContext& context, const std::string& name) = 0;
  virtual Status resume(const RequestContext& context, const std::string& name) = 0;
  virtual Status stop(const RequestContext& context, const std::string& name) = 0;
  // Both flags false: the connector instance only; else the status with affected parts RESTARTING.
  virtual Result<ConnectorStatus> restart(const RequestContext& context, const std::string& name,
                                          bool include_tasks, bool only_failed) = 0;
  virtual Status restart_task(const RequestContext& context, const std::string& name, int task) = 0;

  virtual Result<std::vector<ConnectorOffset>> offsets(const RequestContext& context,
                                                       const std::string& name) = 0;
  virtual Result<std::vector<std::string>> topics(const RequestContext& context,
                                                  const std::string& name) = 0;
  virtual Status reset_topics(const RequestContext& context, const std::string& name) = 0;

  virtual Result<std::vector<plugin::ClassPtr>> plugins(const RequestContext& context,
                                                        bool connectors_only) = 0;
  virtual Result<std::vector<config::ConfigKey>> plugin_config(const RequestContext& context,
                                                               const std::string& plugin) = 0;
  virtual Result<ConfigInfos> validate(const RequestContext& context, const std::string& plugin,
                                       const config::ConfigMap& config) = 0;
  // Has the class connect with the config, without moving data. kInvalid: the config is not valid.
  virtual Result<CheckResult> check(const RequestContext& context,
                                    const config::ConfigMap& config) = 0;
};

}  // namespace sluice::herder
