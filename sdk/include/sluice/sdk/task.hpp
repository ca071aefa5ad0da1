// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/config.hpp>
#include <sluice/sdk/record_batch.hpp>
#include <sluice/sdk/sink_batch.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::sdk {

namespace detail {
struct Access;
}

// What every task and connector is: made by the worker through its default constructor, given its Context,
// started with its config. Functions of the author may throw; the wrapper turns an exception into FATAL with
// its text.
class Instance {
 public:
  Instance() = default;
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  virtual ~Instance() = default;  // called after stop; ends threads and connections

  // Called once, before anything else. `config` is valid during the call.
  virtual Status start(const Config& config) = 0;

  // [any] Ends waits of this object soon; comes from another thread, also while a call runs. Must not block.
  virtual void stop() {}

 protected:
  const Context& context() const { return context_; }

 private:
  friend struct detail::Access;
  Context context_;
};

struct PollLimits {
  uint32_t records_max;
  uint64_t bytes_max;     // of keys, values and headers; one record may exceed it
  uint32_t wait_max_ms;   // blocking classes may wait so long for the first record
};

// A source task. The worker calls start, then poll and ack in turns, stop, and destroys it; one thread at a
// time.
class SourceTask : public Instance {
 public:
  // Adds records and offsets to `batch`. An empty batch means: nothing now. Error::end(): nothing ever again.
  virtual Status poll(const PollLimits& limits, RecordBatch& batch) = 0;

  // All batches up to number `batch` (non-empty ones are counted from 1) are durable with their offsets: now
  // the other system may be told so.
  virtual Status ack(uint64_t batch) {
    (void)batch;
    return ok();
  }

 private:
  friend struct detail::Access;
  std::shared_ptr<detail::BatchPool> pool_ = std::make_shared<detail::BatchPool>();
};

using PartitionOffset = sluice_partition_offset;

// A sink task. The worker calls start, then (open, (put | commit)*, close)*, stop, and destroys it; one
// thread at a time.
class SinkTask : public Instance {
 public:
  // These partitions are ours from now on. Targets that keep offsets set next_offset and refuse an older
  // epoch.
  virtual Status open(std::span<PartitionOffset> partitions, int64_t epoch) {
    (void)partitions, (void)epoch;
    return ok();
  }
  // RETRIABLE and NOT_CONNECTED: the same batch comes again, so none of it may count as put.
  virtual Status put(SinkBatch& batch) = 0;
  // Make what was put durable, up to next_offset of each partition; lower next_offset where less is durable.
  virtual Status commit(std::span<PartitionOffset> partitions) {
    (void)partitions;
    return ok();
  }
  // `lost`: another owner may have them already; commit nothing.
  virtual void close(std::span<const PartitionOffset> partitions, bool lost) { (void)partitions, (void)lost; }
};

// The config of one task, as key and value.
using TaskConfig = std::vector<std::pair<std::string, std::string>>;

// The control side of a source or sink that has to discover something before it knows its tasks. Optional:
// without one the connector has one task with the connector's own config.
class Connector : public Instance {
 public:
  Status start(const Config& config) override {
    (void)config;
    return ok();
  }
  virtual Result<std::vector<TaskConfig>> task_configs(uint32_t tasks_max) = 0;
};

}  // namespace sluice::sdk
