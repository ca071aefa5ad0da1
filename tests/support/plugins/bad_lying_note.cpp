// SPDX-License-Identifier: Apache-2.0
// The manifest declares a key and a capability that the table does not have.
#include "fixture.hpp"

FIXTURE_TABLES("bad_lying_note", a_source<Source>("bad.LyingNote"))
FIXTURE_NOTE(fixture_data::kPlugin);

namespace truth {
using namespace sluice::fixture;
static constexpr auto kDefs = std::array{
    source<Source>("bad.LyingNote", "1.0.0", "A fixture for tests.", kNoConfig).capabilities(kNonBlocking)};
static constexpr auto kConfigs = detail::config_tables(kDefs);
static constexpr auto kClasses = detail::class_tables(kDefs, kConfigs);
static constexpr auto kPointers = detail::class_pointers(kClasses);
static constexpr sluice_plugin kPlugin = detail::plugin_table("bad_lying_note", "1.0.0", kPointers);
}  // namespace truth

FIXTURE_ENTRY(uint32_t) { return &truth::kPlugin; }
