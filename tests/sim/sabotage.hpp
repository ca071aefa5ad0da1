// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/sim/world.hpp"

namespace sluice::sim {

// The log as it is, or one that breaks a promise.
std::unique_ptr<log::Log> sabotaged(std::unique_ptr<log::Log> log, Sabotage sabotage);

}  // namespace sluice::sim
