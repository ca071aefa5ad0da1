// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>

#include "broker-core/storage/file_cache.hpp"

namespace sluice::storage {

// A file of fixed-size entries beside a segment (sidecar, offset index, time index). It grows at
// the end only; the newest entries stay in memory until flush(), so that an append costs no write
// of its own. Owned by a Segment; one writer at a time (the round, the checkpoint), readers on any
// thread.
class EntryFile {
 public:
  // `count` entries are in the file already.
  EntryFile(FileCache& files, std::string path, size_t entry_size, uint64_t count = 0)
      : files_(files), path_(std::move(path)), entry_size_(entry_size), written_(count) {}

  void append(ByteView entry);
  uint64_t count() const;
  size_t unwritten_bytes() const;
  // Entries [first, first + most) as far as there are any.
  Result<Bytes> read(uint64_t first, uint64_t most) const;
  Status flush();
  // flush(), then cuts what a rewind may have left behind the last entry.
  Status finish();
  // flush() and make durable; does nothing if there never was an entry.
  Status sync();
  // flush(), and see File::write_back.
  Status write_back(bool wait);
  // Forgets the newest entries: `count` are left. Touches no file.
  void rewind(uint64_t count);
  // Forgets all entries and empties the file, to be written anew.
  Status clear();
  // Cuts the file to the entries that count; kCorrupt if it has fewer. For the active segment at
  // start.
  Status cut_to_count();
  const std::string& path() const { return path_; }

 private:
  Status flush_locked();

  FileCache& files_;
  const std::string path_;
  const size_t entry_size_;
  mutable std::mutex mutex_;  // guards all below
  uint64_t written_;          // entries in the file
  uint64_t longest_ = 0;      // entries that the file may hold, those rewound included
  Bytes unwritten_;
};

}  // namespace sluice::storage
