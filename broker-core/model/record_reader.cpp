// SPDX-License-Identifier: Apache-2.0
#include "broker-core/model/record_batch.hpp"
#include "broker-core/model/varint.hpp"

namespace sluice::model {

namespace {

Error corrupt_record(const BatchHeader& header, int32_t index, const char* what) {
  return {ErrorKind::kCorrupt, "record batch at offset " +
                                   std::to_string(header.base_offset.value()) + ", record " +
                                   std::to_string(index) + ": " + what};
}

// A length and so many bytes; nullopt inside for null (-1). False when they do not lie within
// `body`.
bool read_nullable(ByteView body, size_t& position, std::optional<ByteView>& out) {
  const auto length = read_varint(body, position);
  if (!length || *length < -1) return false;
  if (*length == -1) {
    out.reset();
    return true;
  }
  const auto size = static_cast<size_t>(*length);
  if (size > body.size() - position) return false;
  out = body.subspan(position, size);
  position += size;
  return true;
}

bool read_headers(ByteView body, size_t& position, std::vector<HeaderView>& out) {
  const auto count = read_varint(body, position);
  // Each header takes at least two bytes; this bounds what a false count can make us reserve.
  if (!count || *count < 0 || static_cast<size_t>(*count) > (body.size() - position) / 2)
    return false;
  out.resize(static_cast<size_t>(*count));
  for (HeaderView& header : out) {
    std::optional<ByteView> key;
    if (!read_nullable(body, position, key) || !key) return false;
    header.key = as_text(*key);
    if (!read_nullable(body, position, header.value)) return false;
  }
  return true;
}

}  // namespace

Result<RecordReader> RecordReader::open(ByteView batch, size_t decompressed_max) {
  RecordReader reader;
  SLUICE_ASSIGN(reader.header_, read_batch_header(batch));
  ByteView records = batch.subspan(kBatchHeaderSize, reader.header_.size() - kBatchHeaderSize);
  if (reader.header_.compression() == Compression::kNone) {
    reader.records_ = records;
  } else if (!records.empty()) {
    SLUICE_ASSIGN(reader.decompressed_,
                  decompress(reader.header_.compression(), records, decompressed_max));
    reader.records_ =
        reader.decompressed_;  // moving a vector keeps its memory, so the view stays good
  }
  return reader;
}

Result<bool> RecordReader::next(RecordView& record) {
  if (index_ == header_.record_count) {
    if (position_ != records_.size())
      return corrupt_record(header_, index_, "bytes after the last record");
    return false;
  }
  const auto length = read_varint(records_, position_);
  if (!length || *length < 0 || static_cast<size_t>(*length) > records_.size() - position_) {
    return corrupt_record(header_, index_, "its length goes beyond the batch");
  }
  const ByteView body = records_.subspan(position_, static_cast<size_t>(*length));
  position_ += body.size();
  size_t at = 1;  // attributes: unused
  if (body.empty()) return corrupt_record(header_, index_, "empty");
  const auto timestamp_delta = read_varlong(body, at);
  const auto offset_delta = timestamp_delta ? read_varint(body, at) : std::nullopt;
  if (!offset_delta || *offset_delta < 0 || *offset_delta > header_.last_offset_delta) {
    return corrupt_record(header_, index_, "malformed timestamp or offset");
  }
  record.offset = header_.base_offset + *offset_delta;
  record.timestamp = header_.log_append_time()
                         ? header_.max_timestamp
                         : static_cast<int64_t>(static_cast<uint64_t>(header_.base_timestamp) +
                                                static_cast<uint64_t>(*timestamp_delta));
  if (!read_nullable(body, at, record.key) || !read_nullable(body, at, record.value)) {
    return corrupt_record(header_, index_, "key or value goes beyond the record");
  }
  if (!read_headers(body, at, record.headers))
    return corrupt_record(header_, index_, "malformed headers");
  if (at != body.size()) return corrupt_record(header_, index_, "bytes after its headers");
  ++index_;
  return true;
}

}  // namespace sluice::model
