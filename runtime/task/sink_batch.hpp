// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "broker-core/model/record_batch.hpp"
#include "runtime/log/log.hpp"
#include "runtime/plugin/connector.hpp"
#include "runtime/record/arena.hpp"
#include "runtime/record/converter.hpp"
#include "runtime/task/dead_letters.hpp"

namespace sluice::task {

// Records as they came from the log, and what was decompressed of them. Shared by the batch that
// was made of them and by the task, which may need them for the dead letter topic.
struct RawRecords {
  Bytes bytes;
  std::vector<model::RecordReader> readers;

  // Calls each(record) for those at `offsets` (ascending) until it says false. kFatal: one is not
  // there.
  Status find(std::span<const Offset> offsets,
              const std::function<Result<bool>(const model::RecordView&)>& each);
};

// The memory of batches that sinks get: the fetched records, what was converted of them, the record
// structs. A plugin may keep a batch and release it later from any thread, so blocks come
// from a pool that outlives the task.
class SinkBatchPool : public std::enable_shared_from_this<SinkBatchPool> {
 public:
  struct Block {
    std::shared_ptr<RawRecords> raw;
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
    Stage stage;
    std::string what;
  };
  struct Decoded {
    plugin::Batch batch;
    Offset next{0};              // after the last one
    std::vector<BadRecord> bad;  // those that do not convert: they are not in the batch
    std::shared_ptr<RawRecords> raw;
  };
  SinkDecoder(record::Converter* key, record::Converter* value, record::HeaderConverter* header)
      : key_(key), value_(value), header_(header) {}

  // All of `fetched`. kCorrupt and such: the bytes are no record batches.
  Result<Decoded> decode(log::Fetched fetched, uint32_t topic);

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
  Stage failed_at_ = Stage::kValueConverter;  // of the last record that did not convert
};

}  // namespace sluice::task
