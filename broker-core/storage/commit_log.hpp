// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "broker-core/base/clock.hpp"
#include "broker-core/base/disk.hpp"
#include "broker-core/storage/frame.hpp"

namespace sluice::storage {

inline constexpr uint32_t kCommitFileMagic = 0x4c434c53;  // "SLCL"
inline constexpr uint32_t kCommitFormat = 1;
inline constexpr uint64_t kCommitHeaderSize = 4096;  // frames begin on a page of their own

struct CommitFileHeader {
  uint64_t file_id = 0;
  uint64_t first_sequence = 0;  // all frames before it were durable when the file was made
  uint64_t size = 0;            // of the file, preallocated: a shorter one was cut
};
Bytes encode_commit_header(const CommitFileHeader& header);
Result<CommitFileHeader> decode_commit_header(ByteView bytes, const std::string& path);

// Where the next frame goes, or where a replay begins.
struct CommitPosition {
  uint64_t sequence = 1;
  uint64_t file = 0;  // first sequence of the file (its name); 0 = no file yet
  uint64_t byte = 0;
};

// The writing side of the commit log: rounds of frames, each made durable by one fdatasync.
// Preallocated files that are recycled after a checkpoint (overwriting blocks that exist costs the
// file system no journal). A round is write(), sync(), and then keep() or undo(). All of these
// belong to the holder of the round's mutex, but sync() may run on a thread of its choice
// meanwhile; trim() to any thread.
class CommitLog {
 public:
  // Begins a new file at the first round; files there already count as old and are given up by
  // trim().
  CommitLog(Disk& disk, Clock& clock, const std::string& directory, uint64_t file_bytes);
  Status open(uint64_t next_sequence);

  // Writes one frame for each element, not durable yet. Errors:
  // kRetriable: no space; nothing of the round is or will be in the log, the next round may
  // succeed. kFatal: what is durable is unknown; the log takes nothing any more.
  Status write(const std::vector<std::vector<FrameEntry>>& frames);
  // Makes durable what write() wrote; an error is fatal.
  Status sync();
  // The written frames stay: the next round goes behind them.
  void keep();
  // Overwrites, durably, what write() wrote, for a round that fails after it: its frames, perhaps
  // whole, must never be replayed.
  Status undo();

  // Writes, without a sync, a frame without entries that says that all frames before it are
  // durable; the next round overwrites it. While it is there, damage of the last round is told from
  // a torn end. Called when nothing is queued.
  Status seal();

  uint64_t next_sequence() const { return next_sequence_; }
  CommitPosition position() const;
  // Gives up all files that hold no frame from `position` on; at most `spares` are kept for reuse.
  // `position` is one that position() gave and that a durable checkpoint names.
  Status trim(const CommitPosition& position, size_t spares);
  // Closes the current file, so that trim() may give up all files.
  void close() { file_.reset(); }
  uint64_t syncs() const { return syncs_; }

 private:
  Status make_room(uint64_t bytes);
  Status make_file(uint64_t bytes);
  std::string path_of(uint64_t first) const;

  Disk& disk_;
  Clock& clock_;
  const std::string folder_;
  const uint64_t file_bytes_;
  std::mutex files_mutex_;  // guards the next two
  std::map<uint64_t, std::string>
      files_;  // by first sequence; the last is the one written, if file_ is set
  std::vector<std::string> spares_;  // paths
  std::unique_ptr<File> file_;
  uint64_t file_id_ = 0;
  uint64_t file_first_ = 0;
  uint64_t file_size_ = 0;
  uint64_t byte_ = 0;  // where the next frame goes
  uint64_t next_sequence_ = 1;
  uint64_t round_bytes_ = 0;  // of the round that write() wrote
  uint64_t round_frames_ = 0;
  uint64_t made_ = 0;  // files made by this object; part of their ids
  std::atomic<uint64_t> syncs_ = 0;
};

}  // namespace sluice::storage
