// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker-core/base/result.hpp"
#include "broker-core/base/types.hpp"

namespace sluice {

// The seam to the file system. Production: posix_disk(). Tests and simulation: a fake disk that
// forgets what was not synced, tears writes and fails calls (tests/support).
//
// Errors: kNotFound for a missing file, kRetriable for ENOSPC/EDQUOT/EMFILE/ENFILE, kIo for all else; the
// message names the path, the call and the errno text. EINTR and short writes are handled inside.

class File {
 public:
  virtual ~File() = default;
  // Reads up to `into.size()` bytes at `position`; fewer only at the end of the file.
  virtual Result<size_t> read_at(uint64_t position, std::span<std::byte> into) = 0;
  // Writes all the parts, one after the other, starting at `position`. On an error any prefix may be there.
  virtual Status write_at(uint64_t position, std::span<const ByteView> parts) = 0;
  Status write_at(uint64_t position, ByteView bytes) { return write_at(position, {&bytes, 1}); }
  // Begins to write what is un-synced, or with `wait` ends that and says whether it went well. Nothing is durable by
  // it, but the sync that follows has less to do.
  virtual Status write_back(bool wait) {
    static_cast<void>(wait);
    return ok();
  }
  // fdatasync. After a failure nothing about the un-synced bytes is known; the caller must not retry.
  virtual Status sync() = 0;
  virtual Status truncate(uint64_t size) = 0;
  // Reserves blocks and sets the size, so that later writes inside of it change no metadata (posix_fallocate).
  virtual Status allocate(uint64_t size) = 0;
  virtual Result<uint64_t> size() = 0;
};

enum class OpenMode {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreate,     // must not exist; the caller syncs the directory afterwards
  kOpenOrCreate,
};

class Disk {
 public:
  virtual ~Disk() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;  // replaces `to`
  virtual Status remove(const std::string& path) = 0;        // a file
  virtual Status remove_all(const std::string& path) = 0;    // a folder with all that is in it
  virtual Status create_directories(const std::string& path) = 0;
  virtual Status sync_directory(const std::string& path) = 0;
  // Makes all bytes and names of the file system of `path` durable with one flush of its device. False, and nothing
  // done, where that is not known to hold: then file by file. Errors of single files are told by write_back(true).
  virtual Result<bool> sync_all(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;  // names, sorted
  virtual Result<bool> exists(const std::string& path) = 0;
  // Exclusive advisory lock, held until the returned object is destroyed. kConflict if another process has it.
  virtual Result<std::unique_ptr<File>> lock(const std::string& path) = 0;
  virtual Result<uint64_t> free_bytes(const std::string& path) = 0;
};

Disk& posix_disk();

// The folder that holds this entry; slashes at the end count for nothing.
std::string parent_of(std::string path);
// Creates the folder and those above it so that they outlive a loss of power: the entry of each new one is synced.
Status create_durably(Disk& disk, const std::string& directory);

// Reads a whole file of at most `limit` bytes (kInvalid beyond).
Result<Bytes> read_file(Disk& disk, const std::string& path, uint64_t limit);
// Writes `path` so that after a crash either the old or the new content is there, never a mix:
// write `path`.tmp, sync, rename, sync the directory.
Status write_file_atomically(Disk& disk, const std::string& path, ByteView content);

}  // namespace sluice
