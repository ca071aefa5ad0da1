// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/batch_check.hpp"

namespace sluice::plugin {
namespace {

constexpr uint32_t kMaxDepth = 64;
constexpr uint32_t kMaxHeaders = 10'000;  // of one record
constexpr uint32_t kOffsetsPerRecord = 16;

const char* check_value(const sluice_value& value, const sluice_schema* schema, uint32_t depth);

const char* check_items(const sluice_value& value, const sluice_schema* schema, uint32_t depth) {
  if (depth >= kMaxDepth) return "a value nested too deeply";
  if (value.size == 0)
    return value.type == SLUICE_STRUCT && schema && schema->field_count != 0
               ? "a struct without its fields"
               : nullptr;
  if (value.as.items == nullptr) return "an array, map or struct without items";
  if (value.type == SLUICE_STRUCT) {
    if (schema == nullptr) return "a struct without a schema";
    if (schema->field_count != value.size)
      return "a struct with another number of fields than its schema";
    for (uint32_t i = 0; i < value.size; ++i) {
      if (const char* text = check_value(value.as.items[i], schema->fields[i].schema, depth + 1))
        return text;
    }
    return nullptr;
  }
  const sluice_schema* values = schema ? schema->value_schema : nullptr;
  const sluice_schema* keys =
      value.type == SLUICE_MAP ? (schema ? schema->key_schema : nullptr) : values;
  uint64_t count = value.type == SLUICE_MAP ? uint64_t{value.size} * 2 : value.size;
  for (uint64_t i = 0; i < count; ++i) {
    if (const char* text = check_value(value.as.items[i], i % 2 == 0 ? keys : values, depth + 1))
      return text;
  }
  return nullptr;
}

inline const char* check_value(const sluice_value& value, const sluice_schema* schema,
                               uint32_t depth) {
  if (schema != nullptr && value.type != SLUICE_NULL && value.type != schema->type) {
    return "a value of another type than its schema";
  }
  if (value.type <= SLUICE_FLOAT64) return nullptr;
  if (value.type <= SLUICE_BYTES)
    return value.as.bytes == nullptr && value.size > 0 ? "a string without bytes" : nullptr;
  if (value.type <= SLUICE_STRUCT) return check_items(value, schema, depth);
  return "a value of unknown type";
}

const char* check_headers(const sluice_record& record) {
  if (record.header_count > kMaxHeaders || record.headers == nullptr)
    return "a broken list of headers";
  for (uint32_t i = 0; i < record.header_count; ++i) {
    const auto& header = record.headers[i];
    if (header.key.data == nullptr) return "a header without a key";
    if (const char* text = check_value(header.value, header.schema, 0)) return text;
  }
  return nullptr;
}

inline const char* check_record(const sluice_record& record, const BatchBounds& bounds) {
  if (record.topic >= bounds.topics) return "a topic number that intern_topic did not give";
  if (record.partition < SLUICE_ANY_PARTITION) return "a negative partition";
  if (record.flags != 0) return "unknown flags";
  if (const char* text = check_value(record.key, record.key_schema, 0)) return text;
  if (const char* text = check_value(record.value, record.value_schema, 0)) return text;
  return record.header_count == 0 ? nullptr : check_headers(record);
}

const char* check_offset(const sluice_batch& batch, uint32_t index, const BatchBounds& bounds) {
  const auto& offset = batch.offsets[index];
  if (offset.partition >= bounds.partitions)
    return "a partition number that intern_partition did not give";
  if (offset.last_record >= batch.record_count &&
      !(batch.record_count == 0 && offset.last_record == 0)) {
    return "a last_record that is not in the batch";
  }
  if (index > 0 && offset.last_record < batch.offsets[index - 1].last_record)
    return "a last_record that goes back";
  if (offset.offset.type != SLUICE_MAP && offset.offset.type != SLUICE_NULL)
    return "an offset that is no map";
  return check_value(offset.offset, nullptr, 0);
}

}  // namespace

std::optional<std::string> check_batch(const sluice_batch& batch, const BatchBounds& bounds) {
  if (batch.record_count > bounds.records_max) {
    return "a batch of " + std::to_string(batch.record_count) + " records, at most " +
           std::to_string(bounds.records_max) + " were asked for";
  }
  if (batch.record_count > 0) {
    if (batch.records == nullptr) return "a batch without its records";
    if (batch.record_size < sizeof(sluice_record) ||
        batch.record_size % alignof(sluice_record) != 0 || batch.record_size > 4096) {
      return "a batch with a record_size of " + std::to_string(batch.record_size);
    }
  }
  auto* at = reinterpret_cast<const char*>(batch.records);
  for (uint32_t i = 0; i < batch.record_count; ++i, at += batch.record_size) {
    if (const char* text = check_record(*reinterpret_cast<const sluice_record*>(at), bounds)) {
      return "record " + std::to_string(i) + " of the batch has " + text;
    }
  }
  if (batch.offset_count > 0 && batch.offsets == nullptr) return "a batch without its offsets";
  if (batch.offset_count > (uint64_t{batch.record_count} + 1024) * kOffsetsPerRecord)
    return "a batch with too many offsets";
  for (uint32_t i = 0; i < batch.offset_count; ++i) {
    if (const char* text = check_offset(batch, i, bounds)) {
      return "offset " + std::to_string(i) + " of the batch has " + text;
    }
  }
  return std::nullopt;
}

}  // namespace sluice::plugin
