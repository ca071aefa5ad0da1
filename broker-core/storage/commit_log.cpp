// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/commit_log.hpp"

#include <algorithm>

#include "broker-core/base/crash_point.hpp"
#include "broker-core/base/crc32c.hpp"
#include "broker-core/base/mutant.hpp"
#include "broker-core/storage/codec.hpp"
#include "broker-core/storage/paths.hpp"

namespace sluice::storage {
namespace {

constexpr size_t kHeaderUsed = 36;        // of kCommitHeaderSize; the rest is zero
constexpr size_t kCopyBelow = 16 * 1024;  // smaller data are gathered into one buffer: fewer iovecs

// A mixer with full avalanche (the finaliser of splitmix64): ids need to differ, not to be secret.
uint64_t mix(uint64_t value) {
  value ^= value >> 30;
  value *= 0xbf58476d1ce4e5b9ull;
  value ^= value >> 27;
  value *= 0x94d049bb133111ebull;
  return value ^ value >> 31;
}

Error fatal(const Error& error) {
  if (error.kind == ErrorKind::kFatal) return error;
  return {ErrorKind::kFatal, "the commit log failed, restart needed: " + error.message};
}

// The parts of one write: tables and small data in one buffer that never moves, large data in
// place.
class Gather {
 public:
  explicit Gather(size_t copied) { arena_.reserve(copied); }
  std::byte* claim(size_t size) {
    const size_t at = arena_.size();
    arena_.resize(at + size);
    if (!parts_.empty() && parts_.back().data() + parts_.back().size() == arena_.data() + at) {
      parts_.back() = {parts_.back().data(), parts_.back().size() + size};
    } else if (size > 0) {
      parts_.push_back({arena_.data() + at, size});
    }
    return arena_.data() + at;
  }
  void add(ByteView data) {
    if (data.size() < kCopyBelow) {
      if (!data.empty()) std::memcpy(claim(data.size()), data.data(), data.size());
    } else {
      parts_.push_back(data);
    }
  }
  std::span<const ByteView> parts() const { return parts_; }

 private:
  Bytes arena_;
  std::vector<ByteView> parts_;
};

}  // namespace

Bytes encode_commit_header(const CommitFileHeader& header) {
  Bytes bytes(kCommitHeaderSize);
  put_le(bytes.data(), kCommitFileMagic);
  put_le(bytes.data() + 4, kCommitFormat);
  put_le(bytes.data() + 8, header.file_id);
  put_le(bytes.data() + 16, header.first_sequence);
  put_le(bytes.data() + 24, header.size);
  put_le(bytes.data() + kHeaderUsed - 4, crc32c({bytes.data(), kHeaderUsed - 4}));
  return bytes;
}

Result<CommitFileHeader> decode_commit_header(ByteView bytes, const std::string& path) {
  if (bytes.size() < kHeaderUsed || get_le<uint32_t>(bytes.data()) != kCommitFileMagic ||
      get_le<uint32_t>(bytes.data() + kHeaderUsed - 4) != crc32c(bytes.first(kHeaderUsed - 4))) {
    return Error{ErrorKind::kCorrupt,
                 path + ", byte 0: the header of the commit log file is damaged"};
  }
  if (uint32_t format = get_le<uint32_t>(bytes.data() + 4); format != kCommitFormat) {
    return Error{ErrorKind::kUnsupported, path + " has format " + std::to_string(format) +
                                              "; this version reads format " +
                                              std::to_string(kCommitFormat)};
  }
  return CommitFileHeader{get_le<uint64_t>(bytes.data() + 8), get_le<uint64_t>(bytes.data() + 16),
                          get_le<uint64_t>(bytes.data() + 24)};
}

CommitLog::CommitLog(Disk& disk, Clock& clock, const std::string& directory, uint64_t file_bytes)
    : disk_(disk), clock_(clock), folder_(commit_folder(directory)), file_bytes_(file_bytes) {}

std::string CommitLog::path_of(uint64_t first) const {
  return folder_ + "/" + numbered_name(first, ".commit");
}

Status CommitLog::open(uint64_t next_sequence) {
  next_sequence_ = next_sequence;
  SLUICE_ASSIGN(auto names, disk_.list(folder_));
  for (const auto& name : names) {
    if (auto first = parse_numbered(name, ".commit")) files_[*first] = folder_ + "/" + name;
    // A spare of an earlier process goes: if a sync of it failed, only the page cache knows its
    // size.
    if (parse_numbered(name, ".spare")) SLUICE_TRY(disk_.remove(folder_ + "/" + name));
  }
  return ok();
}

CommitPosition CommitLog::position() const {
  return {next_sequence_, file_ ? file_first_ : 0, byte_};
}

Status CommitLog::sync() {
  ++syncs_;
  if (SLUICE_MUTANT("storage.no_commit_sync")) return ok();
  auto status = file_->sync();
  if (!status.ok() && !SLUICE_MUTANT("storage.failed_sync_ignored")) return fatal(status.error());
  SLUICE_CRASH_POINT("storage.after_frame_sync");
  return ok();
}

Status CommitLog::make_room(uint64_t bytes) {
  if (file_ && byte_ + bytes <= file_size_) return ok();
  return make_file(std::max(file_bytes_, kCommitHeaderSize + bytes));
}

// A file gets its final name only once its header is durable, so a damaged header under that name
// is damage.
Status CommitLog::make_file(uint64_t bytes) {
  std::lock_guard lock(files_mutex_);
  std::string path;
  std::unique_ptr<File> file;
  while (!spares_.empty() && !file) {
    path = spares_.back();
    spares_.pop_back();
    SLUICE_ASSIGN(file, disk_.open(path, OpenMode::kReadWrite));
    SLUICE_ASSIGN(uint64_t size, file->size());
    if (size < bytes || size > 2 * bytes) {
      file.reset();
      SLUICE_TRY(disk_.remove(path));
    } else {
      bytes = size;
    }
  }
  if (!file) {
    path = folder_ + "/" + numbered_name(next_sequence_, ".spare");
    SLUICE_ASSIGN(file, disk_.open(path, OpenMode::kOpenOrCreate));
    auto allocated = file->allocate(bytes);
    if (!allocated.ok()) {
      file.reset();
      // Gives the blocks back that were taken before the space ran out; the first error is the one
      // to tell.
      if (auto removed = disk_.remove(path); !removed.ok())
        return removed.error().with(allocated.error().message);
      return allocated;
    }
    SLUICE_CRASH_POINT("storage.commit_file_allocated");
  }
  CommitFileHeader header{
      mix(next_sequence_) ^ mix(static_cast<uint64_t>(clock_.now_ms().value()) + ++made_),
      next_sequence_, bytes};
  auto status = file->write_at(0, encode_commit_header(header));
  if (status.ok()) {
    ++syncs_;
    SLUICE_CRASH_POINT("storage.commit_file_header");
    if (auto synced = file->sync(); !synced.ok()) return fatal(synced.error());
    status = disk_.rename(path, path_of(next_sequence_));
  }
  if (!status.ok()) {
    // Its size is not durable: it must not become a spare.
    file.reset();
    if (auto removed = disk_.remove(path); !removed.ok())
      return removed.error().with(status.error().message);
    return status;
  }
  SLUICE_CRASH_POINT("storage.commit_file_renamed");
  if (!SLUICE_MUTANT("storage.no_directory_sync")) {
    if (auto synced = disk_.sync_directory(folder_); !synced.ok()) return fatal(synced.error());
  }
  file_ = std::move(file);
  file_id_ = header.file_id;
  file_first_ = next_sequence_;
  file_size_ = bytes;
  byte_ = kCommitHeaderSize;
  files_[file_first_] = path_of(file_first_);
  return ok();
}

Status CommitLog::write(const std::vector<std::vector<FrameEntry>>& frames) {
  static constexpr std::byte kZeros[kFrameAlignment] = {};
  uint64_t bytes = 0;
  size_t copied = 0;
  for (const auto& entries : frames) {
    FrameHeader header;
    header.length = frame_table_size(entries.size());
    copied += header.length + kFrameAlignment;
    for (const auto& entry : entries) {
      header.length += entry.data.size();
      if (entry.data.size() < kCopyBelow) copied += entry.data.size();
    }
    bytes += header.padded();
  }
  if (auto room = make_room(bytes); !room.ok()) {
    // Anything but a full disk leaves it open which file is the current one.
    return room.error().kind == ErrorKind::kRetriable ? room.error() : fatal(room.error());
  }
  round_bytes_ = bytes;
  round_frames_ = frames.size();
  Gather gather(copied);
  FrameHeader header;
  header.file_id = file_id_;
  header.sequence = next_sequence_;
  header.synced = next_sequence_ - 1;
  for (const auto& entries : frames) {
    encode_frame(gather.claim(frame_table_size(entries.size())), header, entries);
    for (const auto& entry : entries) gather.add(entry.data);
    gather.add({kZeros, header.padded() - header.length});
    ++header.sequence;
  }
  if (auto written = file_->write_at(byte_, gather.parts()); !written.ok()) {
    if (written.error().kind != ErrorKind::kRetriable) return fatal(written.error());
    if (SLUICE_MUTANT("storage.full_disk_swallowed")) return ok();
    SLUICE_TRY(undo());
    return written;
  }
  SLUICE_CRASH_POINT("storage.after_frame_write");
  return ok();
}

void CommitLog::keep() {
  byte_ += round_bytes_;
  next_sequence_ += round_frames_;
}

Status CommitLog::seal() {
  if (!file_ || byte_ + kFrameHeaderSize > file_size_) return ok();
  FrameHeader header;
  header.file_id = file_id_;
  header.sequence = next_sequence_;
  header.synced = next_sequence_ - 1;
  std::byte bytes[kFrameHeaderSize];
  encode_frame(bytes, header, {});
  auto written = file_->write_at(byte_, bytes);
  // No space in a preallocated file: a file system that copies on write. The log does without the
  // seal.
  if (written.ok() || written.error().kind == ErrorKind::kRetriable) return ok();
  return fatal(written.error());
}

Status CommitLog::undo() {
  const Bytes zeros(std::min<uint64_t>(round_bytes_, file_size_ - byte_));
  if (auto written = file_->write_at(byte_, zeros); !written.ok()) return fatal(written.error());
  return sync();
}

Status CommitLog::trim(const CommitPosition& position, size_t spares) {
  std::lock_guard lock(files_mutex_);
  const uint64_t keep_from = position.file != 0 ? position.file : position.sequence;
  bool changed = false;
  while (!files_.empty() && files_.begin()->first < keep_from) {
    auto oldest = files_.begin();
    changed = true;
    SLUICE_CRASH_POINT("storage.trim");
    if (spares_.size() < spares) {
      std::string spare = folder_ + "/" + numbered_name(oldest->first, ".spare");
      SLUICE_TRY(disk_.rename(oldest->second, spare));
      spares_.push_back(spare);
    } else {
      SLUICE_TRY(disk_.remove(oldest->second));
    }
    files_.erase(oldest);
  }
  while (spares_.size() > spares) {
    changed = true;
    SLUICE_TRY(disk_.remove(spares_.back()));
    spares_.pop_back();
  }
  if (!changed) return ok();
  SLUICE_CRASH_POINT("storage.trimmed");
  return disk_.sync_directory(folder_);
}

}  // namespace sluice::storage
