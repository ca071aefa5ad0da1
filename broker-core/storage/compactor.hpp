// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <unordered_map>

#include "broker-core/storage/checkpointer.hpp"
#include "broker-core/storage/partition_log.hpp"

namespace sluice::storage {

// Compaction of one partition: of each key only the last record stays, in the closed segments. As in Kafka: a map of
// the keys in the dirty part (bounded in bytes), then clean and dirty segments are written anew in groups of at most
// segment_bytes and swapped in. Made for one run by the housekeeper, on its thread; rounds and readers go on.
class Compactor {
 public:
  Compactor(Context& context, Checkpointer& checkpointer, std::mutex& round_mutex, PartitionLog& partition)
      : context_(context), checkpointer_(checkpointer), round_mutex_(round_mutex), partition_(partition) {}

  // Does nothing unless enough of the log is dirty (min_cleanable_dirty_ratio).
  Status run(TimestampMs now);

 private:
  using Group = std::vector<std::shared_ptr<Segment>>;

  bool worthwhile(const std::vector<std::shared_ptr<Segment>>& closed, Offset clean_to) const;
  Status map_keys(Offset from, Offset to);
  Status each_batch(Offset from, Offset to, const std::function<Result<bool>(ByteView, const BatchRef&)>& use);
  bool keep(const model::RecordView& record) const;
  Status rewrite(const Group& group);
  Status swap(const Group& group, const std::shared_ptr<Segment>& output, bool empty);

  Context& context_;
  Checkpointer& checkpointer_;
  std::mutex& round_mutex_;
  PartitionLog& partition_;
  std::unordered_map<std::string, int64_t> last_;  // key -> offset of its last record in the dirty part
  Offset mapped_to_;                               // records from here on are not in the map and stay
  Offset clean_before_;                            // the part below was clean before this run
  int64_t tombstones_before_ = 0;                  // older tombstones of the clean part go
};

}  // namespace sluice::storage
