// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "broker-core/storage/log.hpp"

namespace sluice::storage {

// Who waits for which partition to grow. Owned by the log, which outlives all tickets; any thread.
class Watches {
 public:
  using After = std::vector<std::pair<TopicPartition, Offset>>;

  // `high_watermark` is asked once the watch stands, so that no growth is missed in between.
  std::unique_ptr<Log::Watch> add(After after, std::function<void()> ready,
                                  const std::function<std::optional<Offset>(const TopicPartition&)>& high_watermark);
  // The partition ends at `high_watermark` now: calls those who waited for it.
  void wake(const TopicPartition& partition, Offset high_watermark);

 private:
  class State;
  class Ticket;
  struct Waiting {
    Offset offset;
    std::shared_ptr<State> state;
  };
  void remove(const After& after, const std::shared_ptr<State>& state);

  std::mutex mutex_;  // guards all below
  std::unordered_map<TopicPartition, std::vector<Waiting>> waiting_;
};

}  // namespace sluice::storage
