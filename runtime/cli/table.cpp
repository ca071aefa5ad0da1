// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/table.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace sluice::cli {
namespace {

// Columns on the screen: escape sequences take none, a UTF-8 character takes one.
size_t width(const std::string& text) {
  size_t columns = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      while (i < text.size() && text[i] != 'm') ++i;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
      ++columns;
    }
  }
  return columns;
}

}  // namespace

std::string Table::text() const {
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out += std::string(widths[i] - width(row[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string coloured_state(const std::string& state) {
  static const bool colour = isatty(STDOUT_FILENO) && std::getenv("NO_COLOR") == nullptr;
  if (!colour) return state;
  const char* code = state == "RUNNING" ? "32" : state == "FAILED" ? "31" : "33";
  return std::string("\x1b[") + code + "m" + state + "\x1b[0m";
}

}  // namespace sluice::cli
