// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>

#include "broker-core/base/disk.hpp"
#include "broker-core/storage/swap_file.hpp"

namespace sluice::offline {

// A disk as it will be when compactions that were decided are finished: what else a repair has to
// do is planned on it, while the disk itself stays as it is. Reads only: calls that change
// something are refused. One thread.
class PlannedDisk : public Disk {
 public:
  explicit PlannedDisk(Disk& disk) : disk_(disk) {}

  // As finish_swap() will do it.
  Status finish(const std::string& folder, const storage::Swap& swap);

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& path) override { return disk_.free_bytes(path); }

  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status remove_all(const std::string& path) override;
  Status create_directories(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<bool> sync_all(const std::string& path) override;
  Result<std::unique_ptr<File>> lock(const std::string& path) override;

 private:
  Disk& disk_;
  std::map<std::string, std::string>
      moved_;  // by the path that a file will have: the one that it has
  std::set<std::string> gone_;
};

}  // namespace sluice::offline
