// SPDX-License-Identifier: Apache-2.0
// The first poll ends the process.
#include "fixture.hpp"

#include <csignal>

namespace {
using namespace sluice::fixture;

class Crashing : public Source {
 public:
  Status poll(const PollLimits&, RecordBatch&) override {
    std::signal(SIGSEGV, SIG_DFL);
    std::raise(SIGSEGV);
    return ok();
  }
};
}  // namespace

SLUICE_PLUGIN("bad_poll_crashes", "1.0.0", sluice::fixture::a_source<Crashing>("bad.PollCrashes"));
