// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "broker-core/base/disk.hpp"
#include "broker-core/base/result.hpp"

namespace sluice::metadata {

// The two files under `metadata/` of a data directory: `snapshot` (everything up to a sequence
// number) and `log` (the changes after it). What the payloads mean is not its business.
// docs/formats/metadata.md has the bytes.
//
// Owned by Metadata, which calls it under its lock for changes: one thread at a time. Ends with its
// destructor; there is nothing to flush, since append() returns after the sync.
class MetadataLog {
 public:
  // What a log read at start told: the snapshot first, then each change in order.
  using Apply = std::function<Status(ByteView payload)>;

  // Creates the files when `fresh`; else reads them. kCorrupt with file and byte when an
  // acknowledged change is damaged, kUnsupported for a newer format. A tail that was never
  // acknowledged is cut.
  static Result<std::unique_ptr<MetadataLog>> open(Disk& disk, const std::string& directory,
                                                   bool fresh, ByteView empty_snapshot,
                                                   const Apply& snapshot, const Apply& change);

  // Durable when it returns. kRetriable when there is no space (nothing is changed). After a failed
  // sync every further call fails until the directory is opened anew: what is on disk is then
  // unknown.
  Status append(ByteView payload);

  // Replaces the snapshot by this one, which holds everything appended so far, and empties the log.
  Status replace_snapshot(ByteView payload);

  // The log is longer than `worth`, and so much longer than the snapshot, that a new one pays.
  bool wants_snapshot(uint64_t worth) const;
  // Whether start-up found changes whose sync nobody confirmed, or a torn tail: then the caller
  // writes a snapshot at once, because what was read may be in the page cache only.
  bool unconfirmed() const { return unconfirmed_; }
  uint64_t torn_tail_bytes() const { return torn_tail_bytes_; }
  int64_t sequence() const { return sequence_; }

 private:
  MetadataLog(Disk& disk, std::string directory) : disk_(disk), directory_(std::move(directory)) {}
  Status create(ByteView empty_snapshot);
  Status load_snapshot(const Apply& apply);
  Status load_log(const Apply& apply);
  Status open_log();
  std::string snapshot_path() const { return directory_ + "/snapshot"; }
  std::string log_path() const { return directory_ + "/log"; }

  Disk& disk_;
  std::string directory_;
  std::unique_ptr<File> file_;
  int64_t sequence_ = 0;  // of the last change
  uint64_t end_ = 0;      // where the next frame goes
  uint64_t snapshot_bytes_ = 0;
  uint64_t torn_tail_bytes_ = 0;
  bool unconfirmed_ = false;
  Status failure_ = ok();
};

}  // namespace sluice::metadata
