// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "broker-core/storage/commit_log.hpp"
#include "broker-core/storage/partition_set.hpp"
#include "broker-core/storage/sync_thread.hpp"
#include "broker-core/storage/watches.hpp"

namespace sluice::storage {

// The queue of appends and the rounds that make them durable: segments, one commit log write with
// one fdatasync, high watermarks, acknowledgements. Owned by the log. append() on any thread;
// run_round() on the commit thread (or as executor work). The order of steps is the guarantee:
// docs/architecture, "life of a record".
class Committer {
 public:
  // `threads`: large rounds may use a second thread (not in simulation).
  Committer(Context& context, PartitionSet& partitions, CommitLog& commit_log, Watches& watches,
            std::mutex& round_mutex, bool threads)
      : context_(context),
        partitions_(partitions),
        commit_log_(commit_log),
        watches_(watches),
        round_mutex_(round_mutex),
        sync_beside_(threads) {}

  // Checks the input and queues it; bad input is queued too, as an error to hand out in order.
  void append(std::vector<PartitionAppend> entries, AppendDone done);
  // One round with what is queued, as much as fits; false if nothing was queued.
  bool run_round();
  // Blocks until something is queued or close() was called; false when closed and empty.
  bool wait();
  // Nothing more is taken; what is queued is still run.
  void close();
  // After close() and the commit thread: runs what is left. Later appends are answered where they
  // are made, as there is nobody else.
  void finish();
  bool empty() const;
  // Commit log bytes written since the last call of take_bytes().
  uint64_t bytes() const { return bytes_; }
  uint64_t take_bytes() { return bytes_.exchange(0); }

 private:
  struct Entry {
    PartitionAppend append;
    std::vector<BatchRef> batches;  // views into append.batches
  };
  struct Pending {
    std::vector<Entry> entries;
    AppendDone done;
    size_t bytes = 0;
    Result<std::vector<AppendResult>> result = std::vector<AppendResult>();
  };
  struct Part {  // of a round: what one partition gets
    std::shared_ptr<PartitionLog> partition;
    Offset next;
    std::vector<BatchRef> batches;
    uint64_t bytes = 0;
  };
  struct Parts {
    std::vector<Part> list;
    std::unordered_map<TopicPartition, size_t> index;
  };

  Status check(Entry& entry) const;
  std::deque<Pending> take_queued();
  Status assign(Pending& pending, Parts& parts, std::vector<FrameEntry>& frame);
  Status write(std::vector<Part>& parts, std::vector<std::vector<FrameEntry>>& frames,
               uint64_t bytes);
  Status write_through(std::vector<Part>& parts, std::vector<std::vector<FrameEntry>>& frames);
  bool goes_through(const Part& part) const;
  void fail(std::deque<Pending>& round, const Error& error);

  Context& context_;
  PartitionSet& partitions_;
  CommitLog& commit_log_;
  Watches& watches_;
  std::mutex& round_mutex_;
  const bool sync_beside_;
  SyncThread sync_thread_;
  std::atomic<uint64_t> bytes_{0};

  mutable std::mutex queue_mutex_;  // guards all below
  std::condition_variable queued_;
  std::deque<Pending> queue_;
  size_t queue_bytes_ = 0;
  bool closed_ = false;
  bool finished_ = false;
};

}  // namespace sluice::storage
