// SPDX-License-Identifier: Apache-2.0
// Validation believes that a value is always there.
#include "fixture.hpp"

#include <csignal>

namespace {
using namespace sluice::fixture;

struct Checks {
  static Status validate(const Context&, const Config& config) {
    if (config.has("topic")) return ok();
    std::signal(SIGSEGV, SIG_DFL);
    std::raise(SIGSEGV);
    return ok();
  }
};
}  // namespace

SLUICE_PLUGIN("bad_validate_crashes", "1.0.0",
              sluice::fixture::a_source<sluice::fixture::Source>("bad.ValidateCrashes").connector<Checks>());
