// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "broker-core/base/crc32c.hpp"
#include "broker-core/model/endian.hpp"
#include "broker-core/model/record_batch.hpp"
#include "broker-core/model/varint.hpp"

namespace sluice::model {

namespace {

// Room is added in steps that stay in the first-level cache: what resize() zeroes is overwritten
// while still hot.
constexpr size_t kGrowStep = 16 * 1024;
constexpr size_t kBatchMax = INT32_MAX;

// A length, -1 for null, and so many bytes.
inline std::byte* write_part(std::byte* to, const std::byte* from, int64_t size) {
  to = write_varint(to, size);
  if (size <= 0) return to;
  std::memcpy(to, from, static_cast<size_t>(size));
  return to + size;
}

inline size_t part_size(int64_t size) {
  return size < 0 ? 1 : varint_size(size) + static_cast<size_t>(size);
}

std::byte* write_headers(std::byte* to, std::span<const HeaderView> headers) {
  to = write_varint(to, static_cast<int64_t>(headers.size()));
  for (const HeaderView& header : headers) {
    const ByteView key = as_bytes(header.key);
    to = write_part(to, key.data(), static_cast<int64_t>(key.size()));
    to = header.value
             ? write_part(to, header.value->data(), static_cast<int64_t>(header.value->size()))
             : write_varint(to, -1);
  }
  return to;
}

inline size_t nullable_size(const std::optional<ByteView>& bytes) {
  return bytes ? varint_size(static_cast<int64_t>(bytes->size())) + bytes->size() : 1;
}

size_t headers_size(std::span<const HeaderView> headers) {
  size_t size = varint_size(static_cast<int64_t>(headers.size()));
  for (const HeaderView& header : headers) {
    size += varint_size(static_cast<int64_t>(header.key.size())) + header.key.size() +
            nullable_size(header.value);
  }
  return size;
}

}  // namespace

BatchBuilder::BatchBuilder(size_t reserve) : reserve_(reserve) {}

void BatchBuilder::grow(size_t needed) {
  if (buffer_.capacity() < needed) {
    buffer_.reserve(std::max({needed, std::min(reserve_, kBatchMax), buffer_.capacity() * 2}));
  }
  buffer_.resize(std::min(buffer_.capacity(), std::max(needed, buffer_.size() + kGrowStep)));
}

bool BatchBuilder::add_parts(int64_t timestamp, const std::byte* key, int64_t key_size,
                             const std::byte* value, int64_t value_size,
                             std::span<const HeaderView> headers) {
  if (count_ == 0) base_timestamp_ = max_timestamp_ = timestamp;
  // Two's complement difference: the reader adds it back the same way, whatever the timestamps.
  const auto delta = static_cast<int64_t>(static_cast<uint64_t>(timestamp) -
                                          static_cast<uint64_t>(base_timestamp_));
  const size_t body = 1 + varint_size(delta) + varint_size(count_) + part_size(key_size) +
                      part_size(value_size) + (headers.empty() ? 1 : headers_size(headers));
  const size_t needed = used_ + kVarlongMax + body;
  if (needed > buffer_.size()) [[unlikely]] {
    if (needed > kBatchMax || count_ == INT32_MAX) return false;
    grow(needed);
  }
  std::byte* const begin = buffer_.data();
  std::byte* to = write_varint(begin + used_, static_cast<int64_t>(body));
  *to++ = std::byte{0};  // attributes: none are defined for records
  to = write_varint(to, delta);
  to = write_varint(to, count_);
  to = write_part(to, key, key_size);
  to = write_part(to, value, value_size);
  if (headers.empty()) {
    *to++ = std::byte{0};
  } else {
    to = write_headers(to, headers);
  }
  used_ = static_cast<size_t>(to - begin);
  max_timestamp_ = std::max(max_timestamp_, timestamp);
  ++count_;
  return true;
}

void BatchBuilder::clear() {
  used_ = kBatchHeaderSize;
  count_ = 0;
}

Bytes BatchBuilder::finish() {
  if (count_ == 0) return {};
  Bytes batch = std::move(buffer_);
  batch.resize(used_);
  std::byte* at = batch.data();
  store_big<int64_t>(at, 0);
  store_big<int32_t>(at + 8, static_cast<int32_t>(batch.size() - kBatchLengthPrefix));
  store_big<int32_t>(at + 12, 0);
  store_big<int8_t>(at + 16, 2);
  store_big<int16_t>(at + 21, 0);
  store_big<int32_t>(at + 23, count_ - 1);
  store_big<int64_t>(at + 27, base_timestamp_);
  store_big<int64_t>(at + 35, max_timestamp_);
  store_big<int64_t>(at + 43, -1);
  store_big<int16_t>(at + 51, -1);
  store_big<int32_t>(at + 53, -1);
  store_big<int32_t>(at + 57, count_);
  store_big<uint32_t>(at + 17, crc32c(ByteView(batch).subspan(21)));
  buffer_ = Bytes();
  clear();
  return batch;
}

size_t BatchBuilder::record_size_max(std::optional<ByteView> key, std::optional<ByteView> value,
                                     std::span<const HeaderView> headers) {
  return kVarintMax + 1 + kVarlongMax + kVarintMax + nullable_size(key) + nullable_size(value) +
         headers_size(headers);
}

}  // namespace sluice::model
