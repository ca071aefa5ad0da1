// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "broker-core/server/broker.hpp"
#include "runtime/log/embedded.hpp"
#include "tests/sim/outside.hpp"
#include "tests/support/fake_disk.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/sim_executor.hpp"
#include "tests/support/step_drive.hpp"

namespace sluice::sim {

// What is broken on purpose, to show that the simulation sees it.
enum class Sabotage { kNone, kAcknowledgeBeforeDurable, kOffsetsBeforeData, kCommitBeforeWritten };

// What happened, over all lives of a world.
struct Tally {
  uint64_t power_cuts = 0, torn_lives = 0, log_failures = 0, log_retries = 0, task_failures = 0,
           records = 0;
};

// One worker's data plane in one thread: broker, log, a source task and two sink tasks of one
// group, on a disk that forgets, a clock that is moved and an executor whose order a seed chooses.
// Failed tasks are started again after a moment, as the herder does. Everything that happens
// follows from the seed.
class World : public task::TaskListener {
 public:
  explicit World(uint64_t seed, Sabotage sabotage = Sabotage::kNone);
  ~World() override;

  // Lives with troubles of the seed's choice: refusals, full disk, pauses, restarts, power cuts;
  // checks the promises at every power cut. Then the troubles end and all records must arrive.
  // Returns what was broken, empty if nothing.
  std::string run();
  const Tally& tally() const { return tally_; }

 private:
  struct Process;  // what a power cut ends
  std::string open();
  void cut_power();
  std::string live(int turns);
  void disturb();
  void tend_tasks();
  void start_source();
  void start_sink(int number);
  task::RunnerContext context();
  std::string settle();
  std::string check_log(int64_t& in_log, int64_t& stored);
  std::string check_after_crash();
  std::string check_target(bool complete) const;
  bool all_arrived();

  void on_state(const task::TaskId&, task::TaskState state, const std::string&, bool) override {
    if (state == task::TaskState::kFailed) ++tally_.task_failures;
  }
  void on_event(const task::TaskId&, const std::string& kind, const std::string&) override {
    if (kind == "log-retry") ++tally_.log_retries;
  }
  void on_topic(const task::TaskId&, const std::string&) override {}
  void on_reconfiguration_requested(const task::TaskId&) override {}
  bool chance(double probability) {
    return std::uniform_real_distribution<double>(0, 1)(random_) < probability;
  }

  std::mt19937_64 random_;
  testing::FakeDisk disk_;
  testing::SimClock clock_;
  testing::SimExecutor executor_;
  testing::SeededRandom bytes_;
  Trouble trouble_;
  bool troubled_ = true;
  Origin origin_;
  Target target_;
  std::unique_ptr<Process> process_;
  const Sabotage sabotage_;
  Tally tally_;
};

}  // namespace sluice::sim
