// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "broker-core/base/result.hpp"
#include "broker-core/base/types.hpp"

namespace sluice::plugin {

// The manifest of the library in `file` (all of its bytes): the descriptor of the ELF note with
// owner "Sluice" and type SLUICE_NOTE_TYPE, as text that points into `file`. Reads nothing outside
// of `file`, whatever stands in it. kInvalid: no shared library of 64 bits for this machine; cut
// off (mapping such a file would kill the process); no note, two notes, or one that is too large.
// The text does not name the file.
Result<std::string_view> read_manifest_note(ByteView file);

}  // namespace sluice::plugin
