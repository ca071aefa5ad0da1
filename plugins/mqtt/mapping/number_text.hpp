// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <charconv>
#include <string>

namespace sluice::mqtt_plugin {

// The shortest text that is read back as the same number.
template <class Number>
void append_number(Number number, std::string& out) {
  std::array<char, 32> text;
  out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr);
}

}  // namespace sluice::mqtt_plugin
