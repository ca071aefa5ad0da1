// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "broker-core/base/types.hpp"

// Kafka's assignors, for members of this process and whoever leads a group in it. Pure functions.
namespace sluice::coordinator {

using Subscriptions = std::map<std::string, std::vector<std::string>>;  // member id -> topics
using PartitionCounts = std::map<std::string, int32_t>;                 // topic -> partitions
using Assignments =
    std::map<std::string, std::vector<TopicPartitionName>>;  // every member has an entry

// Topic by topic: consecutive partitions to the members in the order of their ids.
Assignments assign_range(const Subscriptions& subscriptions, const PartitionCounts& counts);

// All partitions of all topics in turn over the members that subscribe to the topic.
Assignments assign_round_robin(const Subscriptions& subscriptions, const PartitionCounts& counts);

}  // namespace sluice::coordinator
