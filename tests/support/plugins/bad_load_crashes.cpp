// SPDX-License-Identifier: Apache-2.0
// Loading it, before any entry is called, ends the process.
#include "fixture.hpp"

#include <csignal>

FIXTURE_TABLES("bad_load_crashes", a_source<Source>("bad.LoadCrashes"))
FIXTURE_NOTE(fixture_data::kPlugin);
FIXTURE_ENTRY(uint32_t) { return &fixture_data::kPlugin; }

__attribute__((constructor)) static void crash() {
  std::signal(SIGABRT, SIG_DFL);
  std::raise(SIGABRT);
}
