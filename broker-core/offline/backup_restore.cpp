// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/crash_point.hpp"
#include "broker-core/offline/offline.hpp"

namespace sluice::offline {
namespace {

Status copy_all(const BackupManifest& manifest, const std::string& backup, BackupFolder& target) {
  for (const auto& file : manifest.files) {
    const std::string from = backup + "/" + file.path;
    auto copied = target.copy(from, file.path, file.size);
    if (!copied.ok()) return copied.error();
    if (target.files().back().crc != file.crc) {
      return Error{ErrorKind::kCorrupt,
                   from + " is not what was backed up (checksum); the backup is damaged"};
    }
  }
  // Empty ones are in no list of files.
  SLUICE_TRY(target.make_folder("commit"));
  return target.make_folder("topics");
}

Status check_copy(Disk& disk, const std::string& directory) {
  SLUICE_ASSIGN(auto findings, verify(disk, directory, {}));
  for (const auto& finding : findings) {
    if (!finding.damage) continue;
    return Error{ErrorKind::kCorrupt, "the copy does not verify: " + finding.file + ", byte " +
                                          std::to_string(finding.byte) + ": " + finding.text};
  }
  return ok();
}

}  // namespace

Result<BackupManifest> restore(Disk& disk, const std::string& backup, const std::string& into,
                               const CopyProgress& progress) {
  SLUICE_ASSIGN(auto manifest, read_manifest(disk, backup));
  uint64_t bytes = 0;
  for (const auto& file : manifest.files) bytes += file.size;
  BackupFolder target(disk, into, progress);
  SLUICE_TRY(target.begin(bytes));
  auto status = copy_all(manifest, backup, target);
  SLUICE_CRASH_POINT("restore.copied");
  if (status.ok()) status = check_copy(disk, target.partial());
  SLUICE_CRASH_POINT("restore.verified");
  if (status.ok()) status = target.finish();
  if (!status.ok()) return target.abandon(status.error());
  return manifest;
}

}  // namespace sluice::offline
