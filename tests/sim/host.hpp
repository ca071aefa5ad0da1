// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "runtime/herder/ports.hpp"
#include "tests/sim/outside.hpp"
#include "tests/support/sim_executor.hpp"
#include "tests/support/step_drive.hpp"

namespace sluice::sim {

// Runs tasks as the worker's host does, on the seeded executor. Owned by the world for one life of
// the process. Tasks that were abandoned stay, as threads that never came back would.
class SimHost : public herder::TaskHost {
 public:
  struct Parts {
    log::Log& log;
    Clock& clock;
    Random& random;
    store::OffsetStore& offsets;
    testing::SimExecutor& executor;
    Outside& outside;
    bool forget_stop = false;  // sabotage: a stop is answered and not done
    std::function<void(task::TaskState)> on_state;
    std::function<void(const std::string& kind)> on_event;
  };
  explicit SimHost(Parts parts) : parts_(std::move(parts)) {}
  Result<std::shared_ptr<task::TaskRunner>> start(
      herder::TaskSpec spec, std::shared_ptr<task::TaskListener> listener) override;
  // One of the tasks hangs: no step of it for this long.
  void hold_one(std::chrono::nanoseconds time);

 private:
  class Listener;
  class Watched;
  struct Running;
  task::RunnerContext context(task::TaskListener& listener) const;

  const Parts parts_;
  std::vector<std::shared_ptr<Running>> running_;
};

// Lanes on the seeded executor, some of whose steps take their time. Its end ends them too: what
// still waits in a lane is forgotten (steps hold their connector, and that its lane).
class SimLanes : public herder::Lanes {
 public:
  SimLanes(testing::SimExecutor& executor, Outside& outside)
      : executor_(executor), outside_(outside) {}
  ~SimLanes() override;
  std::shared_ptr<herder::Lane> open(const std::string& name,
                                     std::function<void(bool)> hanging) override;

 private:
  testing::SimExecutor& executor_;
  Outside& outside_;
  std::vector<std::function<void()>> endings_;
};

}  // namespace sluice::sim
