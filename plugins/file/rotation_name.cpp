// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/rotation_name.hpp"

#include <charconv>
#include <optional>

namespace sluice::file_plugin {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Length of `text` without one group like ".1" or "-20260131" at its end; the same if there is
// none.
size_t without_group(std::string_view text) {
  size_t at = text.size();
  while (at > 0 && is_digit(text[at - 1])) --at;
  if (at == text.size() || at < 2) return text.size();
  const char before = text[at - 1];
  if (before != '.' && before != '-' && before != '_') return text.size();
  return text[at - 2] == '/' ? text.size() : at - 1;
}

}  // namespace

std::optional<unsigned> rotation_number(std::string_view path) {
  if (is_gzip_name(path)) path.remove_suffix(3);
  const std::string_view rest = path.substr(live_name(path).size());
  if (rest.size() < 2 || rest.size() > 5 || rest[0] != '.') return std::nullopt;
  unsigned number = 0;
  const auto [end, code] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), number);
  if (code != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
  return number;
}

bool is_gzip_name(std::string_view path) {
  return path.size() > 3 && path.ends_with(".gz");
}

std::string_view live_name(std::string_view path) {
  if (is_gzip_name(path)) path.remove_suffix(3);
  for (size_t size = without_group(path); size != path.size(); size = without_group(path))
    path = path.substr(0, size);
  return path;
}

bool can_become(std::string_view from, std::string_view to) {
  if (from == to || file_name_of(live_name(from)) != file_name_of(live_name(to))) return false;
  if (file_name_of(to) == file_name_of(live_name(to))) return false;  // nothing is rotated back
  if (is_gzip_name(from) && !is_gzip_name(to)) return false;
  const auto before = rotation_number(from);
  const auto after = rotation_number(to);
  return !before || !after || *before <= *after;
}

std::string_view folder_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return "";
  return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}

std::string_view file_name_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string join_path(std::string_view folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  std::string path(folder);
  if (!path.ends_with('/')) path += '/';
  return path.append(name);
}

}  // namespace sluice::file_plugin
