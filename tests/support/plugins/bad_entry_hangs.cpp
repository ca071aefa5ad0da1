// SPDX-License-Identifier: Apache-2.0
// The entry never returns.
#include "fixture.hpp"

#include <unistd.h>

FIXTURE_TABLES("bad_entry_hangs", a_source<Source>("bad.EntryHangs"))
FIXTURE_NOTE(fixture_data::kPlugin);
FIXTURE_ENTRY(uint32_t) {
  for (;;) pause();
}
