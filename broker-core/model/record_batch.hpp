// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "broker-core/base/result.hpp"
#include "broker-core/base/types.hpp"
#include "broker-core/model/compression.hpp"

// RecordBatch v2 (magic 2), byte for byte as on Kafka's wire and in its segments.
// Source: org.apache.kafka.common.record.DefaultRecordBatch / DefaultRecord (KIP-98).
// All integers are big-endian; the CRC-32C covers everything from `attributes` to the end, so base
// offset and leader epoch can be stamped without touching it.
namespace sluice::model {

inline constexpr size_t kBatchHeaderSize = 61;
inline constexpr size_t kBatchLengthPrefix =
    12;  // base offset + length: what batchLength does not count
inline constexpr int64_t kNoTimestamp = -1;

// The header of one batch, decoded. Reading it checks sizes and the magic, not the CRC.
struct BatchHeader {
  Offset base_offset;
  int32_t batch_length = 0;  // bytes after the length field
  LeaderEpoch leader_epoch;
  uint32_t crc = 0;
  int16_t attributes = 0;
  int32_t last_offset_delta = 0;
  int64_t base_timestamp = 0;
  int64_t max_timestamp = 0;
  ProducerId producer_id{-1};
  int16_t producer_epoch = -1;
  int32_t base_sequence = -1;
  int32_t record_count = 0;

  size_t size() const { return kBatchLengthPrefix + static_cast<size_t>(batch_length); }
  Offset last_offset() const { return base_offset + last_offset_delta; }
  Offset next_offset() const { return base_offset + (int64_t(last_offset_delta) + 1); }
  Compression compression() const { return static_cast<Compression>(attributes & 7); }
  bool log_append_time() const { return (attributes & 8) != 0; }
  bool transactional() const { return (attributes & 16) != 0; }
  bool control() const { return (attributes & 32) != 0; }
  // Compaction has seen the batch's tombstones (KIP-534): they may go from then on. The base
  // timestamp is that time then; the records' deltas refer to it as ever.
  std::optional<int64_t> delete_horizon() const {
    return (attributes & 64) != 0 ? std::optional(base_timestamp) : std::nullopt;
  }
};

// Decodes the header at the front of `bytes`. kCorrupt if it is no whole, plausible v2 header or if
// the batch is longer than `bytes` (when `whole` is set).
Result<BatchHeader> read_batch_header(ByteView bytes, bool whole = true);

// kCorrupt unless the CRC of the whole batch at the front of `bytes` holds.
Status verify_batch_crc(ByteView batch);

// Writes base offset and leader epoch into the batch at the front of `bytes`; needs no new CRC.
void stamp_batch(std::span<std::byte> batch, Offset base_offset, LeaderEpoch epoch);

struct HeaderView {
  std::string_view key;
  std::optional<ByteView> value;
};

// One decoded record; views into the batch (or its decompressed copy) given to RecordReader.
struct RecordView {
  Offset offset;
  int64_t timestamp = kNoTimestamp;
  std::optional<ByteView> key;    // nullopt = null
  std::optional<ByteView> value;  // nullopt = null (tombstone)
  std::vector<HeaderView> headers;
};

// Walks the records of one batch in order. Decompresses gzip, snappy (raw and xerial), lz4 (frame)
// and zstd, never beyond `decompressed_max` bytes. The batch must outlive the reader and the views.
class RecordReader {
 public:
  static Result<RecordReader> open(ByteView batch, size_t decompressed_max = 64u << 20);
  // Fills `record` (its header vector is reused) and returns true; false after the last one.
  Result<bool> next(RecordView& record);
  const BatchHeader& header() const { return header_; }
  // Back to the first record.
  void rewind() {
    position_ = 0;
    index_ = 0;
  }
  RecordReader(RecordReader&&) = default;  // a copy's views would point into the original
  RecordReader& operator=(RecordReader&&) = default;

 private:
  RecordReader() = default;
  BatchHeader header_;
  Bytes decompressed_;
  ByteView records_;
  size_t position_ = 0;
  int32_t index_ = 0;
};

// Builds one uncompressed batch. One thread. The hot path of every source: add() is a few varints
// and two copies; finish() fills the header and computes the CRC once.
class BatchBuilder {
 public:
  // `reserve`: bytes that a batch is expected to reach; saves the growing.
  explicit BatchBuilder(size_t reserve = 0);
  // Appends a record; offsets are consecutive from 0. nullopt = null. False, and nothing is added,
  // if the batch would pass what its 32-bit length can hold.
  bool add(int64_t timestamp, std::optional<ByteView> key, std::optional<ByteView> value,
           std::span<const HeaderView> headers = {}) {
    // Taken apart here, where it costs nothing: optionals of spans would go through memory.
    return add_parts(timestamp, key ? key->data() : nullptr,
                     key ? static_cast<int64_t>(key->size()) : -1, value ? value->data() : nullptr,
                     value ? static_cast<int64_t>(value->size()) : -1, headers);
  }
  // Size of the batch if it were finished now.
  size_t size_bytes() const { return used_; }
  int32_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  void clear();
  // The finished batch (base offset 0, epoch 0, no producer id); the builder is empty afterwards.
  // Without a record there is no batch: the result is empty.
  Bytes finish();

  // Most bytes that such a record adds to a batch, whatever its place in it.
  static size_t record_size_max(std::optional<ByteView> key, std::optional<ByteView> value,
                                std::span<const HeaderView> headers = {});

 private:
  bool add_parts(int64_t timestamp, const std::byte* key, int64_t key_size, const std::byte* value,
                 int64_t value_size, std::span<const HeaderView> headers);
  void grow(size_t needed);

  Bytes buffer_;  // its size is room, not content: the first used_ bytes are the batch
  size_t used_ = kBatchHeaderSize;
  size_t reserve_ = 0;
  int32_t count_ = 0;
  int64_t base_timestamp_ = 0;
  int64_t max_timestamp_ = kNoTimestamp;
};

// The same records in a batch with another codec; everything of the header but sizes, codec and CRC
// stays. Empty batches (all records compacted away) are returned as they are.
Result<Bytes> recompress_batch(ByteView batch, Compression codec,
                               size_t decompressed_max = 64u << 20);

}  // namespace sluice::model
