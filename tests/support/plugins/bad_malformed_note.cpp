// SPDX-License-Identifier: Apache-2.0
// The manifest is a note of the right owner and type, but no JSON.
#include "fixture.hpp"

FIXTURE_TABLES("bad_malformed_note", a_source<Source>("bad.MalformedNote"))

static constexpr sluice::sdk::detail::Note<8> make_malformed() {
  sluice::sdk::detail::Note<8> note;
  for (int i = 0; i < 8; ++i) note.text[i] = "{\"abi\":["[i];
  return note;
}
SLUICE_NOTE_ATTRIBUTES static constexpr auto kMalformed = make_malformed();
FIXTURE_ENTRY(uint32_t) { return &fixture_data::kPlugin; }
