// SPDX-License-Identifier: Apache-2.0
// Power loss before every single changing call of the disk: what was acknowledged is there
// afterwards, what was under way is there wholly or not at all.
#include <gtest/gtest.h>

#include "broker-core/metadata/metadata.hpp"
#include "tests/support/fake_disk.hpp"

namespace sluice::metadata {
namespace {

using testing::FakeDisk;
using State =
    std::map<std::string, std::pair<int32_t, TopicConfigs>>;  // name -> partitions, configs

State state_of(const Metadata& metadata) {
  State out;
  for (const TopicPtr& topic : metadata.topics())
    out[topic->name] = {topic->partitions, topic->configs};
  return out;
}

Result<std::unique_ptr<Metadata>> open(FakeDisk& disk) {
  SLUICE_TRY(disk.create_directories("/data"));
  SLUICE_TRY(disk.sync_directory("/"));
  return Metadata::open({"/data", std::nullopt, 1, 600}, {disk, system_random()});
}

// One change of a fixed script; the expected state is changed only when it is acknowledged.
Status step(Metadata& metadata, int i, State& expected) {
  const std::string name = "topic-" + std::to_string(i % 4);
  if (!expected.contains(name)) {
    const TopicConfigs configs = {{"leader.replication.throttled.replicas", std::string(200, 'x')}};
    expected[name] = {i + 1, configs};
    return Status(metadata.create_topic(name, i + 1, configs).ok() ? ok()
                                                                   : Error{ErrorKind::kIo, ""});
  }
  if (i % 3 == 0) {
    expected.erase(name);
    return Status(metadata.delete_topic(name).ok() ? ok() : Error{ErrorKind::kIo, ""});
  }
  const std::string value = std::to_string(i);
  expected[name].second["retention.ms"] = value;
  return Status(metadata.alter_configs(name, {{"retention.ms", value}}).ok()
                    ? ok()
                    : Error{ErrorKind::kIo, ""});
}

TEST(MetadataCrash, EveryPointOfPowerLoss) {
  uint64_t points = 0;
  uint64_t in_flight_kept = 0, in_flight_lost = 0;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    for (uint64_t point = 1;; ++point) {
      FakeDisk disk(seed * 1000 + point);
      disk.power_off_after(point);
      State acknowledged, attempted;
      if (auto metadata = open(disk); metadata.ok()) {
        for (int i = 0; i < 16; ++i) {
          attempted = acknowledged;
          if (!step(**metadata, i, attempted).ok()) break;
          acknowledged = attempted;
        }
      }
      const bool reached = disk.powered_off();
      disk.crash();
      auto metadata = open(disk);
      ASSERT_TRUE(metadata.ok()) << "seed " << seed << " point " << point << ": "
                                 << metadata.error().message;
      const State found = state_of(**metadata);
      if (attempted != acknowledged) ++(found == attempted ? in_flight_kept : in_flight_lost);
      ASSERT_TRUE(found == acknowledged || found == attempted)
          << "seed " << seed << " point " << point;
      // And it goes on from there, and holds what it showed.
      ASSERT_TRUE((*metadata)->create_topic("after", 1, {}).ok());
      metadata->reset();
      disk.crash();
      metadata = open(disk);
      ASSERT_TRUE(metadata.ok()) << metadata.error().message;
      State expected = found;
      expected["after"] = {1, {}};
      ASSERT_EQ(state_of(**metadata), expected) << "seed " << seed << " point " << point;
      if (!reached) break;
      ++points;
    }
  }
  EXPECT_GT(points, 150u);  // the script is long enough to pass through snapshots
  EXPECT_GT(in_flight_kept, 0u);
  EXPECT_GT(in_flight_lost, 0u);
}

}  // namespace
}  // namespace sluice::metadata
