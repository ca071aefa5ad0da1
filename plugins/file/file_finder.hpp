// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/file/files.hpp"
#include "plugins/file/path_pattern.hpp"

namespace sluice::file_plugin {

// A file that is there, as it was when its folder was listed.
struct FoundFile {
  std::string path;
  FileInfo info;
};

// Which part of the files is a task's. A file and what rotation makes of it belong to the same.
struct TaskShare {
  uint32_t index = 0;
  uint32_t count = 1;
  bool has(std::string_view path) const;
};

// Lists the files that a pattern names, below the worker's roots. Links to files are followed; one
// that leads out of the roots is refused, with an event the first time. Owned by the source task,
// used by its poll only.
class FileFinder {
 public:
  FileFinder(Files& files, Folders& folders, Events& events, PathPattern pattern,
             std::vector<std::string> exclude, TaskShare share, size_t max_files)
      : files_(files),
        folders_(folders),
        events_(events),
        pattern_(std::move(pattern)),
        exclude_(std::move(exclude)),
        share_(share),
        max_files_(max_files) {}

  const PathPattern& pattern() const { return pattern_; }
  // Whether a file of this path would be read.
  bool wants(std::string_view path) const;
  // Those that are there now, each once.
  Result<std::vector<FoundFile>> matches();
  // All files beside one with this path, whatever they are called: where a renamed one may be.
  Result<std::vector<FoundFile>> neighbours(std::string_view path);

 private:
  static constexpr int kMaxDepth = 32;

  Status walk(const std::string& folder, size_t name, int depth, std::vector<FoundFile>& found);
  Status add_literal(const std::string& path, size_t name, int depth,
                     std::vector<FoundFile>& found);
  Status add_entry(const std::string& path, const FolderEntry& entry,
                   std::vector<FoundFile>& found);
  Status add(FoundFile file, std::vector<FoundFile>& found) const;
  Result<bool> resolve(const std::string& path, FileInfo* info);

  Files& files_;
  Folders& folders_;
  Events& events_;
  PathPattern pattern_;
  std::vector<std::string> exclude_;
  TaskShare share_;
  size_t max_files_;
  std::set<std::string> refused_;  // reported once; at most max_files_
};

}  // namespace sluice::file_plugin
