// SPDX-License-Identifier: Apache-2.0
// The entry refuses every host.
#include "fixture.hpp"

FIXTURE_TABLES("bad_entry_null", a_source<Source>("bad.EntryNull"))
FIXTURE_NOTE(fixture_data::kPlugin);
FIXTURE_ENTRY(uint32_t) { return nullptr; }
