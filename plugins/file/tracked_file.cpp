// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/tracked_file.hpp"

#include <algorithm>
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

Status read_marks(std::string_view text, TrackedFile& file) {
  while (!text.empty()) {
    std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    TrackedFile::Mark mark{};
    const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), mark.position);
    word.remove_prefix(static_cast<size_t>(end - word.data()));
    const auto print = code == std::errc() && word.starts_with('/')
                           ? Fingerprint::parse(word.substr(1))
                           : std::nullopt;
    if (!print || print->tail_size > mark.position || print->head_size > mark.position ||
        file.marks.size() == TrackedFile::kMarks) {
      return malformed(file.path, "its marks");
    }
    mark.print = *print;
    file.marks.push_back(mark);
  }
  return sdk::ok();
}

}  // namespace

std::string TrackedFile::marks_text() const {
  std::string text;
  const size_t first = marks.size() > kStoredMarks ? marks.size() - kStoredMarks : 0;
  for (size_t i = first; i < marks.size(); ++i) {
    if (marks[i].position >= resume_position()) continue;
    if (!text.empty()) text += ' ';
    text += std::to_string(marks[i].position) + '/' + marks[i].print.text();
  }
  return text;
}

Result<std::unique_ptr<TrackedFile>> read_stored(const sdk::Value& partition,
                                                 const sdk::Value& offset) {
  const auto name = partition.get("filename").as_string();
  if (!name || offset.is_null()) return std::unique_ptr<TrackedFile>();
  auto stored = std::make_unique<TrackedFile>();
  TrackedFile& file = *stored;
  file.key = {std::string(*name),
              static_cast<uint64_t>(partition.get("number").as_int().value_or(0))};
  file.path = offset.get("path").as_string().value_or(*name);
  const auto position = offset.get("position").as_int();
  if (!offset.get("position").is_null() && (!position || *position < 0)) {
    return malformed(file.path, "position must be a whole number from 0 on");
  }
  file.position = static_cast<uint64_t>(position.value_or(0));
  file.number = static_cast<uint64_t>(offset.get("line").as_int().value_or(0));
  file.seen.modified_ns = offset.get("modified").as_int().value_or(0);
  file.seen.size = file.position;
  file.finished_size = static_cast<uint64_t>(offset.get("end").as_int().value_or(0));
  file.skipped = offset.get("skipped").as_bool().value_or(false);
  file.finished = file.skipped || file.finished_size > 0;
  if (file.finished_size > 0) file.seen.size = file.finished_size;
  const auto print = Fingerprint::parse(offset.get("fingerprint").as_string().value_or(""));
  if (!print) return malformed(file.path, "its fingerprint");
  file.print = *print;
  const auto inode = offset.get("inode").as_string();
  if (inode && !read_inode(*inode, file.seen)) return malformed(file.path, "its inode");
  file.identified = inode.has_value() && (!file.print.empty() || file.position == 0);
  if (file.position > 0 && file.print.tail_size == 0) file.identified = false;
  SLUICE_SDK_TRY(read_marks(offset.get("marks").as_string().value_or(""), file));
  file.remember();
  return stored;
}

}  // namespace sluice::file_plugin
