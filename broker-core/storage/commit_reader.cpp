// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/commit_reader.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "broker-core/storage/frame_search.hpp"
#include "broker-core/storage/paths.hpp"
#include "broker-core/storage/references.hpp"

namespace sluice::storage {
namespace {

constexpr uint64_t kWindow = 1 << 20;

// One commit log file, read through a window that grows to the largest frame.
class CommitFile {
 public:
  static Result<CommitFile> open(Disk& disk, std::string path) {
    CommitFile result;
    SLUICE_ASSIGN(result.file_, disk.open(path, OpenMode::kRead));
    SLUICE_ASSIGN(result.size_, result.file_->size());
    Bytes bytes(kCommitHeaderSize);
    SLUICE_ASSIGN(size_t got, result.file_->read_at(0, bytes));
    bytes.resize(got);
    SLUICE_ASSIGN(result.header_, decode_commit_header(bytes, path));
    if (result.size_ < result.header_.size) {
      return Error{ErrorKind::kCorrupt, path + ", byte " + std::to_string(result.size_) +
                                            ": the commit log file was "
                                            "made with " +
                                            std::to_string(result.header_.size) +
                                            " bytes, its end is gone"};
    }
    result.path_ = std::move(path);
    result.window_.emplace(*result.file_, result.size_, kWindow);
    return result;
  }

  Result<ByteView> view(uint64_t at, uint64_t least) { return window_->view(at, least); }

  // The valid frame of this file at `at`, if there is one.
  Result<std::optional<Frame>> frame(uint64_t at) {
    return frame_at(*window_, size_, at,
                    [this](const FrameHeader& frame) { return frame.file_id == header_.file_id; });
  }

  // Searches behind the broken frame at `at` for one that was written after `sequence` had become
  // durable. Also counts the bytes up to the end of the last valid frame there.
  Result<bool> proves_durable(uint64_t at, uint64_t sequence, uint64_t* last_end) {
    const auto later = [&](const FrameHeader& frame) {
      return frame.file_id == header_.file_id && frame.sequence >= sequence;
    };
    while (true) {
      SLUICE_ASSIGN(auto found, find_frame(*window_, size_, at, later));
      if (!found) return false;
      *last_end = at + found->header.padded();
      if (found->header.synced >= sequence) return true;
      at += kFrameAlignment;
    }
  }

  const CommitFileHeader& header() const { return header_; }
  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }

 private:
  std::unique_ptr<File> file_;
  std::string path_;
  uint64_t size_ = 0;
  CommitFileHeader header_;
  std::optional<FileWindow> window_;  // of file_
};

Error damage(const std::string& path, uint64_t byte, const std::string& what) {
  return {ErrorKind::kCorrupt,
          path + ", byte " + std::to_string(byte) + ": " + what +
              "; nothing was changed. See what is damaged with `sluice log verify`"};
}

// Reads the frames of one file up to the first that is not valid, or that belongs to the next file.
Status scan_file(CommitFile& file, uint64_t byte, std::optional<uint64_t> next_file,
                 References& references, const OnFrame& on_frame, CommitScan& scan) {
  while (!next_file || scan.next_sequence < *next_file) {
    SLUICE_ASSIGN(auto frame, file.frame(byte));
    if (!frame || frame->header.sequence != scan.next_sequence) break;
    if (frame->entries.empty())
      return ok();  // the seal: all before it was durable, nothing is behind it
    SLUICE_TRY(references.resolve(*frame));
    SLUICE_TRY(on_frame(*frame, file.path(), byte));
    ++scan.frames;
    scan.bytes += frame->header.length;
    byte += frame->header.padded();
    ++scan.next_sequence;
  }
  if (next_file && scan.next_sequence >= *next_file) return ok();
  if (next_file) {
    return damage(file.path(), byte,
                  "frame " + std::to_string(scan.next_sequence) +
                      " of the commit log is "
                      "missing or damaged, and the next file proves that it was durable");
  }
  uint64_t torn_end = byte;
  SLUICE_ASSIGN(bool durable, file.proves_durable(byte, scan.next_sequence, &torn_end));
  if (durable) {
    return damage(file.path(), byte,
                  "frame " + std::to_string(scan.next_sequence) +
                      " of the commit log is "
                      "damaged, and a later frame proves that it was durable");
  }
  SLUICE_ASSIGN(ByteView head, file.view(byte, kFrameHeaderSize));
  if (auto header = peek_frame(head); header && header->file_id == file.header().file_id &&
                                      header->sequence == scan.next_sequence) {
    torn_end = std::max(torn_end, std::min(file.size(), byte + header->padded()));
  }
  scan.torn_bytes = torn_end - byte;
  if (scan.torn_bytes > 0) {
    scan.torn_file = file.path();
    scan.torn_byte = byte;
  }
  return ok();
}

}  // namespace

Result<CommitScan> scan_commit_log(Disk& disk, const std::string& directory,
                                   const CommitPosition& from, const OnFrame& on_frame) {
  CommitScan scan;
  scan.next_sequence = from.sequence;
  const std::string folder = commit_folder(directory);
  SLUICE_ASSIGN(auto names, disk.list(folder));
  std::vector<uint64_t> firsts;
  for (const auto& name : names) {
    if (auto first = parse_numbered(name, ".commit")) firsts.push_back(*first);
  }
  // Files before the position are left-overs of a trim that was cut short.
  const uint64_t begin = from.file != 0 ? from.file : from.sequence;
  std::erase_if(firsts, [&](uint64_t first) { return first < begin; });
  if (firsts.empty() && from.file == 0) return scan;
  if (firsts.empty() || firsts.front() != begin) {
    return damage(folder + "/" + numbered_name(begin, ".commit"), from.byte,
                  "this file of the commit log is missing, the checkpoint needs it");
  }
  References references(disk, directory);
  for (size_t i = 0; i < firsts.size(); ++i) {
    SLUICE_ASSIGN(auto file,
                  CommitFile::open(disk, folder + "/" + numbered_name(firsts[i], ".commit")));
    if (file.header().first_sequence != firsts[i]) {
      return damage(file.path(), 0, "the file's name does not agree with its header");
    }
    uint64_t byte = kCommitHeaderSize;
    if (i == 0 && from.file != 0) byte = from.byte;
    std::optional<uint64_t> next_file;
    if (i + 1 < firsts.size()) next_file = firsts[i + 1];
    SLUICE_TRY(scan_file(file, byte, next_file, references, on_frame, scan));
    ++scan.files;
  }
  return scan;
}

}  // namespace sluice::storage
