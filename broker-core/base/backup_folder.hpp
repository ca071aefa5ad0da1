// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker-core/base/disk.hpp"

namespace sluice {

// One file of a backup, by its path below the folder.
struct BackupFile {
  std::string path;
  uint64_t size = 0;
  uint32_t crc = 0;  // CRC-32C of its content
};

// What `backup.manifest` says: written last, so a backup without it (or with another checksum) is
// not whole. Text, one line each: "sluice-backup 1", "cluster <id>", "created <ms>", "file <size>
// <crc, 8 hex digits> <path>" for each file, and "end <crc of all lines before>".
struct BackupManifest {
  std::string cluster_id;
  int64_t created_ms = 0;
  std::vector<BackupFile> files;
};
inline constexpr const char* kBackupManifest = "backup.manifest";
Bytes encode_manifest(const BackupManifest& manifest);
// kNotFound: this is no finished backup. kCorrupt: the manifest is damaged.
Result<BackupManifest> read_manifest(Disk& disk, const std::string& directory);

// In a copy as long as not all is there. A folder that has it is no backup, and no data directory:
// kInvalid.
inline constexpr const char* kUnfinishedCopy = "copy.unfinished";
Status refuse_unfinished(Disk& disk, const std::string& directory);

// Called with bytes done and bytes in all; false ends the work with kShutdown.
using CopyProgress = std::function<bool(uint64_t done, uint64_t all)>;

// A folder that comes to be as a whole or not at all: everything is written and synced below
// "<directory>.partial", and finish() gives that folder its name. Owned by one backup or restore;
// one thread.
class BackupFolder {
 public:
  BackupFolder(Disk& disk, const std::string& directory, CopyProgress progress);

  // kConflict if `directory` is there and not an empty folder. Removes what an earlier attempt that
  // was cut short has left.
  Status begin(uint64_t bytes_expected);
  void expect(uint64_t bytes) { all_ = bytes; }
  // Copies the first `bytes` of a file (all of it without); kCorrupt if it has fewer.
  Status copy(const std::string& from, const std::string& relative,
              std::optional<uint64_t> bytes = std::nullopt);
  Status write(const std::string& relative, ByteView content);
  Status make_folder(const std::string& relative);
  // Everything durable under its final name.
  Status finish();
  // The error that ended the work, after what was written is gone.
  Error abandon(const Error& reason);

  const std::vector<BackupFile>& files() const { return files_; }
  const std::string& partial() const { return partial_; }

 private:
  Result<std::unique_ptr<File>> make(const std::string& relative);

  Disk& disk_;
  const std::string directory_;
  const std::string partial_ = directory_ + ".partial";
  const std::string unfinished_ = partial_ + "/" + kUnfinishedCopy;
  const CopyProgress progress_;
  std::vector<BackupFile> files_;
  std::set<std::string> folders_;  // made here, to be synced
  uint64_t done_ = 0;
  uint64_t all_ = 0;
};

}  // namespace sluice
