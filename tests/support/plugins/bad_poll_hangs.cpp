// SPDX-License-Identifier: Apache-2.0
// poll never returns, whatever stop says.
#include "fixture.hpp"

#include <unistd.h>

namespace {
using namespace sluice::fixture;

class Hanging : public Source {
 public:
  Status poll(const PollLimits&, RecordBatch&) override {
    for (;;) pause();
  }
};
}  // namespace

SLUICE_PLUGIN("bad_poll_hangs", "1.0.0", sluice::fixture::a_source<Hanging>("bad.PollHangs"));
