// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker-core/model/record_batch.hpp"
#include "runtime/log/log.hpp"
#include "runtime/plugin/connector.hpp"
#include "runtime/record/arena.hpp"
#include "runtime/record/converter.hpp"
#include "runtime/task/metrics.hpp"
#include "runtime/task/settings.hpp"
#include "runtime/task/topic_creation.hpp"

namespace sluice::task {

// A batch of a source and which of its records could not be decoded.
struct Polled {
  plugin::Batch batch;
  std::vector<plugin::RecordFailure> failures;  // by ascending index
  size_t counted = 0;  // bad records before this index are in the metrics already
};

// Turns polled batches into what one append carries: records converted and grouped by topic
// partition into record batches, and the newest offset of each source partition. Owned by one
// source task, used by its thread. The record path: no allocation, no lock, no clock per record.
class RecordWriter {
 public:
  struct Hooks {
    std::function<void(const std::string& topic, bool created)>
        topic_used;                                    // first record of a topic
    std::function<void(const std::string& line)> log;  // a skipped record
  };
  RecordWriter(const SourceSettings& settings, log::Log& log, TopicCreation topics,
               Metrics& metrics, Hooks hooks);
  void use(record::Converter* key, record::Converter* value, record::HeaderConverter* header) {
    key_ = key, value_ = value, header_ = header;
  }

  // Adds all of `polled`. kRecord: a record is bad and errors.tolerance is none. Other errors: a
  // topic that cannot be found or made (kRetriable among them). After an error the writer holds a
  // part of the batch: clear() it.
  Status add(Polled& polled, const plugin::SourceTask& names, int64_t now_ms);
  // Bytes of records held.
  size_t size_bytes() const { return bytes_; }
  bool empty() const { return bytes_ == 0 && offsets_.empty(); }
  // Everything held, ready to be appended; the writer is empty afterwards.
  log::AppendRequest finish();
  void clear();
  // Forgets what is known of the topics (one was deleted).
  void forget_topics();

 private:
  struct Partition {
    model::BatchBuilder builder{0};
    std::vector<Bytes> full;
  };
  struct Topic {
    std::string name;
    uint64_t max_batch_bytes = 0;
    int32_t sticky = 0;  // where records without a key go until the next batch
    std::vector<Partition> partitions;
  };
  struct Bytes2 {
    std::optional<ByteView> key, value;
  };

  Result<Topic*> topic_of(uint32_t number, const plugin::SourceTask& names);
  Result<Topic*> find_topic(const std::string& name);
  Status add_record(const sluice_record& record, Topic& topic, int64_t now_ms);
  Status convert(const sluice_record& record, const Topic& topic, Bytes2& out);
  Status convert_headers(const sluice_record& record, const Topic& topic);
  Result<int32_t> choose_partition(const sluice_record& record, const Topic& topic,
                                   const std::optional<ByteView>& key) const;
  Status add_offsets(const plugin::Batch& batch, const plugin::SourceTask& names);
  Status bad_record(Polled& polled, size_t index, const std::string& topic, const Error& error,
                    int64_t now_ms);

  const SourceSettings& settings_;
  log::Log& log_;
  TopicCreation creation_;
  Metrics& metrics_;
  Hooks hooks_;
  record::Converter* key_ = nullptr;
  record::Converter* value_ = nullptr;
  record::HeaderConverter* header_ = nullptr;
  record::Arena arena_;
  std::vector<std::unique_ptr<Topic>> topics_;  // stable addresses
  std::vector<Topic*> by_number_;               // the plugin's numbers
  std::vector<model::HeaderView> headers_;
  struct PendingOffset {
    uint32_t partition;
    std::string partition_json;
    std::optional<std::string> offset;
  };
  std::vector<PendingOffset> offsets_;
  std::vector<int64_t> offset_slot_;  // by partition number: index in offsets_, or -1
  std::vector<uint64_t> seen_;  // by partition number: the batch whose newest offset was taken
  uint64_t batch_stamp_ = 0;
  size_t bytes_ = 0;
};

}  // namespace sluice::task
