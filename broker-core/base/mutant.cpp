// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/mutant.hpp"

#include <cstdlib>
#include <string_view>

namespace sluice::detail {

bool mutant_armed(const char* name);  // declared in the header only where mutants are compiled in

bool mutant_armed(const char* name) {
  static const char* const armed = std::getenv("SLUICE_MUTANT");
  return armed != nullptr && std::string_view(armed) == name;
}

}  // namespace sluice::detail
