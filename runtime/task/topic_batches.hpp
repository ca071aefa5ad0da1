// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker-core/model/record_batch.hpp"
#include "runtime/log/log.hpp"

namespace sluice::task {

// The record batches that one append will carry for one topic. Owned by the writer that fills it,
// used by the thread of its task.
class TopicBatches {
 public:
  TopicBatches(std::string name, int32_t partitions, uint64_t max_message_bytes);

  const std::string& name() const { return name_; }
  int32_t partitions() const { return static_cast<int32_t>(partitions_.size()); }
  // By the key, as Kafka's producer does it; records without one go where the others went since the
  // last turn().
  int32_t partition_for(const std::optional<ByteView>& key) const;
  void turn() { sticky_ = (sticky_ + 1) % partitions(); }

  // Adds a record, and to `bytes` what it takes. kRecord: no batch of the topic may be so large.
  Status add(int32_t partition, int64_t timestamp, const std::optional<ByteView>& key,
             const std::optional<ByteView>& value, std::span<const model::HeaderView> headers,
             size_t& bytes);
  // Moves all that was added to the end of `out`.
  void finish(std::vector<log::BatchAppend>& out);

 private:
  struct Partition {
    model::BatchBuilder builder{0};
    std::vector<Bytes> full;
  };
  const std::string name_;
  const uint64_t max_message_bytes_;
  int32_t sticky_ = 0;
  std::vector<Partition> partitions_;
};

}  // namespace sluice::task
