// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "runtime/logging/logging.hpp"
#include "tests/sim/world.hpp"

// SLUICE_SIM_SEED=n runs one seed and shows the worker's log; SLUICE_SIM_SEEDS=n runs the seeds 1
// to n.
namespace sluice::sim {
namespace {

uint64_t number_from(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST(Simulation, KeepsItsPromisesUnderEverySeed) {
  const uint64_t one = number_from("SLUICE_SIM_SEED", 0);
  if (one == 0) logging::set_level("", logging::Level::kOff);
  const uint64_t first = one ? one : 1;
  const uint64_t last = one ? one : number_from("SLUICE_SIM_SEEDS", 200);
  Tally sum;
  for (uint64_t seed = first; seed <= last; ++seed) {
    World world(seed);
    const std::string broken = world.run();
    ASSERT_EQ(broken, "") << "seed " << seed << "; again with SLUICE_SIM_SEED=" << seed;
    sum.add(world.tally());
  }
  std::cout << last - first + 1 << " seeds: " << sum.records << " records, " << sum.requests
            << " requests to the herder, " << sum.power_cuts << " power cuts (" << sum.torn_lives
            << " inside of a write), " << sum.clean_stops << " stops, " << sum.log_failures
            << " failed logs, " << sum.log_retries << " refused appends, " << sum.task_failures
            << " failed tasks, " << sum.abandoned << " abandoned\n";
  if (last - first < 100) return;
  // A simulation in which nothing goes wrong proves nothing.
  EXPECT_GT(sum.torn_lives, 0u);
  EXPECT_GT(sum.log_failures, 0u);
  EXPECT_GT(sum.log_retries, 0u);
  EXPECT_GT(sum.task_failures, 0u);
  EXPECT_GT(sum.clean_stops, 0u);
  EXPECT_GT(sum.abandoned, 0u);
  EXPECT_GT(sum.requests, 0u);
}

class SabotagedSimulation : public ::testing::TestWithParam<Sabotage> {};

TEST_P(SabotagedSimulation, IsFoundOut) {
  logging::set_level("", logging::Level::kOff);
  int found = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed)
    if (!World(seed, GetParam()).run().empty()) ++found;
  EXPECT_GT(found, 0);
}

INSTANTIATE_TEST_SUITE_P(Each, SabotagedSimulation,
                         ::testing::Values(Sabotage::kAcknowledgeBeforeDurable,
                                           Sabotage::kOffsetsBeforeData,
                                           Sabotage::kCommitBeforeWritten, Sabotage::kStopForgotten,
                                           Sabotage::kConfigForgotten));

}  // namespace
}  // namespace sluice::sim
