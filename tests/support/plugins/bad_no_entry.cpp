// SPDX-License-Identifier: Apache-2.0
// Has a manifest, exports nothing.
#include "fixture.hpp"

FIXTURE_TABLES("bad_no_entry", a_source<Source>("bad.NoEntry"))
FIXTURE_NOTE(fixture_data::kPlugin);
