// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/tracked_file.hpp"

#include <charconv>

namespace sluice::file_plugin {

namespace {

Error malformed(const std::string& path, const char* what) {
  return Error::config("the stored offset of '" + path + "' is malformed: " + what +
                       "; alter or delete the connector's offsets");
}

bool read_inode(std::string_view text, FileInfo& info) {
  const char* const end = text.data() + text.size();
  const auto [colon, code] = std::from_chars(text.data(), end, info.device);
  if (code != std::errc() || colon == end || *colon != ':') return false;
  const auto [last, second] = std::from_chars(colon + 1, end, info.inode);
  return second == std::errc() && last == end;
}

}  // namespace

Status read_stored(const sdk::Value& offset, TrackedFile& file) {
  const auto position = offset.get("position").as_int();
  if (!offset.get("position").is_null() && (!position || *position < 0)) {
    return malformed(file.path, "position must be a whole number from 0 on");
  }
  file.position = static_cast<uint64_t>(position.value_or(0));
  file.number = static_cast<uint64_t>(offset.get("line").as_int().value_or(0));
  file.seen.modified_ns = offset.get("modified").as_int().value_or(0);
  file.since_ns = file.seen.modified_ns;
  file.seen.size = file.position;
  file.stored = true;
  file.finished_size = static_cast<uint64_t>(offset.get("end").as_int().value_or(0));
  file.finished = file.finished_size > 0;
  if (file.finished) file.seen.size = file.finished_size;
  const auto print = Fingerprint::parse(offset.get("fingerprint").as_string().value_or(""));
  if (!print) return malformed(file.path, "its fingerprint");
  file.print = *print;
  const auto inode = offset.get("inode").as_string();
  if (inode && !read_inode(*inode, file.seen)) return malformed(file.path, "its inode");
  file.identified = inode.has_value() && (!file.print.empty() || file.position == 0);
  if (file.position > 0 && file.print.tail_size == 0) file.identified = false;
  file.remember();
  return sdk::ok();
}

}  // namespace sluice::file_plugin
