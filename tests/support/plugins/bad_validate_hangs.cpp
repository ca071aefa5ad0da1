// SPDX-License-Identifier: Apache-2.0
// Validation never returns.
#include "fixture.hpp"

#include <unistd.h>

namespace {
using namespace sluice::fixture;

struct Checks {
  static Status validate(const Context&, const Config&) {
    for (;;) pause();
  }
};
}  // namespace

SLUICE_PLUGIN("bad_validate_hangs", "1.0.0",
              sluice::fixture::a_source<sluice::fixture::Source>("bad.ValidateHangs").connector<Checks>());
