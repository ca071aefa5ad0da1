// SPDX-License-Identifier: Apache-2.0
#include "broker-core/metadata/metadata_log.hpp"

#include "broker-core/base/crash_point.hpp"
#include "broker-core/base/crc32c.hpp"
#include "broker-core/model/endian.hpp"
#include "broker-core/model/primitives.hpp"

namespace sluice::metadata {

namespace {

using model::load_big;
using model::PrimitiveWriter;

constexpr uint32_t kSnapshotMagic = 0x534c4d53;  // "SLMS"
constexpr uint32_t kLogMagic = 0x534c4d4c;       // "SLML"
constexpr uint32_t kFrameMagic = 0x534c4d52;     // "SLMR"
constexpr uint16_t kFormat = 1;
constexpr uint64_t kFileMax = 1u << 30;
constexpr size_t kFileHeaderSize = 4 + 2 + 8 + 4;   // magic, format, base sequence, CRC
constexpr size_t kFrameHeaderSize = 4 + 4 + 8 + 4;  // magic, payload length, sequence, CRC

Error damaged(const std::string& path, uint64_t byte, const std::string& what) {
  return {ErrorKind::kCorrupt,
          path + ": byte " + std::to_string(byte) + ": " + what +
              "; the metadata of the data directory is damaged, restore it from a backup"};
}

Bytes file_header(uint32_t magic, int64_t sequence) {
  PrimitiveWriter out;
  out.number(magic).number(kFormat).number(sequence);
  Bytes header = out.take();
  PrimitiveWriter crc;
  crc.number(crc32c(header));
  const Bytes tail = crc.take();
  header.insert(header.end(), tail.begin(), tail.end());
  return header;
}

// Checks the header at the front of a file and returns its sequence number.
Result<int64_t> read_file_header(const std::string& path, ByteView content, uint32_t magic) {
  if (content.size() < kFileHeaderSize) return damaged(path, content.size(), "the header is cut");
  const std::byte* at = content.data();
  if (load_big<uint32_t>(at) != magic) return damaged(path, 0, "not such a file");
  if (load_big<uint32_t>(at + 14) != crc32c(content.first(14))) {
    return damaged(path, 14, "the header fails its checksum");
  }
  const auto format = load_big<uint16_t>(at + 4);
  if (format > kFormat) {
    return Error{ErrorKind::kUnsupported,
                 path + ": format " + std::to_string(format) +
                     " was written by a newer version of Sluice, this one reads up to " +
                     std::to_string(kFormat) + "; start that version"};
  }
  return load_big<int64_t>(at + 6);
}

uint32_t frame_crc(ByteView header, ByteView payload) {
  return crc32c(payload, crc32c(header.first(16)));
}

Bytes frame_header(int64_t sequence, ByteView payload) {
  PrimitiveWriter out;
  out.number(kFrameMagic)
      .number(static_cast<uint32_t>(payload.size()))
      .number(sequence)
      .number(uint32_t{0});
  Bytes header = out.take();
  model::store_big(header.data() + 16, frame_crc(header, payload));
  return header;
}

struct Frame {
  int64_t sequence;
  ByteView payload;  // empty: a mark that everything up to `sequence` has been synced
};

// The frame at the front, if it is whole and passes its checksum.
std::optional<Frame> read_frame(ByteView bytes) {
  if (bytes.size() < kFrameHeaderSize || load_big<uint32_t>(bytes.data()) != kFrameMagic)
    return std::nullopt;
  const auto length = load_big<uint32_t>(bytes.data() + 4);
  if (length > bytes.size() - kFrameHeaderSize) return std::nullopt;
  const ByteView payload = bytes.subspan(kFrameHeaderSize, length);
  if (load_big<uint32_t>(bytes.data() + 16) != frame_crc(bytes, payload)) return std::nullopt;
  return Frame{load_big<int64_t>(bytes.data() + 8), payload};
}

bool any_frame_after(ByteView bytes, size_t from) {
  for (size_t at = from; at + kFrameHeaderSize <= bytes.size(); ++at) {
    if (bytes[at] == std::byte{0x53} && read_frame(bytes.subspan(at))) return true;
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<MetadataLog>> MetadataLog::open(Disk& disk, const std::string& directory,
                                                       bool fresh, ByteView empty_snapshot,
                                                       const Apply& snapshot, const Apply& change) {
  std::unique_ptr<MetadataLog> log(new MetadataLog(disk, directory));
  if (fresh) SLUICE_TRY(log->create(empty_snapshot));
  SLUICE_TRY(log->load_snapshot(snapshot));
  SLUICE_TRY(log->load_log(change));
  SLUICE_TRY(log->open_log());
  return log;
}

Status MetadataLog::create(ByteView empty_snapshot) {
  SLUICE_TRY(disk_.create_directories(directory_));
  SLUICE_TRY(disk_.sync_directory(directory_.substr(0, directory_.rfind('/'))));
  SLUICE_CRASH_POINT("metadata.fresh_folder");
  SLUICE_TRY(write_file_atomically(disk_, log_path(), file_header(kLogMagic, 0)));
  SLUICE_CRASH_POINT("metadata.fresh_log");
  Bytes content = file_header(kSnapshotMagic, 0);
  const Bytes header = frame_header(0, empty_snapshot);
  content.insert(content.end(), header.begin(), header.end());
  content.insert(content.end(), empty_snapshot.begin(), empty_snapshot.end());
  return write_file_atomically(disk_, snapshot_path(), content);
}

Status MetadataLog::load_snapshot(const Apply& apply) {
  const std::string path = snapshot_path();
  SLUICE_ASSIGN(const bool there, disk_.exists(path));
  if (!there) return damaged(path, 0, "the file is missing");
  SLUICE_ASSIGN(const Bytes content, read_file(disk_, path, kFileMax));
  SLUICE_ASSIGN(sequence_, read_file_header(path, content, kSnapshotMagic));
  const ByteView body = ByteView(content).subspan(kFileHeaderSize);
  const auto frame = read_frame(body);
  if (!frame || frame->sequence != sequence_ ||
      body.size() != kFrameHeaderSize + frame->payload.size()) {
    return damaged(path, kFileHeaderSize, "the content fails its checksum");
  }
  snapshot_bytes_ = content.size();
  auto applied = apply(frame->payload);
  if (!applied.ok())
    return applied.error().with(path + ": byte " + std::to_string(kFileHeaderSize));
  return ok();
}

Status MetadataLog::load_log(const Apply& apply) {
  const std::string path = log_path();
  SLUICE_ASSIGN(const bool there, disk_.exists(path));
  if (!there) return damaged(path, 0, "the file is missing");
  SLUICE_ASSIGN(const Bytes content, read_file(disk_, path, kFileMax));
  SLUICE_ASSIGN(int64_t last, read_file_header(path, content, kLogMagic));
  if (last > sequence_) return damaged(path, 6, "the log begins after the end of the snapshot");
  int64_t confirmed = last;
  size_t at = kFileHeaderSize;
  end_ = at;
  while (at < content.size()) {
    const auto frame = read_frame(ByteView(content).subspan(at));
    if (!frame) {
      // A write that a crash cut short is the last thing in the file. Anything whole after it says
      // that this here was once acknowledged.
      if (any_frame_after(content, at + 1)) return damaged(path, at, "a change fails its checksum");
      torn_tail_bytes_ = content.size() - at;
      break;
    }
    if (frame->payload.empty()) {
      if (frame->sequence != last) return damaged(path, at, "a mark is out of order");
      confirmed = last;
    } else {
      if (frame->sequence != last + 1)
        return damaged(path, at, "a change is missing before this one");
      last = frame->sequence;
      if (last > sequence_) {  // else the snapshot has it: a crash came between the two files
        auto applied = apply(frame->payload);
        if (!applied.ok()) return applied.error().with(path + ": byte " + std::to_string(at));
        sequence_ = last;
      }
    }
    at += kFrameHeaderSize + frame->payload.size();
    if (!frame->payload.empty()) end_ = at;  // a mark is written over
  }
  unconfirmed_ = torn_tail_bytes_ != 0 || confirmed != last || last < sequence_;
  return ok();
}

Status MetadataLog::open_log() {
  SLUICE_ASSIGN(file_, disk_.open(log_path(), OpenMode::kReadWrite));
  return ok();
}

Status MetadataLog::append(ByteView payload) {
  if (!failure_.ok()) return failure_;
  if (payload.empty() || payload.size() > kFileMax / 4) {
    return Error{ErrorKind::kInvalid,
                 "metadata change of " + std::to_string(payload.size()) + " bytes"};
  }
  const Bytes header = frame_header(sequence_ + 1, payload);
  const ByteView parts[] = {header, payload};
  Status written = file_->write_at(end_, parts);
  if (!written.ok()) {
    // Take back what may have been written of it: the caller is told that nothing happened.
    Status undone = file_->truncate(end_);
    if (!undone.ok())
      failure_ = undone.error().with("metadata log: cannot undo a failed write, restart");
    return written.error();
  }
  SLUICE_CRASH_POINT("metadata.written");
  if (Status synced = file_->sync(); !synced.ok()) {
    failure_ = synced.error().with("metadata log: a sync failed, nothing is taken until restart");
    return failure_;
  }
  SLUICE_CRASH_POINT("metadata.synced");
  ++sequence_;
  end_ += header.size() + payload.size();
  // The mark tells the next start that the sync came back. Losing it costs that start a rewrite and
  // nothing else, hence no sync and no error. The next change is written over it, so that there is
  // never more than one frame that a crash may tear.
  (void)file_->write_at(end_, frame_header(sequence_, {})).ok();
  SLUICE_CRASH_POINT("metadata.marked");
  return ok();
}

Status MetadataLog::replace_snapshot(ByteView payload) {
  if (!failure_.ok()) return failure_;
  Bytes content = file_header(kSnapshotMagic, sequence_);
  const Bytes header = frame_header(sequence_, payload);
  content.insert(content.end(), header.begin(), header.end());
  content.insert(content.end(), payload.begin(), payload.end());
  SLUICE_CRASH_POINT("metadata.snapshot_begin");
  SLUICE_TRY(write_file_atomically(disk_, snapshot_path(), content));
  SLUICE_CRASH_POINT("metadata.snapshot_written");
  snapshot_bytes_ = content.size();
  const Bytes empty = file_header(kLogMagic, sequence_);
  Status replaced = write_file_atomically(disk_, log_path(), empty);
  // Whether the name now leads to the old or to the new log is unknown after an error: take no more
  // changes.
  if (replaced.ok()) replaced = open_log();
  if (!replaced.ok()) {
    failure_ = replaced.error().with("metadata log: cannot begin a new log, restart");
    return failure_;
  }
  SLUICE_CRASH_POINT("metadata.log_replaced");
  end_ = empty.size();
  unconfirmed_ = false;
  return ok();
}

bool MetadataLog::wants_snapshot(uint64_t worth) const {
  return end_ > worth && end_ > 2 * snapshot_bytes_;
}

}  // namespace sluice::metadata
