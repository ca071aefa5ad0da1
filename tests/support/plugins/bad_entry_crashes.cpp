// SPDX-License-Identifier: Apache-2.0
// The entry ends the process with a signal.
#include "fixture.hpp"

#include <csignal>

FIXTURE_TABLES("bad_entry_crashes", a_source<Source>("bad.EntryCrashes"))
FIXTURE_NOTE(fixture_data::kPlugin);
FIXTURE_ENTRY(uint32_t) {
  std::signal(SIGSEGV, SIG_DFL);
  std::raise(SIGSEGV);
  return &fixture_data::kPlugin;
}
