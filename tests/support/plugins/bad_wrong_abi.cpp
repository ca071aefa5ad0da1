// SPDX-License-Identifier: Apache-2.0
// Built, as manifest and table say, for another version of the ABI.
#include "fixture.hpp"

FIXTURE_TABLES("bad_wrong_abi", a_source<Source>("bad.WrongAbi"))

static constexpr sluice_plugin other_version() {
  sluice_plugin plugin = fixture_data::kPlugin;
  plugin.abi_version = 99u << 16 | 7u;
  return plugin;
}
static constexpr sluice_plugin kOther = other_version();
FIXTURE_NOTE(kOther);
FIXTURE_ENTRY(uint32_t) { return &kOther; }
