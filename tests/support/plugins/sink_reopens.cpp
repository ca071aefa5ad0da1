// SPDX-License-Identifier: Apache-2.0
// A sink without a fault whose target loses its transactions: put and commit ask to be opened
// again.
#include "fixture.hpp"

namespace {
using namespace sluice::fixture;

class Reopens : public Sink {
 public:
  Status put(SinkBatch&) override { return Error::reopen("serialization failure in put"); }
  Status commit(std::span<PartitionOffset>) override {
    return Error::reopen("serialization failure in commit");
  }
};
}  // namespace

SLUICE_PLUGIN("sink_reopens", "1.0.0", sluice::fixture::a_sink<Reopens>("good.SinkReopens"));
