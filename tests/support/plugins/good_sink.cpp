// SPDX-License-Identifier: Apache-2.0
// A sink without a fault that moves every second batch away and keeps it for a while.
#include "fixture.hpp"

namespace {
using namespace sluice::fixture;

class Keeping : public Sink {
 public:
  Status put(SinkBatch& batch) override {
    if (++puts_ % 2 == 0) kept_.push_back(batch.move());
    return ok();
  }
  Status commit(std::span<PartitionOffset>) override {
    kept_.clear();
    return ok();
  }

 private:
  std::vector<OwnedBatch> kept_;
  uint64_t puts_ = 0;
};
}  // namespace

SLUICE_PLUGIN("good_sink", "1.0.0", sluice::fixture::a_sink<Keeping>("good.Sink"));
