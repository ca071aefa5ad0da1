// SPDX-License-Identifier: Apache-2.0
#include "runtime/task/record_writer.hpp"

#include <algorithm>

#include "runtime/record/java_map.hpp"
#include "runtime/record/json_data.hpp"
#include "runtime/record/to_text.hpp"
#include "runtime/record/value.hpp"

namespace sluice::task {
namespace {

constexpr uint32_t kNumbersMax = 1u << 20;  // of topics and source partitions that one task may use

// A key, value or header as the plugin gave it: bytes and strings as they are, the rest as JSON.
Result<std::optional<ByteView>> raw_form(const sluice_schema* schema, const sluice_value& value,
                                         record::Arena& arena) {
  if (record::is_null(value)) return std::optional<ByteView>();
  if (record::has_bytes(value.type)) return std::optional(as_bytes(record::text(value)));
  std::string text;
  record::JsonWriter json(&text);
  if (!record::write_json_data(json, schema, value, {}).ok()) {  // it does not fit its schema
    text.clear();
    SLUICE_TRY(record::append_java_string(text, schema, value));
  } else {
    json.finish();
  }
  const std::string_view kept = arena.copy(text);
  if (kept.data() == nullptr)
    return Error{ErrorKind::kFatal, "a record of " + std::to_string(text.size()) +
                                        " bytes is too large for the dead letter topic"};
  return std::optional(as_bytes(kept));
}

}  // namespace

RecordWriter::RecordWriter(const SourceSettings& settings, log::Log& log, TopicCreation topics,
                           Metrics& metrics, Hooks hooks)
    : settings_(settings),
      log_(log),
      creation_(std::move(topics)),
      metrics_(metrics),
      hooks_(std::move(hooks)),
      dead_letters_(settings, log, [this](const std::string& topic) {
        hooks_.log("created the dead letter topic " + topic);
      }) {}

Status RecordWriter::add(Polled& polled, const plugin::SourceTask& names, int64_t now_ms) {
  TopicBatches* topic = nullptr;
  uint32_t topic_number = 0;
  const plugin::Batch& batch = polled.batch;
  const size_t count = batch.size();
  auto undecoded = polled.failures.begin();
  for (size_t i = 0; i < count; ++i) {
    const sluice_record& record = batch.record(i);
    if (undecoded != polled.failures.end() && undecoded->index == i) [[unlikely]] {
      SLUICE_TRY(bad_record(polled, i, std::string(names.topic_name(record.topic)),
                            {Stage::kPoll, undecoded->outcome.text}, now_ms));
      ++undecoded;
      continue;
    }
    if (topic == nullptr || record.topic != topic_number) {
      SLUICE_ASSIGN(topic, topic_of(record.topic, names));
      topic_number = record.topic;
    }
    Status added = add_record(record, *topic, now_ms);
    if (!added.ok()) [[unlikely]] {
      if (added.error().kind != ErrorKind::kRecord) return added;
      const Stage stage = std::exchange(failed_at_, Stage::kProduce);
      SLUICE_TRY(bad_record(polled, i, topic->name(), {stage, added.error().message}, now_ms));
    }
  }
  arena_.reset();
  for (auto& known : topics_) known->turn();
  return add_offsets(batch, names);
}

Status RecordWriter::add_record(const sluice_record& record, TopicBatches& topic, int64_t now_ms) {
  Bytes2 converted;
  SLUICE_TRY(convert(record, topic, converted));
  headers_.clear();
  if (record.header_count > 0) SLUICE_TRY(convert_headers(record, topic));
  int32_t number = 0;
  if (topic.partitions() > 1 || record.partition > 0) {
    SLUICE_ASSIGN(number, choose_partition(record, topic, converted.key));
  }
  const int64_t timestamp =
      record.timestamp_ms == SLUICE_NO_TIMESTAMP ? now_ms : record.timestamp_ms;
  return topic.add(number, timestamp, converted.key, converted.value, headers_, bytes_);
}

Status RecordWriter::convert(const sluice_record& record, const TopicBatches& topic, Bytes2& out) {
  // Null without a schema is null bytes in every converter.
  if (record.key.type != SLUICE_NULL || record.key_schema != nullptr) {
    auto key = key_->from_connect(topic.name(), record.key_schema, record.key, arena_);
    if (!key.ok()) [[unlikely]]
      return failed_at_ = Stage::kKeyConverter, key.error().with("key");
    out.key = *key;
  }
  if (record.value.type != SLUICE_NULL || record.value_schema != nullptr) {
    auto value = value_->from_connect(topic.name(), record.value_schema, record.value, arena_);
    if (!value.ok()) [[unlikely]]
      return failed_at_ = Stage::kValueConverter, value.error().with("value");
    out.value = *value;
  }
  return ok();
}

Status RecordWriter::convert_headers(const sluice_record& record, const TopicBatches& topic) {
  for (uint32_t i = 0; i < record.header_count; ++i) {
    const sluice_header& header = record.headers[i];
    const std::string_view name(header.key.data, header.key.size);
    auto value = header_->from_connect(topic.name(), name, header.schema, header.value, arena_);
    if (!value.ok()) {
      failed_at_ = Stage::kHeaderConverter;
      return value.error().with("header " + std::string(name));
    }
    headers_.push_back({name, *value});
  }
  return ok();
}

Result<int32_t> RecordWriter::choose_partition(const sluice_record& record,
                                               const TopicBatches& topic,
                                               const std::optional<ByteView>& key) const {
  const int32_t count = topic.partitions();
  if (record.partition >= 0) {
    if (record.partition < count) return record.partition;
    return Error{ErrorKind::kRecord, "partition " + std::to_string(record.partition) +
                                         " does not exist, topic " + topic.name() + " has " +
                                         std::to_string(count)};
  }
  return topic.partition_for(key);
}

Status RecordWriter::bad_record(Polled& polled, size_t index, const std::string& topic,
                                const Fault& fault, int64_t now_ms) {
  const bool first_time = index >= polled.counted;  // a batch is added again when its append failed
  if (first_time) {
    polled.counted = index + 1;
    metrics_.total_record_errors.fetch_add(1, std::memory_order_relaxed);
    metrics_.last_error_timestamp_ms.store(now_ms, std::memory_order_relaxed);
  }
  const std::string where = "record " + std::to_string(index) + " of the batch, topic " + topic;
  if (!settings_.errors.tolerate_all) {
    if (first_time) metrics_.total_record_failures.fetch_add(1, std::memory_order_relaxed);
    return Error{ErrorKind::kRecord,
                 "Tolerance exceeded in error handler: " + where + ": " + fault.text};
  }
  if (first_time) {
    metrics_.total_records_skipped.fetch_add(1, std::memory_order_relaxed);
    if (settings_.errors.log) {
      metrics_.total_errors_logged.fetch_add(1, std::memory_order_relaxed);
      hooks_.log("skipped " + where + ": " + fault.text);
    }
    if (dead_letters_.enabled())
      metrics_.dead_letter_requests.fetch_add(1, std::memory_order_relaxed);
  }
  if (!dead_letters_.enabled()) return ok();
  return add_dead_letter(polled.batch.record(index), topic, fault, now_ms);
}

Status RecordWriter::add_dead_letter(const sluice_record& record, const std::string& topic,
                                     const Fault& fault, int64_t now_ms) {
  DeadLetter letter;
  SLUICE_ASSIGN(letter.key, raw_form(record.key_schema, record.key, arena_));
  SLUICE_ASSIGN(letter.value, raw_form(record.value_schema, record.value, arena_));
  headers_.clear();
  for (uint32_t i = 0; i < record.header_count; ++i) {
    const sluice_header& header = record.headers[i];
    SLUICE_ASSIGN(auto bytes, raw_form(header.schema, header.value, arena_));
    headers_.push_back({{header.key.data, header.key.size}, bytes});
  }
  letter.headers = headers_;
  letter.topic = topic;
  letter.partition = record.partition;
  letter.timestamp = record.timestamp_ms == SLUICE_NO_TIMESTAMP ? now_ms : record.timestamp_ms;
  letter.stage = fault.stage;
  letter.error = fault.text;
  return dead_letters_.add(letter, bytes_);
}

// Of each source partition only the newest offset of the batch counts: the batch becomes durable as
// a whole.
Status RecordWriter::add_offsets(const plugin::Batch& batch, const plugin::SourceTask& names) {
  const sluice_batch& raw = batch.view();
  ++batch_stamp_;
  for (uint32_t i = raw.offset_count; i-- > 0;) {
    const sluice_source_offset& offset = raw.offsets[i];
    if (offset.partition >= kNumbersMax)
      return Error{ErrorKind::kFatal,
                   "the plugin uses a source partition that it has not interned"};
    if (offset.partition >= offset_slot_.size()) {
      offset_slot_.resize(offset.partition + 1, -1);
      seen_.resize(offset.partition + 1, 0);
    }
    if (seen_[offset.partition] == batch_stamp_) continue;
    seen_[offset.partition] = batch_stamp_;
    std::optional<std::string> json;  // none: what is stored is deleted
    if (!record::is_null(offset.offset)) {
      auto text = record::java_map_json(offset.offset);
      if (!text.ok()) return Error{ErrorKind::kFatal, text.error().message};
      json = std::move(*text);
    }
    int64_t& slot = offset_slot_[offset.partition];
    if (slot < 0) {
      slot = static_cast<int64_t>(offsets_.size());
      offsets_.push_back(
          {offset.partition, std::string(names.partition_json(offset.partition)), {}});
    }
    offsets_[static_cast<size_t>(slot)].offset = std::move(json);
  }
  return ok();
}

Result<TopicBatches*> RecordWriter::topic_of(uint32_t number, const plugin::SourceTask& names) {
  if (number < by_number_.size() && by_number_[number] != nullptr) return by_number_[number];
  if (number >= kNumbersMax)
    return Error{ErrorKind::kFatal, "the plugin uses a topic that it has not interned"};
  const std::string name(names.topic_name(number));
  if (name.empty())
    return Error{ErrorKind::kFatal, "the plugin uses a topic that it has not interned"};
  SLUICE_ASSIGN(TopicBatches * topic, find_topic(name));
  if (number >= by_number_.size()) by_number_.resize(number + 1, nullptr);
  by_number_[number] = topic;
  return topic;
}

Result<TopicBatches*> RecordWriter::find_topic(const std::string& name) {
  for (auto& topic : topics_)
    if (topic->name() == name) return topic.get();
  SLUICE_ASSIGN(KnownTopic known, creation_.find_or_create(log_, name));
  auto topic = std::make_unique<TopicBatches>(name, known.partitions, known.max_message_bytes);
  topics_.push_back(std::move(topic));
  hooks_.topic_used(name, known.created);
  return topics_.back().get();
}

log::AppendRequest RecordWriter::finish() {
  log::AppendRequest request;
  for (auto& topic : topics_) topic->finish(request.batches);
  dead_letters_.finish(request.batches);
  for (PendingOffset& offset : offsets_)
    request.offsets.push_back(
        {settings_.id.connector, std::move(offset.partition_json), std::move(offset.offset)});
  for (const PendingOffset& offset : offsets_) offset_slot_[offset.partition] = -1;
  offsets_.clear();
  bytes_ = 0;
  return request;
}

void RecordWriter::clear() {
  (void)finish();
  arena_.reset();
}

void RecordWriter::forget_topics() {
  clear();
  by_number_.clear();
  topics_.clear();
  dead_letters_.forget_topic();
}

}  // namespace sluice::task
