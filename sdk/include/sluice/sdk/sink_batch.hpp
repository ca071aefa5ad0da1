// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/value.hpp>

#include <optional>
#include <string_view>
#include <utility>

namespace sluice::sdk {

// A header of a record that was read.
struct HeaderView {
  std::string_view key;
  Value value;
  const sluice_schema* schema;  // nullptr: schemaless
};

// One record of a batch that came to a sink; valid as long as the batch.
class RecordView {
 public:
  explicit RecordView(const sluice_record& raw) : raw_(&raw) {}
  uint32_t topic() const { return raw_->topic; }  // Context::topic_name() resolves it
  int32_t partition() const { return raw_->partition; }
  int64_t offset() const { return raw_->offset; }
  std::optional<int64_t> timestamp_ms() const {
    if (raw_->timestamp_ms == SLUICE_NO_TIMESTAMP) return std::nullopt;
    return raw_->timestamp_ms;
  }
  Value key() const { return Value(raw_->key); }
  Value value() const { return Value(raw_->value); }
  const sluice_schema* key_schema() const { return raw_->key_schema; }
  const sluice_schema* value_schema() const { return raw_->value_schema; }
  uint32_t header_count() const { return raw_->header_count; }
  HeaderView header(uint32_t index) const {
    const sluice_header& header = raw_->headers[index];
    return {view(header.key), Value(header.value), header.schema};
  }

 private:
  const sluice_record* raw_;
};

// A batch that a sink moved away from the worker; releases it when it goes. To be gone before the task is
// destroyed.
class OwnedBatch {
 public:
  explicit OwnedBatch(const sluice_batch& raw) : raw_(raw) {}
  OwnedBatch(OwnedBatch&& other) noexcept : raw_(other.raw_) { other.raw_.release = nullptr; }
  OwnedBatch& operator=(OwnedBatch&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  OwnedBatch(const OwnedBatch&) = delete;
  OwnedBatch& operator=(const OwnedBatch&) = delete;
  ~OwnedBatch() { if (raw_.release != nullptr) raw_.release(&raw_); }
  const sluice_batch& raw() const { return raw_; }

 private:
  sluice_batch raw_;
};

// What put gets: a view of the worker's batch, for(RecordView record : batch). move() keeps it past the call.
class SinkBatch {
 public:
  explicit SinkBatch(sluice_batch* raw) : raw_(raw) {}

  uint32_t size() const { return raw_->record_count; }
  bool empty() const { return size() == 0; }
  RecordView operator[](uint32_t index) const { return RecordView(*at(*raw_, index)); }

  // Takes the batch over. RecordViews stay valid as long as the result lives.
  OwnedBatch move() {
    OwnedBatch moved(*raw_);
    raw_->release = nullptr;
    return moved;
  }

  class Iterator {
   public:
    Iterator(const SinkBatch& batch, uint32_t index) : batch_(&batch), index_(index) {}
    RecordView operator*() const { return (*batch_)[index_]; }
    Iterator& operator++() { ++index_; return *this; }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const SinkBatch* batch_;
    uint32_t index_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }

  // Records lie record_size bytes apart, which may be more than this side knows of.
  static const sluice_record* at(const sluice_batch& batch, uint32_t index) {
    const auto* first = reinterpret_cast<const char*>(batch.records);
    return reinterpret_cast<const sluice_record*>(first + size_t{index} * batch.record_size);
  }

 private:
  sluice_batch* raw_;
};

}  // namespace sluice::sdk
