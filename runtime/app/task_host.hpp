// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "runtime/config/worker_config.hpp"
#include "runtime/herder/ports.hpp"
#include "runtime/plugin/executor.hpp"

namespace sluice::app {

// Builds task runners with their converters and drives. Owned by the worker, used on the control
// plane's strand; task_metrics() by any thread.
class RunnerHost : public herder::TaskHost {
 public:
  struct Parts {
    const config::WorkerConfig& config;
    std::string worker_id;
    log::Log& log;
    Clock& clock;
    Random& random;
    store::OffsetStore& offsets;
    plugin::Registry& registry;
    plugin::TaskExecutor& executor;  // of non-blocking classes
    plugin::AbandonedThreadsPtr abandoned;
  };
  explicit RunnerHost(Parts parts);
  Result<std::shared_ptr<task::TaskRunner>> start(
      herder::TaskSpec spec, std::shared_ptr<task::TaskListener> listener) override;
  // Kafka Connect's task metrics of all tasks that run, as Prometheus text.
  std::string task_metrics();

 private:
  struct Running;
  Result<std::shared_ptr<Running>> make(const herder::TaskSpec& spec,
                                        std::shared_ptr<task::TaskListener> listener);
  Status add_converters(const config::ConfigMap& config, task::RunnerContext& context,
                        task::ClassNames& names) const;

  Parts parts_;
  config::ConfigMap worker_properties_;
  std::mutex mutex_;
  std::map<task::TaskId, std::weak_ptr<Running>> running_;  // under mutex_
};

}  // namespace sluice::app
