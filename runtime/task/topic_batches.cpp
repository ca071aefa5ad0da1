// SPDX-License-Identifier: Apache-2.0
#include "runtime/task/topic_batches.hpp"

#include "broker-core/model/partitioner.hpp"

namespace sluice::task {
namespace {

constexpr size_t kBuilderReserve = 1u << 20;
constexpr uint64_t kBatchBytesMax = 1u << 20;  // larger batches only where one record needs it

}  // namespace

TopicBatches::TopicBatches(std::string name, int32_t partitions, uint64_t max_message_bytes)
    : name_(std::move(name)),
      max_message_bytes_(max_message_bytes),
      partitions_(static_cast<size_t>(partitions)) {
  if (partitions == 1) partitions_[0].builder = model::BatchBuilder(kBuilderReserve);
}

int32_t TopicBatches::partition_for(const std::optional<ByteView>& key) const {
  return key ? model::partition_for_key(*key, partitions()).value() : sticky_;
}

Status TopicBatches::add(int32_t number, int64_t timestamp, const std::optional<ByteView>& key,
                         const std::optional<ByteView>& value,
                         std::span<const model::HeaderView> headers, size_t& bytes) {
  Partition& partition = partitions_[static_cast<size_t>(number)];
  const size_t size = model::BatchBuilder::record_size_max(key, value, headers);
  if (partition.builder.size_bytes() + size > kBatchBytesMax && !partition.builder.empty())
    partition.full.push_back(partition.builder.finish());
  if (partition.builder.size_bytes() + size > max_message_bytes_) [[unlikely]] {
    if (!partition.builder.empty()) partition.full.push_back(partition.builder.finish());
    if (partition.builder.size_bytes() + size > max_message_bytes_)
      return Error{ErrorKind::kRecord,
                   "The message is " + std::to_string(size) +
                       " bytes when serialized which is larger than " +
                       std::to_string(max_message_bytes_) +
                       ", which is the value of the max.message.bytes configuration of topic " +
                       name_ + "."};
  }
  const size_t before = partition.builder.size_bytes();
  if (!partition.builder.add(timestamp, key, value, headers))
    return Error{ErrorKind::kRecord, "The record is too large for a record batch."};
  bytes += partition.builder.size_bytes() - before;
  return ok();
}

void TopicBatches::finish(std::vector<log::BatchAppend>& out) {
  for (size_t p = 0; p < partitions_.size(); ++p) {
    Partition& partition = partitions_[p];
    if (!partition.builder.empty()) partition.full.push_back(partition.builder.finish());
    for (Bytes& batch : partition.full)
      out.push_back({{name_, PartitionId(static_cast<int32_t>(p))}, std::move(batch)});
    partition.full.clear();
  }
}

}  // namespace sluice::task
