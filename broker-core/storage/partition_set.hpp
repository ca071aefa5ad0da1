// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "broker-core/storage/partition_log.hpp"

namespace sluice::storage {

// All partitions of the directory. Owned by the log; any thread.
class PartitionSet {
 public:
  explicit PartitionSet(Context& context) : context_(context) {}

  std::shared_ptr<PartitionLog> find(const TopicPartition& partition) const;
  std::shared_ptr<Topic> find_topic(const TopicId& topic) const;
  // The topic, made known with `settings` if it is not; existing settings stay.
  std::shared_ptr<Topic> add_topic(const TopicId& topic, const TopicSettings& settings);
  // The partition, made if it is not there; its topic has to be.
  std::shared_ptr<PartitionLog> add(const TopicPartition& partition,
                                    const std::optional<PartitionCheckpoint>& known = std::nullopt);
  // Takes the topic out; gives its partitions.
  std::vector<std::shared_ptr<PartitionLog>> remove_topic(const TopicId& topic);
  std::vector<std::shared_ptr<PartitionLog>> all() const;
  // In no order; `use` must not come back to the set.
  void each(const std::function<void(const std::shared_ptr<PartitionLog>&)>& use) const;

 private:
  Context& context_;
  mutable std::mutex mutex_;  // guards all below
  std::unordered_map<TopicId, std::shared_ptr<Topic>> topics_;
  std::unordered_map<TopicPartition, std::shared_ptr<PartitionLog>> partitions_;
};

}  // namespace sluice::storage
