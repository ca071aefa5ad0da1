// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker-core/base/backup_folder.hpp"
#include "broker-core/base/clock.hpp"
#include "broker-core/base/random.hpp"
#include "broker-core/storage/log.hpp"

// What can be done with a data directory while no worker has it open: check, repair, restore. Each
// function locks the directory itself; none changes anything that its comment does not name.
namespace sluice::offline {

using Progress = std::function<void(uint64_t done, uint64_t all)>;

// kInvalid: no data directory. kConflict: a worker has it open.
Result<std::unique_ptr<File>> lock_directory(Disk& disk, const std::string& directory);

// Everything that a data directory holds: meta.properties, metadata, checkpoint, commit log,
// segments, sidecars, indexes, and what does not belong there. Changes nothing.
Result<std::vector<storage::Finding>> verify(Disk& disk, const std::string& directory,
                                             const Progress& progress);

// Offsets of one partition, the last included.
struct LostOffsets {
  std::string topic;
  PartitionId partition;
  Offset first;
  Offset last;
};
struct RepairStep {
  std::string file;
  std::string text;  // what is done, and why
  std::optional<LostOffsets> lost;
  std::function<Status()> apply;
};
// What has to be done so that verify() finds no damage and a worker starts. Nothing is thrown away:
// what is cut or replaced is moved below `aside`, a folder of the data directory that apply makes.
struct RepairPlan {
  std::string aside;
  std::vector<RepairStep> steps;  // in order
};
// Plans and changes nothing. kUnsupported: a newer version wrote the directory. kCorrupt: damage
// that has no repair; the text says what is left to do.
Result<RepairPlan> plan_repair(Disk& disk, Clock& clock, Random& random,
                               const std::string& directory, const Progress& progress);
// A step that was cut short is planned again by the next plan_repair(). `progress` counts steps.
Status apply_repair(const RepairPlan& plan, const Progress& progress = {});

// Copies a backup to `into`, which must not exist or be empty, comparing each file with the
// manifest, and verifies the copy before it gets its name. Returns what the manifest says.
Result<BackupManifest> restore(Disk& disk, const std::string& backup, const std::string& into,
                               const CopyProgress& progress);

}  // namespace sluice::offline
