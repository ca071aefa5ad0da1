// SPDX-License-Identifier: Apache-2.0
#include "broker-core/offline/planned_disk.hpp"

#include "broker-core/storage/paths.hpp"

namespace sluice::offline {
namespace {

Error refused(const std::string& path) {
  return {ErrorKind::kUnsupported, path + ": a repair that is only planned changes nothing"};
}

}  // namespace

Status PlannedDisk::finish(const std::string& folder, const storage::Swap& swap) {
  auto stem_of = [&](Offset base) {
    return folder + "/" + storage::numbered_name(static_cast<uint64_t>(base.value()), "");
  };
  for (Offset base : swap.replaced) {
    if (base == swap.base && !swap.empty) continue;
    for (const char* extension : storage::kSegmentExtensions)
      gone_.insert(stem_of(base) + extension);
  }
  for (const char* extension : storage::kSegmentExtensions) {
    const std::string path = stem_of(swap.base) + extension;
    SLUICE_ASSIGN(const bool cleaned, disk_.exists(path + storage::kCleaned));
    if (swap.empty || !cleaned) continue;
    moved_[path] = path + storage::kCleaned;
    gone_.insert(path + storage::kCleaned);
    gone_.erase(path);
  }
  gone_.insert(stem_of(swap.base) + ".swap");
  return ok();
}

Result<std::unique_ptr<File>> PlannedDisk::open(const std::string& path, OpenMode mode) {
  if (mode != OpenMode::kRead) return refused(path);
  if (gone_.contains(path)) return Error{ErrorKind::kNotFound, path + " will be gone"};
  const auto moved = moved_.find(path);
  return disk_.open(moved == moved_.end() ? path : moved->second, mode);
}

Result<std::vector<std::string>> PlannedDisk::list(const std::string& path) {
  SLUICE_ASSIGN(const auto names, disk_.list(path));
  std::set<std::string> there(names.begin(), names.end());
  std::erase_if(there, [&](const std::string& name) { return gone_.contains(path + "/" + name); });
  for (const auto& [to, from] : moved_) {
    const size_t slash = to.rfind('/');
    if (to.substr(0, slash) == path) there.insert(to.substr(slash + 1));
  }
  return std::vector<std::string>(there.begin(), there.end());
}

Result<bool> PlannedDisk::exists(const std::string& path) {
  if (gone_.contains(path)) return false;
  if (moved_.contains(path)) return true;
  return disk_.exists(path);
}

Status PlannedDisk::rename(const std::string& from, const std::string&) {
  return refused(from);
}
Status PlannedDisk::remove(const std::string& path) {
  return refused(path);
}
Status PlannedDisk::remove_all(const std::string& path) {
  return refused(path);
}
Status PlannedDisk::create_directories(const std::string& path) {
  return refused(path);
}
Status PlannedDisk::sync_directory(const std::string& path) {
  return refused(path);
}
Result<bool> PlannedDisk::sync_all(const std::string& path) {
  return refused(path);
}
Result<std::unique_ptr<File>> PlannedDisk::lock(const std::string& path) {
  return refused(path);
}

}  // namespace sluice::offline
