// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/file_cache.hpp"

namespace sluice::storage {

Result<std::shared_ptr<File>> FileCache::get(const std::string& path) { return get(path, OpenMode::kReadWrite); }

Result<std::shared_ptr<File>> FileCache::get_or_create(const std::string& path) {
  return get(path, OpenMode::kOpenOrCreate);
}

Result<std::shared_ptr<File>> FileCache::get(const std::string& path, OpenMode mode) {
  std::lock_guard lock(mutex_);
  if (auto it = entries_.find(path); it != entries_.end()) {
    uses_.splice(uses_.begin(), uses_, it->second.use);
    return it->second.file;
  }
  auto opened = disk_.open(path, mode);
  if (!opened.ok() && opened.error().kind == ErrorKind::kRetriable && !entries_.empty()) {
    shrink(entries_.size() / 2);  // out of descriptors: give back half of ours and try once more
    opened = disk_.open(path, mode);
  }
  if (!opened.ok()) return std::move(opened).error();
  std::shared_ptr<File> file = std::move(opened).value();
  uses_.push_front(path);
  entries_[path] = {file, uses_.begin()};
  shrink(limit_);
  return file;
}

void FileCache::shrink(size_t limit) {
  while (entries_.size() > limit) {
    entries_.erase(uses_.back());
    uses_.pop_back();
  }
}

void FileCache::drop(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (auto it = entries_.find(path); it != entries_.end()) {
    uses_.erase(it->second.use);
    entries_.erase(it);
  }
}

void FileCache::drop_folder(const std::string& folder) {
  std::lock_guard lock(mutex_);
  const std::string prefix = folder + "/";
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (it->first.starts_with(prefix)) {
      uses_.erase(it->second.use);
      it = entries_.erase(it);
    } else {
      ++it;
    }
  }
}

}  // namespace sluice::storage
