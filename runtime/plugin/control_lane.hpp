// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker-core/base/result.hpp"
#include "runtime/plugin/executor.hpp"

namespace sluice::plugin {

struct ControlLaneOptions {
  int threads = 4;
  std::chrono::milliseconds busy_bound{
      2000};                // a call that runs longer makes its lane fail others at once
  size_t max_waiting = 64;  // calls waiting for one lane; more fail at once
};

// Calls into connectors' control code (validate, check, task_configs, create, stop). Each lane -
// one per connector; for a validation of a config "class:<name>" - runs one call at a time on a
// small shared pool. A lane whose call hangs costs one abandoned thread, and fails every other call
// at once with a text that says so. Owned by the app; call() from any thread, it blocks until the
// answer or the deadline.
class ControlLanes {
 public:
  ControlLanes(ControlLaneOptions options, AbandonedThreadsPtr abandoned);
  ~ControlLanes();

  // Runs `work` on the lane. kTimeout: the deadline passed while it ran (it goes on, its result is
  // dropped) or the lane is busy with a call that hangs; kRetriable: too many calls wait. `work`
  // may run after this has returned with kTimeout, so it must own all that it uses. `subject` and
  // `what` are for texts: "connector X", "validate".
  Status run(const std::string& lane, const std::string& subject, const std::string& what,
             std::chrono::milliseconds timeout, std::function<void()> work);

  // The same for work with a result.
  template <class T>
  Result<T> call(const std::string& lane, const std::string& subject, const std::string& what,
                 std::chrono::milliseconds timeout, std::function<T()> work) {
    auto slot = std::make_shared<std::unique_ptr<T>>();
    SLUICE_TRY(run(lane, subject, what, timeout,
                   [slot, work = std::move(work)] { *slot = std::make_unique<T>(work()); }));
    return std::move(**slot);
  }

  // For metrics and /health: lanes whose current call exceeds the bound.
  std::vector<std::string> hanging() const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace sluice::plugin
