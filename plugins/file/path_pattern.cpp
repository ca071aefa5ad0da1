// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/path_pattern.hpp"

#include <fnmatch.h>

#include <algorithm>

namespace sluice::file_plugin {

namespace {

std::vector<std::string> split_names(std::string_view path) {
  std::vector<std::string> names;
  if (path.starts_with('/')) names.emplace_back("/");
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    if (!name.empty()) names.emplace_back(name);
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return names;
}

bool matches_from(const std::vector<std::string>& pattern, size_t p,
                  const std::vector<std::string>& path, size_t n) {
  if (p == pattern.size()) return n == path.size();
  if (PathPattern::is_any_folders(pattern[p])) {
    for (size_t next = n; next <= path.size(); ++next) {
      if (matches_from(pattern, p + 1, path, next)) return true;
      if (next < path.size() && path[next].starts_with('.')) return false;
    }
    return false;
  }
  return n < path.size() && PathPattern::matches_name(pattern[p], path[n]) &&
         matches_from(pattern, p + 1, path, n + 1);
}

}  // namespace

PathPattern::PathPattern(std::string_view text) : text_(text), names_(split_names(text)) {
  if (text.ends_with('/')) {
    names_.emplace_back("*");
    text_ += '*';
  }
  literal_ = std::none_of(names_.begin(), names_.end(),
                          [](const std::string& name) { return has_wildcard(name); });
}

bool PathPattern::has_wildcard(std::string_view name) {
  return name.find_first_of("*?[") != std::string_view::npos;
}

bool PathPattern::matches_name(const std::string& pattern, const std::string& name) {
  return ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0;
}

bool PathPattern::matches(std::string_view path) const {
  if (literal_) return path == text_;
  return matches_from(names_, 0, split_names(path), 0);
}

}  // namespace sluice::file_plugin
