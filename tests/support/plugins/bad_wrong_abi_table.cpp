// SPDX-License-Identifier: Apache-2.0
// The manifest names the right version of the ABI, the table another one.
#include "fixture.hpp"

FIXTURE_TABLES("bad_wrong_abi_table", a_source<Source>("bad.WrongAbiTable"))
FIXTURE_NOTE(fixture_data::kPlugin);

static constexpr sluice_plugin other_version() {
  sluice_plugin plugin = fixture_data::kPlugin;
  plugin.abi_version = SLUICE_ABI_VERSION + 1;
  return plugin;
}
static constexpr sluice_plugin kOther = other_version();
FIXTURE_ENTRY(uint32_t) { return &kOther; }
