// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "broker-core/server/broker.hpp"
#include "runtime/log/embedded.hpp"
#include "tests/sim/host.hpp"
#include "tests/sim/outside.hpp"
#include "tests/sim/people.hpp"
#include "tests/support/fake_disk.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/sim_executor.hpp"

namespace sluice::sim {

// What is broken on purpose, to show that the simulation sees it.
enum class Sabotage {
  kNone,
  kAcknowledgeBeforeDurable,
  kOffsetsBeforeData,
  kCommitBeforeWritten,
  kStopForgotten,    // a task that was told to stop goes on
  kConfigForgotten,  // a config is acknowledged and not written
};

// What happened, over all lives of a world.
struct Tally {
  uint64_t power_cuts = 0, torn_lives = 0, clean_stops = 0, log_failures = 0, log_retries = 0,
           task_failures = 0, abandoned = 0, requests = 0, records = 0;
  void add(const Tally& other);
};

// A whole worker in one thread: broker, log, stores, herder, source and sink tasks of several
// connectors, on a disk that forgets, a clock that is moved and an executor whose order a seed
// chooses; people who create, change, pause, stop, restart and delete connectors meanwhile.
// Everything that happens follows from the seed.
class World {
 public:
  explicit World(uint64_t seed, Sabotage sabotage = Sabotage::kNone);
  ~World();

  // Lives with troubles of the seed's choice: refusals, hanging plugins, full disk, power cuts;
  // checks the promises at every power cut. Then the troubles end: the states must become what was
  // asked for, and all records must arrive. Returns what was broken, empty if nothing.
  std::string run();
  const Tally& tally() const { return tally_; }

 private:
  struct Process;  // what a power cut ends
  // world.cpp: lives
  std::string open();
  std::string open_stores();
  void open_plane();
  void cut_power();
  std::string stop();
  std::string live(int turns);
  void disturb();
  std::string settle();
  std::string come_to_rest();
  // checks.cpp: what must be so
  std::string check_log(const Origin& origin, int64_t& in_log, int64_t& stored);
  std::string check_after_crash();
  std::string check_targets(bool complete) const;
  std::string check_states();
  bool all_arrived() const;
  bool chance(double probability) { return outside_.happens(probability); }

  std::mt19937_64 random_;
  testing::FakeDisk disk_;
  testing::SimClock clock_;
  testing::SimExecutor executor_;
  testing::SeededRandom bytes_;
  Outside outside_;
  std::unique_ptr<People> people_;
  std::vector<std::string> topics_;
  bool troubled_ = true;
  std::unique_ptr<Process> process_;
  const Sabotage sabotage_;
  Tally tally_;
};

struct World::Process {
  std::unique_ptr<server::Broker> broker;
  std::unique_ptr<log::Log> log;
  std::unique_ptr<store::ConfigStore> configs;
  std::unique_ptr<store::OffsetStore> offsets;
  std::unique_ptr<store::StatusStore> statuses;
  std::unique_ptr<plugin::Registry> registry;
  std::unique_ptr<SimLanes> lanes;
  std::unique_ptr<SimHost> host;
  std::shared_ptr<herder::ControlPlane> plane;
};

std::string text(const Error& error);

}  // namespace sluice::sim
