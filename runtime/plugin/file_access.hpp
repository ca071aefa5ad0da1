// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker-core/base/result.hpp"

namespace sluice::plugin {

// The only way of a plugin to files: everything it opens must lie below one of the roots
// (file.allowed.roots), after all symbolic links are resolved. The kernel checks that while it
// walks the path (openat2 with RESOLVE_BENEATH), so nobody can exchange a folder between check and
// use; kernels without it are served by an own walk, one component at a time, that follows no link.
// Immutable; any thread. Owned by the registry, which outlives the plugins' instances.
class FileAccess {
 public:
  // Roots must be existing folders (kInvalid names the one that is not). Empty: every file is
  // refused.
  static Result<std::shared_ptr<const FileAccess>> make(const std::vector<std::string>& roots);
  ~FileAccess();
  FileAccess(const FileAccess&) = delete;
  FileAccess& operator=(const FileAccess&) = delete;

  // `flags` are SLUICE_FILE_*; relative paths begin at the first root. Returns an open descriptor
  // that the caller closes. kInvalid: outside of the roots, a folder where a file is asked for or
  // the reverse, no right; the text names the config key, the path and what to change.
  // kNotConnected: no such file (yet). kConflict: EXCLUSIVE, and it exists.
  Result<int> open(const std::string& key, const std::string& path, uint32_t flags) const;

  // For tests: as on a kernel that has no openat2.
  void disable_openat2() { use_openat2_ = false; }

 private:
  struct Root {
    std::string path;  // canonical
    int fd = -1;
  };
  FileAccess() = default;
  int open_below(const Root& root, const std::string& relative, int flags) const;

  std::vector<Root> roots_;
  bool use_openat2_ = true;
};

}  // namespace sluice::plugin
