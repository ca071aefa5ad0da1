// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <unordered_map>

#include "broker-core/storage/partition_log.hpp"

namespace sluice::storage {

// Compaction of one partition: of each key only the last record stays, in the closed segments. As
// in Kafka: a map of the keys in the dirty part (bounded in bytes), then clean and dirty segments
// are written anew in groups of at most segment_bytes and swapped in. Made for one run by the
// housekeeper, which lets nothing else remove segments during a call; rounds, checkpoints and
// readers go on.
class Compactor {
 public:
  Compactor(Context& context, std::mutex& round_mutex, std::shared_ptr<PartitionLog> partition)
      : context_(context), round_mutex_(round_mutex), partition_(std::move(partition)) {}

  // Whether enough is dirty (min_cleanable_dirty_ratio) or something has waited too long
  // (max_compaction_lag_ms). If so, the partition expects holes from now on, and a checkpoint has
  // to say so before run().
  Result<bool> prepare(TimestampMs now);
  Status run();

  PartitionLog& partition() { return *partition_; }

 private:
  using Group = std::vector<std::shared_ptr<Segment>>;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };

  Status collect();
  Result<bool> worthwhile();
  Status map_keys();
  Status each_batch(Offset from, Offset to,
                    const std::function<Result<bool>(ByteView, const BatchRef&)>& use);
  bool keep(const model::RecordView& record, const std::optional<int64_t>& horizon) const;
  Status rewrite(const Group& group);
  Status swap(const Group& group, const std::shared_ptr<Segment>& output, bool empty);

  Context& context_;
  std::mutex& round_mutex_;
  const std::shared_ptr<PartitionLog> partition_;
  int64_t now_ = 0;
  Group closed_;         // what may be compacted; its last segments are dirty
  Offset end_;           // of what may be compacted; up to here a checkpoint expects holes
  Offset clean_before_;  // the part below was clean before this run
  Offset mapped_to_;     // records from here on are not in the map and stay
  // key -> offset of its last record in the dirty part
  std::unordered_map<std::string, int64_t, Hash, std::equal_to<>> last_;
};

}  // namespace sluice::storage
