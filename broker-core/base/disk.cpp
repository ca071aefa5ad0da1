// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/disk.hpp"

#include "broker-core/base/crash_point.hpp"

namespace sluice {

std::string parent_of(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status create_durably(Disk& disk, const std::string& directory) {
  std::vector<std::string> parents;
  for (std::string at = directory;; at = parents.back()) {
    SLUICE_ASSIGN(const bool there, disk.exists(at));
    parents.push_back(parent_of(at));
    // The lowest one is synced even if it is there: a start that was cut short may have made it.
    if (there || parents.back() == at) break;
  }
  SLUICE_TRY(disk.create_directories(directory));
  for (const std::string& parent : parents) SLUICE_TRY(disk.sync_directory(parent));
  return ok();
}

Result<Bytes> read_file(Disk& disk, const std::string& path, uint64_t limit) {
  SLUICE_ASSIGN(auto file, disk.open(path, OpenMode::kRead));
  SLUICE_ASSIGN(uint64_t size, file->size());
  if (size > limit) {
    return Error{ErrorKind::kInvalid, path + " has " + std::to_string(size) + " bytes; at most " +
                                          std::to_string(limit) + " are allowed"};
  }
  Bytes content(size);
  SLUICE_ASSIGN(size_t got, file->read_at(0, content));
  content.resize(got);
  return content;
}

Status write_file_atomically(Disk& disk, const std::string& path, ByteView content) {
  const std::string temporary = path + ".tmp";
  {
    SLUICE_ASSIGN(auto file, disk.open(temporary, OpenMode::kOpenOrCreate));
    SLUICE_TRY(file->truncate(0));
    SLUICE_TRY(file->write_at(0, content));
    SLUICE_TRY(file->sync());
  }
  SLUICE_CRASH_POINT("disk.file_synced");
  SLUICE_TRY(disk.rename(temporary, path));
  SLUICE_CRASH_POINT("disk.file_renamed");
  return disk.sync_directory(parent_of(path));
}

}  // namespace sluice
