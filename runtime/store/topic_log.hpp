// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker-core/base/clock.hpp"
#include "runtime/store/config_store.hpp"

namespace sluice::store {

struct KeyValue {
  std::string key;
  std::optional<std::string> value;  // nullopt: tombstone
};

Warn warn_or_log(Warn warn);

// One internal topic as a table of keys: made if needed, read from where the last reading ended,
// written with Kafka's partitioner. Owned by its store. read_new() by one thread at a time;
// append() from any.
class TopicLog {
 public:
  TopicLog(log::Log& log, Clock& clock, TopicSettings settings)
      : log_(log), clock_(clock), settings_(std::move(settings)) {}

  // Makes the topic, or checks that the one that is there is compacted (kInvalid names what to do).
  Status open();
  using Seen = std::function<void(std::string_view key, std::optional<std::string_view> value,
                                  int64_t timestamp)>;
  // Everything durable since the last call, in order per partition.
  Status read_new(const Seen& seen);
  // All of it in one frame.
  void append(const std::vector<KeyValue>& records, std::function<void(Status)> done);
  // (partition, next offset) as far as was read.
  std::vector<std::pair<TopicPartitionName, Offset>> positions() const;
  const std::string& topic() const { return settings_.topic; }

 private:
  Status read_partition(PartitionId partition, Offset& next, const Seen& seen);

  log::Log& log_;
  Clock& clock_;
  TopicSettings settings_;
  std::vector<Offset> next_;
};

}  // namespace sluice::store
