// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>

#include "runtime/plugin/private_copy.hpp"

namespace sluice::plugin {

// What is known of one library file from an earlier look at it.
struct CachedLibrary {
  FileIdentity identity;
  std::string sha256;
  std::string manifest;  // JSON of the note; empty: it has no usable one, `refusal` says why
  bool probed = false;   // its entry was run in a probe, with the result in `refusal`
  std::string refusal;   // empty = good
};

// <cache dir>/plugin-cache.json: spares reading, hashing and probing of libraries that did not
// change. It holds nothing that could not be found out again, so a file that is missing, broken, or
// of another version of the worker's ABI counts as empty. Verdicts go with the contents (SHA-256),
// wherever a file with them lies. Owned and locked by the registry.
class PluginCache {
 public:
  explicit PluginCache(std::string folder);  // "" = nothing is kept
  const CachedLibrary* find(const std::string& path, const FileIdentity& identity) const;
  // The verdict on a library of the same contents under any name.
  const CachedLibrary* find_contents(const std::string& sha256) const;
  void put(const std::string& path, CachedLibrary entry);
  // Forgets files that are not in `keep`, and writes the file if anything changed (atomically).
  // Failing to write is no error: the next start only takes longer. Returns what went wrong, for
  // the log.
  std::optional<std::string> save(const std::map<std::string, FileIdentity>& keep);

 private:
  std::string file_;
  std::map<std::string, CachedLibrary> entries_;
  bool dirty_ = false;
};

}  // namespace sluice::plugin
