// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker-core/base/executor.hpp"
#include "runtime/store/config_store.hpp"

namespace sluice::store {

// The source offsets: the newest record per (connector, source partition) of the topic
// `connect-offsets`. Writing is Log::append's job (offsets travel in the frame of their records);
// this class only reads what is durable, when it is asked and in the background every now and then.
// Owned by the app; thread-safe. Texts are JSON.
class OffsetStore {
 public:
  // `executor` (may be nullptr: read only when asked) runs the background reading; it must outlive
  // the store.
  static Result<std::unique_ptr<OffsetStore>> open(log::Log& log, Executor* executor,
                                                   TopicSettings settings = offset_topic(),
                                                   Warn warn = {});
  virtual ~OffsetStore() = default;

  // The stored offset of a source partition given as JSON object; matches by content, whatever the
  // order of keys.
  virtual Result<std::optional<std::string>> read(const std::string& connector,
                                                  const std::string& partition) = 0;
  // All of one connector: (partition, offset), sorted.
  virtual Result<std::vector<std::pair<std::string, std::string>>> list(
      const std::string& connector) = 0;
};

}  // namespace sluice::store
