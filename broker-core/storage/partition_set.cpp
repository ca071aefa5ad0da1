// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/partition_set.hpp"

#include <algorithm>

namespace sluice::storage {

std::shared_ptr<PartitionLog> PartitionSet::find(const TopicPartition& partition) const {
  std::lock_guard lock(mutex_);
  auto it = partitions_.find(partition);
  return it == partitions_.end() ? nullptr : it->second;
}

std::shared_ptr<Topic> PartitionSet::find_topic(const TopicId& topic) const {
  std::lock_guard lock(mutex_);
  auto it = topics_.find(topic);
  return it == topics_.end() ? nullptr : it->second;
}

std::shared_ptr<Topic> PartitionSet::add_topic(const TopicId& topic,
                                               const TopicSettings& settings) {
  std::lock_guard lock(mutex_);
  auto& place = topics_[topic];
  if (!place) place = std::make_shared<Topic>(topic, settings);
  return place;
}

std::shared_ptr<PartitionLog> PartitionSet::add(const TopicPartition& partition,
                                                const std::optional<PartitionCheckpoint>& known) {
  std::lock_guard lock(mutex_);
  auto& place = partitions_[partition];
  if (!place)
    place = std::make_shared<PartitionLog>(context_, partition, topics_.at(partition.topic), known);
  return place;
}

std::vector<std::shared_ptr<PartitionLog>> PartitionSet::remove_topic(const TopicId& topic) {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<PartitionLog>> gone;
  for (auto it = partitions_.begin(); it != partitions_.end();) {
    if (it->first.topic == topic) {
      gone.push_back(std::move(it->second));
      it = partitions_.erase(it);
    } else {
      ++it;
    }
  }
  topics_.erase(topic);
  return gone;
}

void PartitionSet::each(
    const std::function<void(const std::shared_ptr<PartitionLog>&)>& use) const {
  std::lock_guard lock(mutex_);
  for (const auto& [id, partition] : partitions_) use(partition);
}

// Sorted, so that a simulation does the same in every run.
std::vector<std::shared_ptr<PartitionLog>> PartitionSet::all() const {
  std::vector<std::shared_ptr<PartitionLog>> result;
  {
    std::lock_guard lock(mutex_);
    result.reserve(partitions_.size());
    for (const auto& [id, partition] : partitions_) result.push_back(partition);
  }
  std::sort(result.begin(), result.end(),
            [](const auto& a, const auto& b) { return a->id() < b->id(); });
  return result;
}

}  // namespace sluice::storage
