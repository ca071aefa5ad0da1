// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "broker-core/base/result.hpp"

namespace sluice::record {

// One record's data cannot be converted; what becomes of it is the task's errors.tolerance.
inline Error bad(const std::string& what) {
  return {ErrorKind::kRecord, what};
}

}  // namespace sluice::record
