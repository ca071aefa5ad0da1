// SPDX-License-Identifier: Apache-2.0
// commit answers a position behind what was put.
#include "fixture.hpp"

namespace {
using namespace sluice::fixture;

class Ahead : public Sink {
 public:
  Status commit(std::span<PartitionOffset> partitions) override {
    for (PartitionOffset& partition : partitions) partition.next_offset += 1000;
    return ok();
  }
};
}  // namespace

SLUICE_PLUGIN("bad_sink_offsets", "1.0.0", sluice::fixture::a_sink<Ahead>("bad.SinkOffsets"));
