// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace sluice::runner {

// The manifest of a library, read from its PT_NOTE segments without loading it; every size is checked before it is
// used. False: `fault` says what is wrong.
bool read_note(const std::string& file, std::string& manifest, std::string& fault);

}  // namespace sluice::runner
