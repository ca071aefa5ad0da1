// SPDX-License-Identifier: Apache-2.0
#include "broker-core/model/record_batch.hpp"

#include "broker-core/base/crc32c.hpp"
#include "broker-core/model/endian.hpp"

namespace sluice::model {

namespace {

constexpr size_t kCrcPosition = 17;
constexpr size_t kAttributesPosition = 21;
constexpr int8_t kMagic = 2;

Error corrupt(const std::string& what) {
  return {ErrorKind::kCorrupt, "record batch: " + what};
}

}  // namespace

Result<BatchHeader> read_batch_header(ByteView bytes, bool whole) {
  if (bytes.size() < kBatchHeaderSize) {
    return corrupt("header cut: " + std::to_string(bytes.size()) + " of 61 bytes");
  }
  const std::byte* at = bytes.data();
  BatchHeader header;
  header.base_offset = Offset(load_big<int64_t>(at));
  header.batch_length = load_big<int32_t>(at + 8);
  header.leader_epoch = LeaderEpoch(load_big<int32_t>(at + 12));
  const auto magic = load_big<int8_t>(at + 16);
  header.crc = load_big<uint32_t>(at + kCrcPosition);
  header.attributes = load_big<int16_t>(at + kAttributesPosition);
  header.last_offset_delta = load_big<int32_t>(at + 23);
  header.base_timestamp = load_big<int64_t>(at + 27);
  header.max_timestamp = load_big<int64_t>(at + 35);
  header.producer_id = ProducerId(load_big<int64_t>(at + 43));
  header.producer_epoch = load_big<int16_t>(at + 51);
  header.base_sequence = load_big<int32_t>(at + 53);
  header.record_count = load_big<int32_t>(at + 57);
  if (magic != kMagic) return corrupt("magic " + std::to_string(magic) + " in place of 2");
  constexpr auto kLengthMin = static_cast<int32_t>(kBatchHeaderSize - kBatchLengthPrefix);
  if (header.batch_length < kLengthMin)
    return corrupt("length " + std::to_string(header.batch_length));
  if (header.base_offset.value() < 0 || header.base_offset.value() > INT64_MAX - INT32_MAX - 1) {
    return corrupt("base offset " + std::to_string(header.base_offset.value()));
  }
  if (header.record_count < 0 || header.last_offset_delta < 0 ||
      header.record_count - 1 > header.last_offset_delta) {
    return corrupt("count " + std::to_string(header.record_count) +
                   " does not go with last offset delta " +
                   std::to_string(header.last_offset_delta));
  }
  if (whole && header.size() > bytes.size()) {
    return corrupt("cut: " + std::to_string(bytes.size()) + " of " + std::to_string(header.size()) +
                   " bytes");
  }
  return header;
}

Status verify_batch_crc(ByteView batch) {
  SLUICE_ASSIGN(BatchHeader header, read_batch_header(batch));
  const uint32_t crc =
      crc32c(batch.subspan(kAttributesPosition, header.size() - kAttributesPosition));
  if (crc != header.crc) {
    return corrupt("CRC does not match (offset " + std::to_string(header.base_offset.value()) +
                   ", " + std::to_string(header.size()) + " bytes)");
  }
  return ok();
}

void stamp_batch(std::span<std::byte> batch, Offset base_offset, LeaderEpoch epoch) {
  store_big<int64_t>(batch.data(), base_offset.value());
  store_big<int32_t>(batch.data() + 12, epoch.value());
}

Result<Bytes> recompress_batch(ByteView batch, Compression codec, size_t decompressed_max) {
  SLUICE_ASSIGN(BatchHeader header, read_batch_header(batch));
  ByteView records = batch.subspan(kBatchHeaderSize, header.size() - kBatchHeaderSize);
  if (header.record_count == 0 || header.compression() == codec) {
    return Bytes(batch.begin(), batch.begin() + static_cast<ptrdiff_t>(header.size()));
  }
  Bytes plain;
  if (header.compression() != Compression::kNone) {
    SLUICE_ASSIGN(plain, decompress(header.compression(), records, decompressed_max));
    records = plain;
  }
  Bytes packed;
  if (codec != Compression::kNone) {
    SLUICE_ASSIGN(packed, compress(codec, records));
    records = packed;
  }
  if (records.size() > INT32_MAX - kBatchHeaderSize)
    return Error{ErrorKind::kInvalid, "record batch: too large"};
  Bytes out(batch.begin(), batch.begin() + kBatchHeaderSize);
  out.insert(out.end(), records.begin(), records.end());
  store_big<int32_t>(out.data() + 8, static_cast<int32_t>(out.size() - kBatchLengthPrefix));
  store_big<int16_t>(out.data() + kAttributesPosition,
                     static_cast<int16_t>((header.attributes & ~7) | static_cast<int16_t>(codec)));
  store_big<uint32_t>(out.data() + kCrcPosition,
                      crc32c(ByteView(out).subspan(kAttributesPosition)));
  return out;
}

}  // namespace sluice::model
