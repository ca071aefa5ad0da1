// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/plugin.h>

#include <string>

namespace sluice::testkit {

// What is wrong with a value (and all below it), or empty. Depth is bounded, text must be UTF-8.
std::string fault_of(const sluice_value& value, int depth = 0);
bool valid_utf8(const char* text, size_t size);

}  // namespace sluice::testkit
