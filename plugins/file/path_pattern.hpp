// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::file_plugin {

// A path with wildcards, as shells have them: *, ?, [a-z] within one name, ** for any number of
// folders; names that begin with a dot are matched by a dot only. A path without wildcards matches
// itself. Immutable.
class PathPattern {
 public:
  explicit PathPattern(std::string_view text);

  bool literal() const { return literal_; }
  const std::string& text() const { return text_; }
  bool matches(std::string_view path) const;

  // The pattern's names one by one, for walking folders. An absolute one begins with "/".
  const std::vector<std::string>& names() const { return names_; }
  static bool has_wildcard(std::string_view name);
  static bool is_any_folders(std::string_view name) { return name == "**"; }
  static bool matches_name(const std::string& pattern, const std::string& name);

 private:
  std::string text_;
  std::vector<std::string> names_;
  bool literal_ = true;
};

}  // namespace sluice::file_plugin
