// SPDX-License-Identifier: Apache-2.0
#include "broker-core/metadata/meta_properties.hpp"

#include <charconv>
#include <cstdio>
#include <map>

#include "broker-core/base/crc32c.hpp"

namespace sluice::metadata {

namespace {

constexpr uint64_t kPropertiesMax = 64 * 1024;
constexpr const char* kFormatKey = "sluice.format.version";
constexpr std::string_view kChecksumKey =
    "sluice.checksum=";  // the last line: CRC-32C of those before

std::string path_in(const std::string& directory) {
  return directory + "/meta.properties";
}

Error damaged(const std::string& path, const std::string& what) {
  return {ErrorKind::kCorrupt,
          path + ": " + what +
              "; restore the file from a backup of the data directory, it is never edited by hand"};
}

Result<std::map<std::string, std::string>> parse(const std::string& path, std::string_view text) {
  std::map<std::string, std::string> out;
  for (int line_number = 1; !text.empty(); ++line_number) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos)
      return damaged(path, "line " + std::to_string(line_number) + " is cut");
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.empty() || line.front() == '#') continue;
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      return damaged(path, "line " + std::to_string(line_number) + " has no '='");
    }
    out[std::string(line.substr(0, equals))] = line.substr(equals + 1);
  }
  return out;
}

std::optional<int> parse_int(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string checksum_line(std::string_view text) {
  char line[32];
  std::snprintf(line, sizeof line, "%s%08x\n", kChecksumKey.data(), crc32c(as_bytes(text)));
  return line;
}

// A file of a version that wrote no checksum has none.
bool checksum_holds(std::string_view text) {
  const size_t at = text.rfind(kChecksumKey);
  return at == std::string_view::npos || text.substr(at) == checksum_line(text.substr(0, at));
}

}  // namespace

Result<std::optional<MetaProperties>> read_meta_properties(Disk& disk,
                                                           const std::string& directory) {
  const std::string path = path_in(directory);
  SLUICE_ASSIGN(const bool there, disk.exists(path));
  if (!there) return std::optional<MetaProperties>();
  SLUICE_ASSIGN(const Bytes content, read_file(disk, path, kPropertiesMax));
  SLUICE_ASSIGN(auto values, parse(path, as_text(content)));
  for (const char* key : {"version", kFormatKey, "cluster.id", "node.id", "directory.id"}) {
    if (values[key].empty()) return damaged(path, std::string(key) + " is missing");
  }
  const auto format = parse_int(values[kFormatKey]);
  const auto node = parse_int(values["node.id"]);
  if (!format || *format < 1) return damaged(path, std::string(kFormatKey) + " is no version");
  if (*format > kFormatVersion) {
    return Error{ErrorKind::kUnsupported,
                 path + ": the data directory has format version " + std::to_string(*format) +
                     ", this version of Sluice reads up to " + std::to_string(kFormatVersion) +
                     "; start the newer version that wrote it, or use another data.dir"};
  }
  if (!checksum_holds(as_text(content))) return damaged(path, "its checksum is wrong");
  if (!node || *node < 0) return damaged(path, "node.id is no id");
  return std::optional(MetaProperties{values["cluster.id"], *node, values["directory.id"]});
}

Status write_meta_properties(Disk& disk, const std::string& directory,
                             const MetaProperties& properties) {
  std::string text =
      "#\n# Written when this data directory was made. Never edit or copy it.\nversion=1\n" +
      std::string(kFormatKey) + "=" + std::to_string(kFormatVersion) +
      "\ncluster.id=" + properties.cluster_id + "\nnode.id=" + std::to_string(properties.node_id) +
      "\ndirectory.id=" + properties.directory_id + "\n";
  text += checksum_line(text);
  return write_file_atomically(disk, path_in(directory), as_bytes(text));
}

TopicId random_topic_id(Random& random) {
  while (true) {
    TopicId id;
    random.fill(id.bytes);
    bool reserved = true;  // all zero but perhaps the last byte
    for (size_t i = 0; i + 1 < id.bytes.size(); ++i) reserved = reserved && id.bytes[i] == 0;
    if (!reserved && id.to_string().front() != '-') return id;
  }
}

}  // namespace sluice::metadata
