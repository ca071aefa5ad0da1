// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace sluice::cli {

// A borderless table with aligned columns, as kubectl and rpk print them.
class Table {
 public:
  explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  size_t rows() const { return rows_.size() - 1; }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Colours `text` by connector or task state when stdout is a terminal and NO_COLOR is not set.
std::string coloured_state(const std::string& state);

}  // namespace sluice::cli
