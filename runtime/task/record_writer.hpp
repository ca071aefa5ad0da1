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
#include "runtime/task/dead_letters.hpp"
#include "runtime/task/metrics.hpp"
#include "runtime/task/settings.hpp"
#include "runtime/task/topic_batches.hpp"
#include "runtime/task/topic_creation.hpp"

namespace sluice::task {

// A batch of a source and which of its records could not be decoded.
struct Polled {
  plugin::Batch batch;
  std::vector<plugin::RecordFailure> failures;  // by ascending index
  size_t counted = 0;  // bad records before this index are in the metrics already
};

// Turns polled batches into what one append carries: records converted and grouped by topic
// partition into record batches, dead letters for the bad ones, and the newest offset of each
// source partition. Owned by one source task, used by its thread. The record path: no allocation,
// no lock, no clock per record.
class RecordWriter {
 public:
  struct Hooks {
    std::function<void(const std::string& topic, bool created)>
        topic_used;                                    // first record of a topic
    std::function<void(const std::string& line)> log;  // a skipped record, a new dead letter topic
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
  // Makes the dead letter topic if there is to be one.
  Status open_dead_letters() { return dead_letters_.enabled() ? dead_letters_.open() : ok(); }
  uint64_t dead_letters() const { return dead_letters_.count(); }  // held
  // Bytes of records held.
  size_t size_bytes() const { return bytes_; }
  bool empty() const { return bytes_ == 0 && offsets_.empty(); }
  // Everything held, ready to be appended; the writer is empty afterwards.
  log::AppendRequest finish();
  void clear();
  // Forgets what is known of the topics (one was deleted).
  void forget_topics();

 private:
  struct Bytes2 {
    std::optional<ByteView> key, value;
  };
  struct Fault {
    Stage stage;
    std::string text;
  };

  Result<TopicBatches*> topic_of(uint32_t number, const plugin::SourceTask& names);
  Result<TopicBatches*> find_topic(const std::string& name);
  Status add_record(const sluice_record& record, TopicBatches& topic, int64_t now_ms);
  Status convert(const sluice_record& record, const TopicBatches& topic, Bytes2& out);
  Status convert_headers(const sluice_record& record, const TopicBatches& topic);
  Result<int32_t> choose_partition(const sluice_record& record, const TopicBatches& topic,
                                   const std::optional<ByteView>& key) const;
  Status add_offsets(const plugin::Batch& batch, const plugin::SourceTask& names);
  Status bad_record(Polled& polled, size_t index, const std::string& topic, const Fault& fault,
                    int64_t now_ms);
  Status add_dead_letter(const sluice_record& record, const std::string& topic, const Fault& fault,
                         int64_t now_ms);

  const SourceSettings& settings_;
  log::Log& log_;
  TopicCreation creation_;
  Metrics& metrics_;
  Hooks hooks_;
  DeadLetters dead_letters_;
  record::Converter* key_ = nullptr;
  record::Converter* value_ = nullptr;
  record::HeaderConverter* header_ = nullptr;
  record::Arena arena_;
  Stage failed_at_ = Stage::kProduce;                  // of the record that was added last
  std::vector<std::unique_ptr<TopicBatches>> topics_;  // stable addresses
  std::vector<TopicBatches*> by_number_;               // the plugin's numbers
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
