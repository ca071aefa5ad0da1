// SPDX-License-Identifier: Apache-2.0
// The entry throws across the boundary.
#include "fixture.hpp"

#include <stdexcept>

FIXTURE_TABLES("bad_entry_throws", a_source<Source>("bad.EntryThrows"))
FIXTURE_NOTE(fixture_data::kPlugin);
FIXTURE_ENTRY(uint32_t) { throw std::runtime_error("thrown by the entry"); }
