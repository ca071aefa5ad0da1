// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/file_tracker.hpp"

#include <sluice/sdk/crash_point.hpp>

// The tracker's part that says which file is which.
namespace sluice::file_plugin {

Result<bool> FileTracker::claim_by_inode(Scan& scan, std::vector<Candidate>& near,
                                         TrackedFile& file) {
  for (Candidate& candidate : near) {
    if (candidate.taken || !candidate.file.info.same_file(file.seen)) continue;
    SLUICE_SDK_ASSIGN(const Same same, holds(file, candidate.file));
    if (same != Same::kYes) continue;
    claim(scan, candidate, file);
    SLUICE_SDK_TRY(know_head(file, candidate.file));
    return true;
  }
  return false;
}

// A copy of what `file` was: the file itself was cut (copytruncate), or compressed and deleted. In
// either case the copy was whole before that.
Status FileTracker::claim_copy(Scan& scan, std::vector<Candidate>& near, TrackedFile& file,
                               bool* found) {
  *found = false;
  if (file.print.empty()) return sdk::ok();
  for (Candidate& candidate : near) {
    if (candidate.taken || !can_become(file.path, candidate.file.path)) continue;
    // Older ones may begin alike. Compressing keeps the time, perhaps without its fractions.
    if (candidate.file.info.modified_ns + kSecondNs < file.seen.modified_ns) continue;
    uint64_t read = 0;
    SLUICE_SDK_ASSIGN(Same same, copied(file, candidate.file, &read));
    const bool known = copies_.contains({candidate.file.path, candidate.file.info.inode});
    if (same == Same::kNotYet && known && !candidate.file.info.same_file(file.seen)) {
      same = Same::kYes;  // it was seen to be a copy when less of the file had been read
      read = candidate.file.info.size;
    }
    if (same != Same::kYes) continue;
    *found = true;
    if (file.open != nullptr && !file.changed && !file.idle) {  // first the rest of it
      file.gone = true;
      candidate.taken = true;
      take_everywhere(scan, candidate.file);
      return sdk::ok();
    }
    const auto here = scan.by_path.find(file.path);
    if (here != scan.by_path.end() && scan.found[here->second].file.info.same_file(file.seen)) {
      ++counts_.truncated;
      events_.report("file-truncated",
                     "'" + file.path + "' was cut when " + std::to_string(file.position) +
                         " bytes of it had been read; what it held behind them is read from its "
                         "copy '" +
                         candidate.file.path + "'");
    }
    SLUICE_CRASH_POINT("file.rotation_copied");
    file.open.reset();
    file.held.clear();
    file.finished = false;
    if (read != file.position) {
      file.position = read;
      SLUICE_SDK_ASSIGN(const auto opened, OpenFile::open(files_, candidate.file.path, options_));
      SLUICE_SDK_ASSIGN(file.print, fingerprint_of(opened->content(), read));
    }
    claim(scan, candidate, file);
    return sdk::ok();
  }
  return sdk::ok();
}

// Whether a file that nobody knows is a copy of one that is still there under its own name: then it
// is that file that is read on, until it goes away or is cut.
Result<FileTracker::Same> FileTracker::is_copy_of_known(Scan& scan, const FoundFile& found) {
  const std::string_view name = file_name_of(live_name(found.path));
  const bool known = copies_.contains({found.path, found.info.inode});
  size_t looked_at = 0;
  for (const auto& file : tracked_) {
    if (file_name_of(live_name(file->path)) != name) continue;
    // Of one that was not read yet only the first bytes are known, with which others may begin,
    // too: those wait until more is.
    const bool unread = file->resume_position() == 0;
    if (unread && found.path != file->path + ".gz" && !fresh(scan, found)) continue;
    if (file->print.empty()) continue;
    if (!can_become(file->path, found.path) || ++looked_at > kMaxCopies) continue;
    uint64_t read = 0;
    SLUICE_SDK_ASSIGN(Same same, copied(*file, found, &read));
    if (same == Same::kNotYet && known) {
      same = Same::kYes;
      read = found.info.size;
    }
    if (same == Same::kNotYet && fresh(scan, found)) {
      SLUICE_SDK_ASSIGN(const bool becoming, begins_like(*file, found));
      if (becoming) return same;
    }
    if (same != Same::kYes) continue;
    if (unread) return same;
    if (is_gzip_name(found.path) || read < found.info.size || fresh(scan, found)) {
      copies_.insert({found.path, found.info.inode});
      return same;
    }
    // All that it holds was read as part of the other one.
    SLUICE_SDK_ASSIGN(const auto opened, OpenFile::open(files_, found.path, options_));
    SLUICE_SDK_ASSIGN(const Fingerprint print, fingerprint_of(opened->content(), read));
    if (!finder_.wants(found.path)) return same;
    notes_.note("'" + found.path + "' is a copy of '" + file->path + "', which was read");
    SLUICE_SDK_ASSIGN(TrackedFile* const copy, track(scan, found, true));  // `file` is no more
    copy->position = read;
    copy->print = print;
    return same;
  }
  return Same::kNo;
}

// Whether the found file is being copied from the one that has its live name now, of which nothing
// is known yet: so far all that it holds stands there, too. Names alone say nothing, and neither do
// the first bytes: files may begin alike.
Result<bool> FileTracker::is_copy_of_new(const Scan& scan, const FoundFile& found) {
  const auto at = scan.by_path.find(std::string(live_name(found.path)));
  if (at == scan.by_path.end() || scan.found[at->second].taken || is_gzip_name(found.path) ||
      !fresh(scan, found) || is_tracked_file(scan.found[at->second].file))
    return false;
  auto copy = OpenFile::open(files_, found.path, options_);
  auto live = OpenFile::open(files_, scan.found[at->second].file.path, options_);
  if (!copy.ok() || !live.ok()) return false;  // gone already, which the next look sees
  std::string one(64 * 1024, '\0'), other(one.size(), '\0');
  for (uint64_t position = 0;; position += one.size()) {
    SLUICE_SDK_ASSIGN(const size_t size,
                      (*copy)->content().read_at(one.data(), one.size(), position));
    if (size == 0) return true;
    SLUICE_SDK_ASSIGN(const size_t there, (*live)->content().read_at(other.data(), size, position));
    if (there < size || one.compare(0, size, other, 0, size) != 0) return false;
    if (size < one.size()) return true;
  }
}

// Whether all of the found file, which is too short to say more, is what `file` begins with:
// somebody is copying.
Result<bool> FileTracker::begins_like(TrackedFile& file, const FoundFile& found) {
  const auto first_of = [](Content& content) -> Result<std::string> {
    std::string bytes(Fingerprint::kHeadBytes, '\0');
    SLUICE_SDK_ASSIGN(const size_t read, content.read_at(bytes.data(), bytes.size(), 0));
    bytes.resize(read);
    return bytes;
  };
  auto copy = OpenFile::open(files_, found.path, options_);
  if (!copy.ok()) return false;
  const Result<std::string> copied = first_of((*copy)->content());
  if (!copied.ok()) return false;
  if (file.open != nullptr) {
    SLUICE_SDK_ASSIGN(const std::string whole, first_of(file.open->content()));
    return whole.starts_with(*copied);
  }
  auto original = OpenFile::open(files_, file.path, options_);
  if (!original.ok()) return false;
  SLUICE_SDK_ASSIGN(const std::string whole, first_of((*original)->content()));
  return whole.starts_with(*copied);
}

// Whether the found file is `file`, by its inode and what was read of it.
Result<FileTracker::Same> FileTracker::holds(TrackedFile& file, const FoundFile& found) {
  const uint64_t position = file.resume_position();
  const bool same_inode = found.info.same_file(file.seen);
  if (!file.identified) {  // all that FileStreamSource left is a position under this name
    return found.path == file.path && (file.compressed() || found.info.size >= position)
               ? Same::kYes
               : Same::kNo;
  }
  if (!same_inode || file.changed || file.compressed() != is_gzip_name(found.path))
    return Same::kNo;
  if (!file.compressed() && found.info.size < position) {
    file.changed = true;
    file.open.reset();
    return Same::kNo;
  }
  // As long as it is open its inode is nobody else's; of an empty one there is nothing else to
  // compare, but that nothing is rotated back.
  if (file.open != nullptr) return Same::kYes;
  if (file.print.empty()) {
    const bool possible = file.path == found.path || can_become(file.path, found.path) ||
                          file.live() != live_name(found.path);
    return possible ? Same::kYes : Same::kNo;
  }
  if (found.info.size == file.seen.size && found.info.modified_ns == file.seen.modified_ns)
    return Same::kYes;
  auto opened = OpenFile::open(files_, found.path, options_);
  if (!opened.ok()) {
    if (opened.error().kind == SLUICE_NOT_CONNECTED) return Same::kNo;
    return std::move(opened).error();
  }
  SLUICE_SDK_ASSIGN(const Match match,
                    file_plugin::match((*opened)->content(), position, file.print));
  return match == Match::kSame ? Same::kYes : Same::kNo;
}

Result<FileTracker::Same> FileTracker::copied(const TrackedFile& file, const FoundFile& found,
                                              uint64_t* read) {
  auto opened = OpenFile::open(files_, found.path, options_);
  if (!opened.ok()) {
    if (opened.error().kind == SLUICE_NOT_CONNECTED || opened.error().kind == SLUICE_CONFIG_ERROR)
      return Same::kNo;
    return std::move(opened).error();
  }
  Content& content = (*opened)->content();
  *read = file.resume_position();
  // A damaged gzip file is nobody's copy; that it is damaged is said when it is read.
  auto now = match(content, *read, file.print);
  if (!now.ok())
    return now.error().kind == SLUICE_FATAL ? Result<Same>(Same::kNo) : std::move(now).error();
  if (*now != Match::kTooShort) return *now == Match::kSame ? Same::kYes : Same::kNo;
  for (auto mark = file.marks.rbegin(); mark != file.marks.rend(); ++mark) {
    SLUICE_SDK_ASSIGN(const Match earlier, match(content, mark->position, mark->print));
    if (earlier != Match::kSame) continue;
    // It is a copy of what the file was some time ago. What it holds behind the mark was read, too.
    if (is_gzip_name(found.path)) return Same::kNotYet;
    SLUICE_SDK_ASSIGN(*read, content.end(mark->position));
    return Same::kYes;
  }
  return Same::kNotYet;
}

}  // namespace sluice::file_plugin
