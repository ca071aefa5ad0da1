// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/disk.hpp"

#include "broker-core/base/crash_point.hpp"

namespace sluice {

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
  auto slash = path.rfind('/');
  return disk.sync_directory(slash == std::string::npos ? "." : path.substr(0, slash));
}

}  // namespace sluice
