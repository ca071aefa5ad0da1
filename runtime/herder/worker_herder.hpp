// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "runtime/herder/control_plane.hpp"
#include "runtime/herder/herder.hpp"
#include "runtime/herder/validator.hpp"
#include "runtime/log/log.hpp"

namespace sluice::herder {

// What the herder works with once the log is open and the stores are replayed.
struct HerderParts {
  std::shared_ptr<ControlPlane> plane;
  std::shared_ptr<const Validator> validator;
  plugin::Registry& registry;
  store::ConfigStore& configs;
  store::StatusStore& statuses;
  store::OffsetStore& offsets;
  log::Log& log;
  // The ConfigDef of a converter or other built-in class, for plugin_config; nullptr for an unknown
  // one.
  std::function<const config::ConfigDef*(const std::string& name)> built_in;
  std::vector<plugin::ClassPtr> built_in_classes;
  // Why the log takes no writes any more; empty: it does. May be absent.
  std::function<std::string()> log_failure = {};
};

// The herder behind REST: turns blocking calls into requests to the control plane, and serves reads
// from the stores. Owned by the app; any thread. Calls that come before ready() wait for it, up to
// their deadline.
class WorkerHerder : public Herder {
 public:
  void ready(HerderParts parts);
  // From now on every call fails and health is unhealthy with this text.
  void failed(std::string text);
  // The parts must not be used after this returns: waits for calls that are under way.
  void close();

  std::pair<Health, std::string> health() override;
  std::string cluster_id() override;
  Result<std::vector<std::string>> connectors(const RequestContext& context) override;
  Result<ConnectorInfo> info(const RequestContext& context, const std::string& name) override;
  Result<ConnectorStatus> status(const RequestContext& context, const std::string& name) override;
  Result<TaskStateEntry> task_status(const RequestContext& context, const std::string& name,
                                     int task) override;
  Result<std::vector<TaskInfo>> tasks(const RequestContext& context,
                                      const std::string& name) override;
  Result<PutResult> put_config(const RequestContext& context, const std::string& name,
                               const config::ConfigMap& config, bool allow_replace,
                               const std::string& initial_state) override;
  Result<ConnectorInfo> patch_config(
      const RequestContext& context, const std::string& name,
      const std::map<std::string, std::optional<std::string>>& patch) override;
  Status remove(const RequestContext& context, const std::string& name) override;
  Status pause(const RequestContext& context, const std::string& name) override;
  Status resume(const RequestContext& context, const std::string& name) override;
  Status stop(const RequestContext& context, const std::string& name) override;
  Result<ConnectorStatus> restart(const RequestContext& context, const std::string& name,
                                  bool include_tasks, bool only_failed) override;
  Status restart_task(const RequestContext& context, const std::string& name, int task) override;
  Result<std::vector<ConnectorOffset>> offsets(const RequestContext& context,
                                               const std::string& name) override;
  Result<std::vector<std::string>> topics(const RequestContext& context,
                                          const std::string& name) override;
  Status reset_topics(const RequestContext& context, const std::string& name) override;
  Result<std::vector<plugin::ClassPtr>> plugins(const RequestContext& context,
                                                bool connectors_only) override;
  Result<std::vector<config::ConfigKey>> plugin_config(const RequestContext& context,
                                                       const std::string& plugin) override;
  Result<ConfigInfos> validate(const RequestContext& context, const std::string& plugin,
                               const config::ConfigMap& config) override;
  Result<CheckResult> check(const RequestContext& context,
                            const config::ConfigMap& config) override;

 private:
  // Keeps the parts from being closed while a call uses them.
  class Use {
   public:
    explicit Use(WorkerHerder& herder) : herder_(&herder) {}
    Use(Use&& other) noexcept : herder_(std::exchange(other.herder_, nullptr)) {}
    ~Use() {
      if (herder_) herder_->done_with();
    }
    HerderParts* operator->() const { return &*herder_->parts_; }

   private:
    WorkerHerder* herder_;
  };
  Result<Use> use(const RequestContext& context);
  void done_with();
  Status set_target(const RequestContext& context, const std::string& name,
                    store::TargetState state);
  Status check_config(HerderParts& parts, const RequestContext& context, const std::string& name,
                      const config::ConfigMap& config);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<HerderParts> parts_;  // under mutex_ until set, then constant until close()
  std::string failure_;
  bool closed_ = false;
  size_t users_ = 0;
};

}  // namespace sluice::herder
