// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "broker-core/base/result.hpp"
#include "broker-core/base/types.hpp"

// What consumers put into the group protocol's opaque bytes
// (ConsumerProtocolSubscription/Assignment), so that Kafka's tools can show the members of our
// groups. Written as version 0, read in every version.
namespace sluice::coordinator {

Bytes encode_subscription(const std::vector<std::string>& topics);
Result<std::vector<std::string>> decode_subscription(ByteView bytes);

Bytes encode_assignment(const std::vector<TopicPartitionName>& partitions);
Result<std::vector<TopicPartitionName>> decode_assignment(ByteView bytes);

}  // namespace sluice::coordinator
