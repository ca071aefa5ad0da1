// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker-core/base/result.hpp"
#include "runtime/plugin/manifest.hpp"
#include "runtime/plugin/private_copy.hpp"
#include "sdk/include/sluice/plugin.h"

namespace sluice::plugin {

// Maps the copy into this process for ever, calls its entry and compares what that says with the
// manifest of its note. Runs code of the library: in a probe's process first. kInvalid,
// kUnsupported.
Result<const sluice_plugin*> open_library(PrivateCopy& copy, const Manifest& note);

}  // namespace sluice::plugin
