// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/backup_folder.hpp"
#include "broker-core/base/crash_point.hpp"
#include "broker-core/server/broker.hpp"

namespace sluice::server {

Status Broker::backup(const std::string& directory, const std::vector<std::string>& more,
                      CopyProgress progress) {
  Disk& disk = dependencies_.disk;
  BackupFolder target(disk, directory, std::move(progress));
  SLUICE_TRY(target.begin(0));
  auto status = [&]() -> Status {
    // The metadata come last: a topic that is deleted meanwhile may leave a folder without a topic,
    // which a start removes, but never a topic without its folder.
    SLUICE_TRY(log_->backup(target));
    SLUICE_CRASH_POINT("backup.log_copied");
    SLUICE_TRY(metadata_->backup(target));
    SLUICE_CRASH_POINT("backup.metadata_copied");
    SLUICE_TRY(target.make_folder("commit"));
    SLUICE_TRY(target.make_folder("topics"));
    for (const auto& name : more) {
      SLUICE_ASSIGN(const bool there, disk.exists(settings_.directory + "/" + name));
      if (there) SLUICE_TRY(target.copy(settings_.directory + "/" + name, name));
    }
    BackupManifest manifest{cluster_id(), dependencies_.clock.now_ms().value(), target.files()};
    SLUICE_TRY(target.write(kBackupManifest, encode_manifest(manifest)));
    SLUICE_CRASH_POINT("backup.manifest_written");
    return target.finish();
  }();
  return status.ok() ? status : target.abandon(status.error());
}

}  // namespace sluice::server
