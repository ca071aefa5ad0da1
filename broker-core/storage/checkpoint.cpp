// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/checkpoint.hpp"

#include "broker-core/base/crc32c.hpp"
#include "broker-core/storage/codec.hpp"
#include "broker-core/storage/paths.hpp"

namespace sluice::storage {
namespace {

constexpr uint32_t kMagic = 0x50434c53;  // "SLCP"
constexpr uint32_t kFormat = 1;
constexpr uint64_t kSizeMax = uint64_t{1} << 30;

class Writer {
 public:
  template <class T>
  void put(T value) {
    bytes_.resize(bytes_.size() + sizeof value);
    put_le(bytes_.data() + bytes_.size() - sizeof value, value);
  }
  void put(Offset offset) { put(offset.value()); }
  void put_text(const std::string& text) {
    put(static_cast<uint32_t>(text.size()));
    auto view = as_bytes(text);
    bytes_.insert(bytes_.end(), view.begin(), view.end());
  }
  Bytes take() { return std::move(bytes_); }
  ByteView view() const { return bytes_; }

 private:
  Bytes bytes_;
};

class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}
  template <class T>
  T get() {
    if (bytes_.size() < sizeof(T)) {
      failed_ = true;
      return T{};
    }
    T value = get_le<T>(bytes_.data());
    bytes_ = bytes_.subspan(sizeof(T));
    return value;
  }
  Offset offset() { return Offset(get<int64_t>()); }
  std::string text() {
    auto size = get<uint32_t>();
    if (bytes_.size() < size) {
      failed_ = true;
      return {};
    }
    std::string result(as_text(bytes_.first(size)));
    bytes_ = bytes_.subspan(size);
    return result;
  }
  bool good() const { return !failed_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  ByteView bytes_;
  bool failed_ = false;
};

void put_partition(Writer& out, const PartitionCheckpoint& p) {
  out.put(p.partition.topic.bytes);
  out.put(p.partition.partition.value());
  out.put(static_cast<uint32_t>(p.has_segments ? 1 : 0));
  out.put(p.log_start);
  out.put(p.clean_to);
  out.put(p.holes_to);
  out.put(p.active_base);
  out.put(p.active.size);
  out.put(p.active.checks);
  out.put(p.active.indexes);
  out.put(p.active.times);
  out.put(p.active.next_offset);
  out.put(p.active.max_timestamp);
  out.put(p.active.max_timestamp_offset);
  out.put(p.active.first_timestamp);
  out.put(p.active.since_index);
  out.put(p.closed_bytes);
  out.put(p.closed_segments);
  out.put_text(p.lost);
}

PartitionCheckpoint get_partition(Reader& in) {
  PartitionCheckpoint p;
  p.partition.topic.bytes = in.get<std::array<uint8_t, 16>>();
  p.partition.partition = PartitionId(in.get<int32_t>());
  p.has_segments = (in.get<uint32_t>() & 1) != 0;
  p.log_start = in.offset();
  p.clean_to = in.offset();
  p.holes_to = in.offset();
  p.active_base = in.offset();
  p.active.size = in.get<uint64_t>();
  p.active.checks = in.get<uint64_t>();
  p.active.indexes = in.get<uint64_t>();
  p.active.times = in.get<uint64_t>();
  p.active.next_offset = in.offset();
  p.active.max_timestamp = in.get<int64_t>();
  p.active.max_timestamp_offset = in.offset();
  p.active.first_timestamp = in.get<int64_t>();
  p.active.since_index = in.get<uint64_t>();
  p.closed_bytes = in.get<uint64_t>();
  p.closed_segments = in.get<uint32_t>();
  p.lost = in.text();
  return p;
}

}  // namespace

Bytes encode_checkpoint(const Checkpoint& checkpoint) {
  Writer out;
  out.put(kMagic);
  out.put(kFormat);
  out.put(static_cast<uint32_t>(checkpoint.clean ? 1 : 0));
  out.put(checkpoint.replay.sequence);
  out.put(checkpoint.replay.file);
  out.put(checkpoint.replay.byte);
  out.put(static_cast<uint32_t>(checkpoint.partitions.size()));
  for (const auto& partition : checkpoint.partitions) put_partition(out, partition);
  out.put(crc32c(out.view()));
  return out.take();
}

Result<Checkpoint> decode_checkpoint(ByteView bytes, const std::string& path) {
  const Error damaged{ErrorKind::kCorrupt,
                      path + ": the checkpoint is damaged (checksum); restore it from a backup, or see what is left "
                             "with `sluice log verify`"};
  if (bytes.size() < 12 || get_le<uint32_t>(bytes.data()) != kMagic ||
      get_le<uint32_t>(bytes.data() + bytes.size() - 4) != crc32c(bytes.first(bytes.size() - 4))) {
    return damaged;
  }
  Reader in(bytes.first(bytes.size() - 4));
  in.get<uint32_t>();
  if (auto format = in.get<uint32_t>(); format != kFormat) {
    return Error{ErrorKind::kUnsupported, path + " has format " + std::to_string(format) +
                                              "; this version reads format " + std::to_string(kFormat)};
  }
  Checkpoint checkpoint;
  checkpoint.clean = (in.get<uint32_t>() & 1) != 0;
  checkpoint.replay.sequence = in.get<uint64_t>();
  checkpoint.replay.file = in.get<uint64_t>();
  checkpoint.replay.byte = in.get<uint64_t>();
  const auto count = in.get<uint32_t>();
  for (uint32_t i = 0; i < count && in.good(); ++i) checkpoint.partitions.push_back(get_partition(in));
  if (!in.good() || !in.at_end()) return damaged;
  return checkpoint;
}

Result<std::optional<Checkpoint>> read_checkpoint(Disk& disk, const std::string& directory) {
  const std::string path = checkpoint_path(directory);
  auto bytes = read_file(disk, path, kSizeMax);
  if (!bytes.ok() && bytes.error().kind == ErrorKind::kNotFound) return std::optional<Checkpoint>();
  if (!bytes.ok()) return std::move(bytes).error();
  SLUICE_ASSIGN(auto checkpoint, decode_checkpoint(*bytes, path));
  return std::optional<Checkpoint>(std::move(checkpoint));
}

Status write_checkpoint(Disk& disk, const std::string& directory, const Checkpoint& checkpoint) {
  return write_file_atomically(disk, checkpoint_path(directory), encode_checkpoint(checkpoint));
}

}  // namespace sluice::storage
