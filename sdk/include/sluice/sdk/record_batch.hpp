// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/arena.hpp>
#include <sluice/sdk/schema.hpp>

#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::sdk {

namespace detail {

class BatchPool;

// The memory of one batch on its way: filled by poll, read by the worker, back to its pool at release. It
// holds the pool while it is away, so a late release finds a home.
struct BatchBuffer {
  std::vector<sluice_record> records;
  std::vector<sluice_header> headers;
  std::vector<sluice_source_offset> offsets;
  std::vector<Schema> schemas;
  std::vector<std::shared_ptr<const void>> borrowed;
  Arena arena;
  std::shared_ptr<BatchPool> home;

  void clear() {
    records.clear();
    headers.clear();
    offsets.clear();
    schemas.clear();
    borrowed.clear();
    arena.reset();
  }
  size_t capacity() const {
    return records.capacity() * sizeof(sluice_record) + headers.capacity() * sizeof(sluice_header) +
           arena.capacity();
  }
};

// Buffers of one task that wait for reuse; bounded in number and bytes. Taken by the task, given back from
// any thread. Owned by the task and by each buffer that is away.
class BatchPool : public std::enable_shared_from_this<BatchPool> {
 public:
  BatchPool() { free_.reserve(kMaxFree); }  // so that giving back never needs memory
  std::unique_ptr<BatchBuffer> take() {
    std::unique_ptr<BatchBuffer> buffer;
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        buffer = std::move(free_.back());
        free_.pop_back();
        bytes_ -= buffer->capacity();
      }
    }
    if (buffer == nullptr) buffer = std::make_unique<BatchBuffer>();
    buffer->home = shared_from_this();
    return buffer;
  }
  static void give_back(std::unique_ptr<BatchBuffer> buffer) {
    const std::shared_ptr<BatchPool> home = std::move(buffer->home);
    buffer->clear();
    const size_t bytes = buffer->capacity();
    const std::lock_guard lock(home->mutex_);
    if (home->free_.size() >= kMaxFree || home->bytes_ + bytes > kMaxFreeBytes) return;
    home->bytes_ += bytes;
    home->free_.push_back(std::move(buffer));
  }

 private:
  static constexpr size_t kMaxFree = 8;
  static constexpr size_t kMaxFreeBytes = 32u << 20;
  std::mutex mutex_;
  std::vector<std::unique_ptr<BatchBuffer>> free_;
  size_t bytes_ = 0;
};

}  // namespace detail

class RecordBatch;

// The record added last; valid until the next add(). Without a schema the record is schemaless.
class RecordBuilder {
 public:
  RecordBuilder(RecordBatch& batch, sluice_record& record) : batch_(batch), record_(record) {}
  RecordBuilder& key(Value value) {
    record_.key = value;
    return *this;
  }
  RecordBuilder& value(Value value) {
    record_.value = value;
    return *this;
  }
  inline RecordBuilder& key(const Value& value, const Schema& schema);
  inline RecordBuilder& value(const Value& value, const Schema& schema);
  RecordBuilder& timestamp(int64_t ms) {
    record_.timestamp_ms = ms;
    return *this;
  }
  RecordBuilder& partition(int32_t number) {
    record_.partition = number;
    return *this;
  }
  inline RecordBuilder& header(std::string_view borrowed_key, const Value& value, const Schema& schema = {});

 private:
  RecordBatch& batch_;
  sluice_record& record_;
};

// What poll fills. Values given to it are borrowed: they must live until the worker has released the batch.
// Use string(), bytes(), map() ... to put a copy into the batch's own memory, or keep() to make the batch
// hold the owner of a borrowed buffer. Memory is reused from batch to batch, so a record costs no allocation.
// Owned by the wrapper, used inside of poll only.
class RecordBatch {
 public:
  explicit RecordBatch(std::unique_ptr<detail::BatchBuffer> buffer) : buffer_(std::move(buffer)) {}
  RecordBatch(RecordBatch&&) = default;
  RecordBatch(const RecordBatch&) = delete;
  RecordBatch& operator=(const RecordBatch&) = delete;
  ~RecordBatch() { if (buffer_ != nullptr) detail::BatchPool::give_back(std::move(buffer_)); }

  RecordBuilder add(uint32_t topic) {
    buffer_->records.push_back(kBlank);  // a plain copy; GCC zeroes in place several times slower
    sluice_record& record = buffer_->records.back();
    record.topic = topic;
    return RecordBuilder(*this, record);
  }
  // A copy of `prototype`, to be changed in place until the next add: the fast way for sources whose records differ in
  // little. Schemas of the prototype come from hold(); headers are added by add() only.
  sluice_record& add_copy(const sluice_record& prototype) {
    buffer_->records.push_back(prototype);
    return buffer_->records.back();
  }
  void reserve(size_t records) { buffer_->records.reserve(records); }
  uint32_t size() const { return static_cast<uint32_t>(buffer_->records.size()); }
  bool empty() const { return size() == 0 && buffer_->offsets.empty(); }

  // Copies into the batch.
  Value string(std::string_view text) { return Value::string(copy(text)); }
  Value bytes(std::string_view text) { return Value::bytes(copy(text)); }
  Value array(std::span<const Value> items) { return Value::array(copy(items)); }
  Value structure(std::span<const Value> items) { return Value::structure(copy(items)); }
  Value structure(std::initializer_list<Value> items) {
    return structure(std::span<const Value>(items.begin(), items.size()));
  }
  // Copies the entries, their keys and the text of STRING and BYTES values.
  Value map(MapEntries entries) {
    const std::span<Value> items = room(entries.size() * 2);
    size_t next = 0;
    for (const MapEntry& entry : entries) {
      items[next++] = string(entry.key);
      items[next++] = own(entry.value);
    }
    return Value::map(items);
  }
  std::string_view copy(std::string_view text) {
    if (text.empty()) return "";
    char* memory = static_cast<char*>(buffer_->arena.allocate(text.size(), 1));
    std::memcpy(memory, text.data(), text.size());
    return {memory, text.size()};
  }
  // The batch holds `owner` until it is released.
  void keep(std::shared_ptr<const void> owner) { buffer_->borrowed.push_back(std::move(owner)); }

  // Once all records added so far are durable, `entries` is where to resume `partition`. Null value: forget
  // it.
  void offset(uint32_t partition, MapEntries entries) { offset(partition, map(entries)); }
  // The same with a value that lives as long as the batch.
  void offset(uint32_t partition, const Value& value) {
    const uint32_t last = size() == 0 ? 0 : size() - 1;
    for (auto i = buffer_->offsets.rbegin(); i != buffer_->offsets.rend() && i->last_record == last; ++i) {
      if (i->partition != partition) continue;
      i->offset = value;
      return;
    }
    buffer_->offsets.push_back({partition, last, value});
  }

  // Nothing now: poll again after so long, or at Context::wake().
  void idle_for(uint32_t ms) { idle_ms_ = ms; }
  uint32_t idle_ms() const { return idle_ms_; }

  // Hands the batch out by Arrow's rule; the wrapper calls it once, when poll has succeeded.
  void finish(sluice_batch* out) {
    detail::BatchBuffer* buffer = buffer_.release();
    const sluice_header* next = buffer->headers.data();
    if (!buffer->headers.empty()) {
      for (sluice_record& record : buffer->records) {
        record.headers = record.header_count == 0 ? nullptr : next;
        next += record.header_count;
      }
    }
    out->record_size = sizeof(sluice_record);
    out->records = buffer->records.data();
    out->record_count = static_cast<uint32_t>(buffer->records.size());
    out->offset_count = static_cast<uint32_t>(buffer->offsets.size());
    out->offsets = buffer->offsets.data();
    out->release = &release;
    out->private_data = buffer;
  }

  // The schema lives as long as the batch.
  const sluice_schema* hold(const Schema& schema) {
    if (!schema) return nullptr;
    for (const Schema& held : buffer_->schemas) {
      if (held.raw() == schema.raw()) return schema.raw();
    }
    buffer_->schemas.push_back(schema);
    return schema.raw();
  }

 private:
  friend class RecordBuilder;
  static constexpr sluice_record kBlank = {
      {}, {}, nullptr, nullptr, SLUICE_NO_TIMESTAMP, 0, nullptr, 0, 0, SLUICE_ANY_PARTITION, 0};

  static void release(sluice_batch* batch) noexcept {
    std::unique_ptr<detail::BatchBuffer> buffer(static_cast<detail::BatchBuffer*>(batch->private_data));
    batch->release = nullptr;
    batch->private_data = nullptr;
    detail::BatchPool::give_back(std::move(buffer));
  }
  std::span<Value> room(size_t count) {
    auto* memory = static_cast<Value*>(buffer_->arena.allocate(count * sizeof(Value), alignof(Value)));
    std::uninitialized_default_construct_n(memory, count);
    return {memory, count};
  }
  std::span<const Value> copy(std::span<const Value> items) {
    const std::span<Value> own = room(items.size());
    std::copy(items.begin(), items.end(), own.begin());
    return own;
  }
  Value own(const Value& value) {
    if (const auto text = value.as_string()) return string(*text);
    if (const auto raw = value.as_bytes()) return bytes(*raw);
    return value;
  }
  std::unique_ptr<detail::BatchBuffer> buffer_;
  uint32_t idle_ms_ = 0;
};

RecordBuilder& RecordBuilder::key(const Value& value, const Schema& schema) {
  record_.key_schema = batch_.hold(schema);
  return key(value);
}
RecordBuilder& RecordBuilder::value(const Value& value, const Schema& schema) {
  record_.value_schema = batch_.hold(schema);
  return this->value(value);
}
RecordBuilder& RecordBuilder::header(std::string_view borrowed_key, const Value& value, const Schema& schema) {
  batch_.buffer_->headers.push_back({to_str(borrowed_key), value, batch_.hold(schema)});
  ++record_.header_count;
  return *this;
}

}  // namespace sluice::sdk
