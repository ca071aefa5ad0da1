// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/herder/ports.hpp"
#include "runtime/plugin/executor.hpp"

namespace sluice::app {

// The herder's lanes on an executor of the plugin host: one owner per lane. Owned by the worker;
// any thread.
class ExecutorLanes : public herder::Lanes {
 public:
  explicit ExecutorLanes(plugin::TaskExecutor& executor) : executor_(executor) {}
  std::shared_ptr<herder::Lane> open(const std::string& name,
                                     std::function<void(bool)> hanging) override;

 private:
  plugin::TaskExecutor& executor_;
};

}  // namespace sluice::app
