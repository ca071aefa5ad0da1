// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// A number that means one thing only. Construction and reading back are explicit; two tags never mix.
template <class Rep, class Tag>
class Strong {
 public:
  using rep = Rep;
  constexpr Strong() = default;
  explicit constexpr Strong(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(Strong, Strong) = default;

 private:
  Rep value_{};
};

// A record's position in a partition, as in Kafka. Offset + count is an Offset; Offset - Offset a count.
using Offset = Strong<int64_t, struct OffsetTag>;
constexpr Offset operator+(Offset offset, int64_t count) { return Offset(offset.value() + count); }
constexpr int64_t operator-(Offset a, Offset b) { return a.value() - b.value(); }

using PartitionId = Strong<int32_t, struct PartitionTag>;
using LeaderEpoch = Strong<int32_t, struct LeaderEpochTag>;
using ProducerId = Strong<int64_t, struct ProducerIdTag>;
using GenerationId = Strong<int32_t, struct GenerationTag>;
using TimestampMs = Strong<int64_t, struct TimestampTag>;  // milliseconds since the Unix epoch

// A topic's identity (KIP-516): 16 random bytes; a topic that is deleted and made anew gets another one.
struct TopicId {
  std::array<uint8_t, 16> bytes{};
  friend auto operator<=>(const TopicId&, const TopicId&) = default;
  std::string to_string() const;  // URL-safe base64 without padding, as Kafka prints it
};

struct TopicPartition {  // by identity: what the storage knows
  TopicId topic;
  PartitionId partition;
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

struct TopicPartitionName {  // by name: what connectors and clients know
  std::string topic;
  PartitionId partition;
  friend auto operator<=>(const TopicPartitionName&, const TopicPartitionName&) = default;
  std::string to_string() const { return topic + "-" + std::to_string(partition.value()); }
};

using ByteView = std::span<const std::byte>;
using Bytes = std::vector<std::byte>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(std::string_view text) {
  auto view = as_bytes(text);
  return Bytes(view.begin(), view.end());
}

}  // namespace sluice

template <class Rep, class Tag>
struct std::hash<sluice::Strong<Rep, Tag>> {
  size_t operator()(sluice::Strong<Rep, Tag> v) const { return std::hash<Rep>()(v.value()); }
};
template <>
struct std::hash<sluice::TopicId> {
  size_t operator()(const sluice::TopicId& id) const {
    return std::hash<std::string_view>()({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
  }
};
template <>
struct std::hash<sluice::TopicPartition> {
  size_t operator()(const sluice::TopicPartition& tp) const {
    return std::hash<sluice::TopicId>()(tp.topic) * 31 + static_cast<size_t>(tp.partition.value());
  }
};
template <>
struct std::hash<sluice::TopicPartitionName> {
  size_t operator()(const sluice::TopicPartitionName& tp) const {
    return std::hash<std::string>()(tp.topic) * 31 + static_cast<size_t>(tp.partition.value());
  }
};
