// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "broker-core/model/record_batch.hpp"
#include "runtime/log/log.hpp"
#include "runtime/plugin/connector.hpp"
#include "runtime/record/arena.hpp"
#include "runtime/record/converter.hpp"

namespace sluice::task {

// The memory of batches that sinks get: the fetched bytes, what was decompressed and converted, the
// record structs. A plugin may keep a batch and release it later from any thread, so blocks come
// from a pool that outlives the task.
class SinkBatchPool : public std::enable_shared_from_this<SinkBatchPool> {
 public:
  struct Block {
    Bytes bytes;
    std::vector<model::RecordReader> readers;  // own the decompressed records
    std::vector<sluice_record> records;
    record::Arena arena;
    std::shared_ptr<SinkBatchPool> pool;  // while it is out
  };
  std::unique_ptr<Block> take();
  // Hands the block over: `batch` releases it.
  void fill(std::unique_ptr<Block> block, plugin::Batch& batch);
  // Takes one record out. False: the batch is none of a pool's, or a plugin has moved it away.
  static bool remove(plugin::Batch& batch, size_t index);

 private:
  static void release(sluice_batch* batch);
  void give_back(std::unique_ptr<Block> block);

  static constexpr size_t kKept = 4;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Block>> free_;
};

// Turns fetched record batches into records for a sink. Owned by one sink task, used by its thread.
class SinkDecoder {
 public:
  struct BadRecord {
    Offset offset;
    std::string what;
  };
  SinkDecoder(record::Converter* key, record::Converter* value, record::HeaderConverter* header)
      : key_(key), value_(value), header_(header) {}

  // Decodes all of `fetched`; `next` becomes the offset after it. Records that do not convert are
  // left out and listed in `bad`. kCorrupt and such: the bytes are no record batches.
  Status decode(log::Fetched fetched, uint32_t topic, plugin::Batch& batch, Offset& next,
                std::vector<BadRecord>& bad);

 private:
  Status decode_batch(ByteView bytes, const log::Fetched& fetched, uint32_t topic,
                      SinkBatchPool::Block& block, std::vector<BadRecord>& bad);
  Status convert(const std::string& topic, const model::RecordView& view,
                 SinkBatchPool::Block& block, sluice_record& record);

  record::Converter* key_;
  record::Converter* value_;
  record::HeaderConverter* header_;
  std::shared_ptr<SinkBatchPool> pool_ = std::make_shared<SinkBatchPool>();
  model::RecordView view_;
};

}  // namespace sluice::task
