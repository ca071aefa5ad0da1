// SPDX-License-Identifier: Apache-2.0
#include "broker-core/offline/metadata_check.hpp"
#include "broker-core/offline/offline.hpp"
#include "broker-core/storage/paths.hpp"

namespace sluice::offline {
namespace {

bool belongs(const std::string& name) {
  for (const char* known : {".lock", "meta.properties", "metadata", "commit", "topics",
                            "checkpoint", "worker", kBackupManifest, kUnfinishedCopy}) {
    if (name == known) return true;
  }
  return name.starts_with("damaged-");  // what a repair has put aside
}

Status check_layout(Disk& disk, const std::string& directory,
                    std::vector<storage::Finding>& findings) {
  SLUICE_ASSIGN(auto names, disk.list(directory));
  for (const auto& name : names) {
    if (!belongs(name)) {
      findings.push_back({false, directory + "/" + name, 0, std::nullopt,
                          "no part of a data directory; nothing reads it"});
    }
  }
  auto commits = disk.list(storage::commit_folder(directory));
  if (!commits.ok()) return ok();  // reported by whoever reads the commit log
  for (const auto& name : *commits) {
    if (storage::parse_numbered(name, ".commit") || storage::parse_numbered(name, ".spare"))
      continue;
    findings.push_back({false, storage::commit_folder(directory) + "/" + name, 0, std::nullopt,
                        "no file of the commit log; nothing reads it"});
  }
  return ok();
}

}  // namespace

Result<std::unique_ptr<File>> lock_directory(Disk& disk, const std::string& directory) {
  SLUICE_TRY(refuse_unfinished(disk, directory));
  bool any = false;
  for (const char* part : {"/meta.properties", "/checkpoint", "/topics", "/metadata"}) {
    SLUICE_ASSIGN(const bool there, disk.exists(directory + part));
    any = any || there;
  }
  if (!any) {
    return Error{
        ErrorKind::kInvalid,
        directory +
            " is no data directory (it has no meta.properties, checkpoint, topics or metadata)"};
  }
  auto lock = disk.lock(directory + "/.lock");
  if (!lock.ok() && lock.error().kind == ErrorKind::kConflict) {
    return Error{
        ErrorKind::kConflict,
        directory + " is in use by a running worker; stop it first (" + lock.error().message + ")"};
  }
  return lock;
}

Result<std::vector<storage::Finding>> verify(Disk& disk, const std::string& directory,
                                             const Progress& progress) {
  SLUICE_ASSIGN(auto metadata, check_metadata(disk, directory));
  std::vector<storage::Finding> findings = std::move(metadata.findings);
  SLUICE_TRY(check_layout(disk, directory, findings));
  for (const auto& folder :
       {storage::topics_folder(directory), storage::commit_folder(directory)}) {
    SLUICE_ASSIGN(const bool there, disk.exists(folder));
    if (there) continue;
    findings.push_back({true, folder, 0, std::nullopt, "the folder is missing"});
    return findings;
  }
  SLUICE_ASSIGN(auto records, storage::verify_directory(disk, directory, progress));
  findings.insert(findings.end(), records.begin(), records.end());
  return findings;
}

}  // namespace sluice::offline
