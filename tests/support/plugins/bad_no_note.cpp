// SPDX-License-Identifier: Apache-2.0
// Has an entry, but no manifest: nothing may be loaded to find out what it is.
#include "fixture.hpp"

FIXTURE_TABLES("bad_no_note", a_source<Source>("bad.NoNote"))
FIXTURE_ENTRY(uint32_t) { return &fixture_data::kPlugin; }
