// SPDX-License-Identifier: Apache-2.0
// The entry ends the process as if all were well.
#include "fixture.hpp"

#include <unistd.h>

FIXTURE_TABLES("bad_entry_exits", a_source<Source>("bad.EntryExits"))
FIXTURE_NOTE(fixture_data::kPlugin);
FIXTURE_ENTRY(uint32_t) { _exit(0); }
