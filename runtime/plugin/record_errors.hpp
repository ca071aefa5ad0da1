// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/plugin/connector.hpp"

namespace sluice::plugin {

// What a plugin reported with record_error during one call of put or poll: the first report of each
// record. Owned by that call, used by its thread.
class RecordErrors {
 public:
  // `records_max`: how many records the batch has at most.
  explicit RecordErrors(uint32_t records_max) : records_max_(records_max) {}

  void add(uint32_t index, std::string text) {
    if (index >= records_max_) {
      if (!outside_) outside_ = index;
      return;
    }
    if (text.empty()) text = "the plugin reported a bad record without a text";
    texts_.try_emplace(index, std::move(text));
  }

  // The reports, by ascending index. What is wrong with them, when one is of a record that a batch
  // of `count` does not have.
  std::optional<std::string> take(uint32_t count, std::vector<RecordFailure>& failures) {
    failures.clear();
    if (!texts_.empty() && texts_.rbegin()->first >= count) outside_ = texts_.rbegin()->first;
    if (outside_)
      return "record_error names record " + std::to_string(*outside_) + " of a batch of " +
             std::to_string(count);
    for (auto& [index, text] : texts_)
      failures.push_back({index, Outcome::failure(SLUICE_RECORD_ERROR, std::move(text))});
    return std::nullopt;
  }

 private:
  const uint32_t records_max_;
  std::map<uint32_t, std::string> texts_;
  std::optional<uint32_t> outside_;
};

}  // namespace sluice::plugin
