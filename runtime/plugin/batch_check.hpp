// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "sdk/include/sluice/plugin.h"

namespace sluice::plugin {

// What may be in a batch of a source.
struct BatchBounds {
  uint32_t records_max = 0;
  size_t topics = 0;  // interned so far
  size_t partitions = 0;
};

// What is wrong with a batch that a source returned, as far as it can be seen; nullopt for a good
// one. Runs for every record, so it only compares numbers and looks for NULL.
std::optional<std::string> check_batch(const sluice_batch& batch, const BatchBounds& bounds);

}  // namespace sluice::plugin
