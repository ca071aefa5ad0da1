// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

#include "broker-core/storage/checkpointer.hpp"
#include "broker-core/storage/partition_set.hpp"

namespace sluice::storage {

// Rolls by age, retention and compaction of all partitions, one after the other. Owned by the log;
// runs on the housekeeping thread, rounds go on meanwhile.
class Housekeeper {
 public:
  Housekeeper(Context& context, PartitionSet& partitions, Checkpointer& checkpointer,
              std::mutex& round_mutex)
      : context_(context),
        partitions_(partitions),
        checkpointer_(checkpointer),
        round_mutex_(round_mutex) {}

  // Everything once. The first error is given back; one partition's trouble does not keep the
  // others from it.
  Status run();
  // Moves one partition's log start, durably, and removes what is below it.
  Status delete_records(PartitionLog& partition, Offset before);
  // While the result lives, no segment is removed or replaced (topics may be deleted).
  std::unique_lock<std::mutex> hold() { return std::unique_lock(mutex_); }

 private:
  Status remove_below_start(PartitionLog& partition, Offset durable_start);

  Context& context_;
  PartitionSet& partitions_;
  Checkpointer& checkpointer_;
  std::mutex& round_mutex_;
  std::mutex mutex_;  // held by whoever removes or replaces segments; taken before all others
};

}  // namespace sluice::storage
