// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "broker-core/base/disk.hpp"

namespace sluice::storage {

// The open files of all segments, at most `limit` of them, the least recently used closed first. Owned by the
// log; any thread. A file in use stays open through its shared_ptr even when the cache has let go of it.
class FileCache {
 public:
  FileCache(Disk& disk, size_t limit) : disk_(disk), limit_(limit) {}

  Result<std::shared_ptr<File>> get(const std::string& path);             // must exist
  Result<std::shared_ptr<File>> get_or_create(const std::string& path);
  // Forgets the file, or all files of a folder: to be called after a remove or rename.
  void drop(const std::string& path);
  void drop_folder(const std::string& folder);
  Disk& disk() { return disk_; }

 private:
  struct Entry {
    std::shared_ptr<File> file;
    std::list<std::string>::iterator use;
  };
  Result<std::shared_ptr<File>> get(const std::string& path, OpenMode mode);
  void shrink(size_t limit);

  Disk& disk_;
  const size_t limit_;
  std::mutex mutex_;  // guards all below; held while a file is opened, so that drop() is never overtaken
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> uses_;  // most recent first
};

}  // namespace sluice::storage
