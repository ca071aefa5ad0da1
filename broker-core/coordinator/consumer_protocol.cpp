// SPDX-License-Identifier: Apache-2.0
#include "broker-core/coordinator/consumer_protocol.hpp"

#include <map>

#include "broker-core/model/primitives.hpp"

namespace sluice::coordinator {

namespace {

constexpr int32_t kNullBytes = -1;

Error malformed(const char* what) {
  return {ErrorKind::kCorrupt, std::string("consumer protocol: malformed ") + what};
}

}  // namespace

Bytes encode_subscription(const std::vector<std::string>& topics) {
  model::PrimitiveWriter out;
  out.number(int16_t{0}).number(static_cast<int32_t>(topics.size()));
  for (const std::string& topic : topics) out.string(topic);
  out.number(kNullBytes);  // user data
  return out.take();
}

// Later versions only add fields at the end.
Result<std::vector<std::string>> decode_subscription(ByteView bytes) {
  model::PrimitiveReader in(bytes);
  if (in.number<int16_t>() < 0) return malformed("subscription");
  std::vector<std::string> topics;
  for (size_t count = in.array(2); count > 0; --count) topics.push_back(in.string());
  if (!in.ok()) return malformed("subscription");
  return topics;
}

Bytes encode_assignment(const std::vector<TopicPartitionName>& partitions) {
  std::map<std::string, std::vector<int32_t>> by_topic;
  for (const auto& partition : partitions)
    by_topic[partition.topic].push_back(partition.partition.value());
  model::PrimitiveWriter out;
  out.number(int16_t{0}).number(static_cast<int32_t>(by_topic.size()));
  for (const auto& [topic, numbers] : by_topic) {
    out.string(topic).number(static_cast<int32_t>(numbers.size()));
    for (int32_t number : numbers) out.number(number);
  }
  out.number(kNullBytes);
  return out.take();
}

Result<std::vector<TopicPartitionName>> decode_assignment(ByteView bytes) {
  std::vector<TopicPartitionName> partitions;
  if (bytes.empty()) return partitions;  // a member that the leader gave nothing
  model::PrimitiveReader in(bytes);
  if (in.number<int16_t>() < 0) return malformed("assignment");
  for (size_t topics = in.array(6); topics > 0; --topics) {
    const std::string topic = in.string();
    for (size_t count = in.array(4); count > 0; --count) {
      partitions.push_back({topic, PartitionId(in.number<int32_t>())});
    }
  }
  if (!in.ok()) return malformed("assignment");
  return partitions;
}

}  // namespace sluice::coordinator
