// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/logging/logging.hpp"

namespace sluice::herder {

inline const logging::Logger& logger() {
  static const logging::Logger instance("sluice.herder");
  return instance;
}

}  // namespace sluice::herder
