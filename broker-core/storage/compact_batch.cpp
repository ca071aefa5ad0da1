// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/compact_batch.hpp"

#include <algorithm>

#include "broker-core/base/crc32c.hpp"
#include "broker-core/model/endian.hpp"
#include "broker-core/model/varint.hpp"

namespace sluice::storage {
namespace {

constexpr size_t kCrcAt = 17;
constexpr size_t kAttributesAt = 21;

void put_varint(Bytes& to, int64_t value) {
  std::byte bytes[model::kVarlongMax];
  to.insert(to.end(), bytes, model::write_varint(bytes, value));
}

void put_nullable(Bytes& to, const std::optional<ByteView>& value) {
  put_varint(to, value ? static_cast<int64_t>(value->size()) : -1);
  if (value) to.insert(to.end(), value->begin(), value->end());
}

void put_record(Bytes& to, Offset base, int64_t base_timestamp, const model::RecordView& record,
                Bytes& scratch) {
  scratch.assign(1, std::byte{0});  // attributes: none are defined
  put_varint(scratch, static_cast<int64_t>(static_cast<uint64_t>(record.timestamp) -
                                           static_cast<uint64_t>(base_timestamp)));
  put_varint(scratch, record.offset - base);
  put_nullable(scratch, record.key);
  put_nullable(scratch, record.value);
  put_varint(scratch, static_cast<int64_t>(record.headers.size()));
  for (const auto& entry : record.headers) {
    put_nullable(scratch, as_bytes(entry.key));
    put_nullable(scratch, entry.value);
  }
  put_varint(to, static_cast<int64_t>(scratch.size()));
  to.insert(to.end(), scratch.begin(), scratch.end());
}

// Which records stay, and whether a tombstone is among them.
struct Choice {
  std::vector<bool> keep;
  int32_t kept = 0;
  bool tombstone = false;
};

Result<Choice> choose(model::RecordReader& reader,
                      const std::function<bool(const model::RecordView&)>& keep) {
  Choice choice;
  model::RecordView record;
  while (true) {
    SLUICE_ASSIGN(bool more, reader.next(record));
    if (!more) break;
    const bool stays = keep(record);
    choice.keep.push_back(stays);
    choice.kept += stays ? 1 : 0;
    choice.tombstone = choice.tombstone || (stays && record.key && !record.value);
  }
  reader.rewind();
  return choice;
}

}  // namespace

Result<CompactedBatch> compact_batch(ByteView batch, int64_t horizon,
                                     const std::function<bool(const model::RecordView&)>& keep) {
  SLUICE_ASSIGN(auto reader, model::RecordReader::open(batch));
  const model::BatchHeader& header = reader.header();
  CompactedBatch result;
  result.records = result.kept = header.record_count;
  if (header.control()) return result;
  SLUICE_ASSIGN(auto choice, choose(reader, keep));
  result.kept = choice.kept;
  const bool mark = choice.tombstone && !header.delete_horizon();
  if (result.kept == 0 || (result.kept == result.records && !mark)) return result;

  const int64_t base_timestamp = mark ? horizon : header.base_timestamp;
  Bytes out(batch.begin(), batch.begin() + model::kBatchHeaderSize);
  Bytes scratch;
  int64_t max_timestamp = model::kNoTimestamp;
  model::RecordView record;
  for (const bool stays : choice.keep) {
    SLUICE_ASSIGN(bool more, reader.next(record));
    if (!more) break;
    if (!stays) continue;
    put_record(out, header.base_offset, base_timestamp, record, scratch);
    max_timestamp = std::max(max_timestamp, record.timestamp);
  }
  const int attributes = (header.attributes & ~7) | (mark ? 64 : 0);
  model::store_big<int32_t>(out.data() + 8,
                            static_cast<int32_t>(out.size() - model::kBatchLengthPrefix));
  model::store_big<int16_t>(out.data() + kAttributesAt, static_cast<int16_t>(attributes));
  model::store_big<int64_t>(out.data() + 27, base_timestamp);
  model::store_big<int64_t>(out.data() + 35, max_timestamp);
  model::store_big<int32_t>(out.data() + 57, result.kept);
  model::store_big<uint32_t>(out.data() + kCrcAt, crc32c(ByteView(out).subspan(kAttributesAt)));
  SLUICE_ASSIGN(result.bytes, model::recompress_batch(out, header.compression()));
  return result;
}

}  // namespace sluice::storage
