// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/file_finder.hpp"

#include <algorithm>

#include "plugins/file/fingerprint.hpp"
#include "plugins/file/rotation_name.hpp"

namespace sluice::file_plugin {

bool TaskShare::has(std::string_view path) const {
  return count <= 1 || hash_bytes(live_name(path)) % count == index;
}

bool FileFinder::wants(std::string_view path) const {
  if (!share_.has(path) || !pattern_.matches(path)) return false;
  const std::string name(file_name_of(path));
  return std::none_of(exclude_.begin(), exclude_.end(), [&](const std::string& left_out) {
    return left_out.find('/') != std::string::npos ? PathPattern(left_out).matches(path)
                                                   : PathPattern::matches_name(left_out, name);
  });
}

Result<std::vector<FoundFile>> FileFinder::matches() {
  std::vector<FoundFile> found;
  if (pattern_.literal()) {
    auto opened = files_.open(pattern_.text(), Access::kRead);
    if (!opened.ok()) {
      if (opened.error().kind == SLUICE_NOT_CONNECTED) return found;
      return std::move(opened).error();
    }
    FoundFile file{pattern_.text(), {}};
    if (const IoResult result = (*opened)->info(&file.info); !result.ok()) {
      return io_error("looking at", file.path, result.error);
    }
    if (!file.info.regular) {
      return Error::config("'file' = '" + file.path +
                           "' is not a regular file; name a file, or a folder with a / at "
                           "its end");
    }
    found.push_back(std::move(file));
    return found;
  }
  SLUICE_SDK_TRY(walk("", 0, 0, found));
  // With two "**" a folder is walked more than once.
  const auto by_path = [](const FoundFile& a, const FoundFile& b) { return a.path < b.path; };
  std::sort(found.begin(), found.end(), by_path);
  found.erase(std::unique(found.begin(), found.end(),
                          [](const FoundFile& a, const FoundFile& b) { return a.path == b.path; }),
              found.end());
  return found;
}

Status FileFinder::add(FoundFile file, std::vector<FoundFile>& found) const {
  if (!wants(file.path)) return sdk::ok();
  if (found.size() >= max_files_) {
    return Error::config("'file' = '" + pattern_.text() +
                         "' matches more than max.files=" + std::to_string(max_files_) +
                         " files; raise it, raise tasks.max, or narrow the pattern");
  }
  found.push_back(std::move(file));
  return sdk::ok();
}

// What a link leads to; false: nothing that is to be read.
Result<bool> FileFinder::resolve(const std::string& path, FileInfo* info) {
  auto opened = files_.open(path, Access::kRead);
  if (!opened.ok()) {
    if (opened.error().kind == SLUICE_RETRIABLE) return std::move(opened).error();
    if (opened.error().kind != SLUICE_NOT_CONNECTED && refused_.size() < max_files_ &&
        refused_.insert(path).second) {
      events_.report("file-refused", opened.error().message + "; it is left out");
    }
    return false;
  }
  if (const IoResult result = (*opened)->info(info); !result.ok())
    return io_error("looking at", path, result.error);
  return info->regular;
}

Status FileFinder::add_entry(const std::string& path, const FolderEntry& entry,
                             std::vector<FoundFile>& found) {
  if (entry.kind == FolderEntry::Kind::kFile) return add({path, entry.info}, found);
  if (entry.kind != FolderEntry::Kind::kLink || !wants(path)) return sdk::ok();
  FoundFile file{path, {}};
  SLUICE_SDK_ASSIGN(const bool readable, resolve(path, &file.info));
  return readable ? add(std::move(file), found) : sdk::ok();
}

// A name of the pattern without wildcards: nothing has to be listed for it.
Status FileFinder::add_literal(const std::string& path, size_t name, int depth,
                               std::vector<FoundFile>& found) {
  if (name + 1 < pattern_.names().size()) return walk(path, name + 1, depth + 1, found);
  FoundFile file{path, {}};
  SLUICE_SDK_ASSIGN(const bool readable, resolve(path, &file.info));
  return readable ? add(std::move(file), found) : sdk::ok();
}

Status FileFinder::walk(const std::string& folder, size_t name, int depth,
                        std::vector<FoundFile>& found) {
  const std::string& wanted = pattern_.names()[name];
  const bool last = name + 1 == pattern_.names().size();
  if (!PathPattern::has_wildcard(wanted))
    return add_literal(join_path(folder, wanted), name, depth, found);
  if (depth > kMaxDepth) return Error::config("'" + folder + "': more than 32 folders deep");
  auto listed = folders_.list(folder.empty() ? "." : folder, 10 * max_files_);
  if (!listed.ok()) {
    const Error error = std::move(listed).error();
    if (error.kind == SLUICE_NOT_CONNECTED) return sdk::ok();
    // The folder that the pattern begins with has to be allowed; one further down may be refused on
    // its own.
    if (error.kind != SLUICE_CONFIG_ERROR || depth == 0 ||
        !PathPattern::has_wildcard(pattern_.names()[name - 1])) {
      return error;
    }
    if (refused_.size() < max_files_ && refused_.insert(folder).second) {
      events_.report("file-refused", error.message + "; it is left out");
    }
    return sdk::ok();
  }
  const bool any = PathPattern::is_any_folders(wanted);
  if (any && !last) SLUICE_SDK_TRY(walk(folder, name + 1, depth, found));
  for (const FolderEntry& entry : *listed) {
    const std::string path = join_path(folder, entry.name);
    if (any) {
      if (entry.name.starts_with('.')) continue;
      if (entry.kind == FolderEntry::Kind::kFolder)
        SLUICE_SDK_TRY(walk(path, name, depth + 1, found));
      if (last) SLUICE_SDK_TRY(add_entry(path, entry, found));
      continue;
    }
    if (!PathPattern::matches_name(wanted, entry.name)) continue;
    if (last) {
      SLUICE_SDK_TRY(add_entry(path, entry, found));
    } else if (entry.kind == FolderEntry::Kind::kFolder || entry.kind == FolderEntry::Kind::kLink) {
      SLUICE_SDK_TRY(walk(path, name + 1, depth + 1, found));
    }
  }
  return sdk::ok();
}

Result<std::vector<FoundFile>> FileFinder::neighbours(std::string_view path) {
  const std::string folder(folder_of(path));
  std::vector<FoundFile> found;
  auto listed = folders_.list(folder.empty() ? "." : folder, 10 * max_files_);
  if (!listed.ok()) {
    if (listed.error().kind == SLUICE_NOT_CONNECTED) return found;
    return std::move(listed).error();
  }
  for (FolderEntry& entry : *listed) {
    if (entry.kind != FolderEntry::Kind::kFile) continue;
    FoundFile file{join_path(folder, entry.name), entry.info};
    if (share_.has(file.path)) found.push_back(std::move(file));
  }
  return found;
}

}  // namespace sluice::file_plugin
