// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "plugins/file/file_tracker.hpp"

// The tracker's part that says which file is which.
namespace sluice::file_plugin {

Result<FileTracker::Findings> FileTracker::identify(Look& look) {
  Findings findings;
  const auto claim = [&](TrackedFile& file, size_t candidate) -> Result<bool> {
    if (look.files[candidate].taken) return false;
    SLUICE_SDK_ASSIGN(const Same same, holds(file, look.files[candidate].file));
    if (same != Same::kYes) return false;
    take(look, candidate);
    findings.claims.push_back({&file, candidate, std::nullopt});
    return true;
  };
  std::vector<TrackedFile*> elsewhere;
  for (const auto& file : tracked_) {
    const auto at = look.by_path.find(file->path);
    bool here = false;
    if (at != look.by_path.end()) {
      SLUICE_SDK_ASSIGN(here, claim(*file, at->second));
    }
    if (!here) elsewhere.push_back(file.get());
  }
  std::vector<TrackedFile*> nowhere;
  for (TrackedFile* file : elsewhere) {
    const auto [from, to] = look.by_inode.equal_range({file->seen.device, file->seen.inode});
    bool renamed = false;
    for (auto at = from; at != to && !renamed; ++at) {
      SLUICE_SDK_ASSIGN(renamed, claim(*file, at->second));
    }
    if (!renamed) nowhere.push_back(file);
  }
  for (TrackedFile* file : nowhere) {
    // Where nobody looked nothing is missing.
    if (settled(*file) && !look.folders.contains(std::string(folder_of(file->path)))) continue;
    SLUICE_SDK_ASSIGN(std::optional<Claim> copy, find_copy(look, *file));
    if (copy) {
      take(look, copy->candidate);
      findings.claims.push_back(*copy);
    } else {
      findings.missing.push_back(file);
    }
  }
  return findings;
}

// Whether the found file is `file`, by its inode and what was read of it.
Result<FileTracker::Same> FileTracker::holds(TrackedFile& file, const FoundFile& found) {
  const uint64_t position = file.resume_position();
  if (!file.identified) {  // all that FileStreamSource left is a position under this name
    return found.path == file.path && (file.compressed() || found.info.size >= position)
               ? Same::kYes
               : Same::kNo;
  }
  if (!found.info.same_file(file.seen) || file.changed ||
      file.compressed() != is_gzip_name(found.path))
    return Same::kNo;
  if (!file.compressed() && found.info.size < position) {
    file.changed = true;
    file.open.reset();
    return Same::kNo;
  }
  if (found.info.size == file.seen.size && found.info.modified_ns == file.seen.modified_ns)
    return Same::kYes;
  // As long as it is open its inode is nobody else's. But it may have been cut and have grown since
  // then: what was copied from it meanwhile is no copy of what is known of it.
  if (file.open != nullptr) {
    if (file.print.empty() || file.compressed()) return Same::kYes;
    SLUICE_SDK_ASSIGN(const Match match,
                      file_plugin::match(file.open->content(), position, file.print));
    if (match == Match::kSame) return Same::kYes;
    file.changed = true;
    file.open.reset();
    return Same::kNo;
  }
  if (file.print.empty()) {
    if (file.skipped) return Same::kNo;
    // Nothing was read: it does no harm if it is another one, but nothing is rotated back.
    const bool possible = file.path == found.path || can_become(file.path, found.path) ||
                          file.live() != live_name(found.path);
    return possible ? Same::kYes : Same::kNo;
  }
  auto opened = OpenFile::open(files_, found.path, options_);
  if (!opened.ok()) {
    if (opened.error().kind == SLUICE_NOT_CONNECTED) return Same::kNo;
    return std::move(opened).error();
  }
  SLUICE_SDK_ASSIGN(const FileInfo info, (*opened)->info());
  if (!info.same_file(found.info)) return Same::kNo;  // renamed just now
  SLUICE_SDK_ASSIGN(const Match match,
                    file_plugin::match((*opened)->content(), position, file.print));
  if (match == Match::kSame) return Same::kYes;
  // Not at rest, so that the next look shows the whole folder.
  if (file.path == found.path) file.changed = true;
  return Same::kNo;
}

// The file itself was cut (copytruncate), or compressed and deleted. In either case the copy was
// whole before that.
Result<std::optional<FileTracker::Claim>> FileTracker::find_copy(const Look& look,
                                                                 TrackedFile& file) {
  if (file.print.empty()) return std::optional<Claim>();
  for (size_t i = 0; i < look.files.size(); ++i) {
    const FoundFile& found = look.files[i].file;
    if (look.files[i].taken || !can_become(file.path, found.path)) continue;
    // Older ones may begin alike. Compressing keeps the time, perhaps without its fractions.
    if (found.info.modified_ns + kSecondNs < file.seen.modified_ns) continue;
    uint64_t read = 0;
    SLUICE_SDK_ASSIGN(const Same same, copied(file, found, &read));
    if (same == Same::kYes) return std::optional<Claim>(Claim{&file, i, read});
  }
  return std::optional<Claim>();
}

Result<FileTracker::Same> FileTracker::copied(const TrackedFile& file, const FoundFile& found,
                                              uint64_t* read) {
  auto opened = OpenFile::open(files_, found.path, options_);
  if (!opened.ok()) {
    if (opened.error().kind == SLUICE_NOT_CONNECTED || opened.error().kind == SLUICE_CONFIG_ERROR)
      return Same::kNo;
    return std::move(opened).error();
  }
  SLUICE_SDK_ASSIGN(const FileInfo info, (*opened)->info());
  if (!info.same_file(found.info)) return Same::kNotYet;  // renamed just now
  Content& content = (*opened)->content();
  *read = file.resume_position();
  // A damaged gzip file is nobody's copy; that it is damaged is said when it is read.
  auto now = match(content, *read, file.print);
  if (!now.ok())
    return now.error().kind == SLUICE_FATAL ? Result<Same>(Same::kNo) : std::move(now).error();
  const std::pair inode(found.info.device, found.info.inode);
  if (*now == Match::kSame && *read > 0) copies_[inode] = {file.key, {*read, file.print}};
  if (*now != Match::kTooShort) return *now == Match::kSame ? Same::kYes : Same::kNo;
  for (auto mark = file.marks.rbegin(); mark != file.marks.rend(); ++mark) {
    SLUICE_SDK_ASSIGN(const Match earlier, match(content, mark->position, mark->print));
    if (earlier != Match::kSame) continue;
    // It is a copy of what the file was some time ago. What it holds behind the mark was read, too.
    if (is_gzip_name(found.path)) return Same::kNotYet;
    copies_[inode] = {file.key, *mark};
    SLUICE_SDK_ASSIGN(*read, content.end(mark->position));
    return Same::kYes;
  }
  // It was seen to be a copy when less of the file had been read. (The inode may be another file's
  // since then.)
  const auto known = copies_.find(inode);
  if (known == copies_.end() || known->second.of != file.key || is_gzip_name(found.path) ||
      found.info.same_file(file.seen))
    return Same::kNotYet;
  const TrackedFile::Mark& mark = known->second.mark;
  SLUICE_SDK_ASSIGN(const Match earlier, match(content, mark.position, mark.print));
  if (earlier != Match::kSame) return Same::kNotYet;
  *read = found.info.size;
  return Same::kYes;
}

Result<FileTracker::Same> FileTracker::is_copy(const Times& now, const FoundFile& found,
                                               std::optional<uint64_t>* read_all) {
  const std::string_view name = file_name_of(live_name(found.path));
  size_t looked_at = 0;
  for (const auto& file : tracked_) {
    if (file->gone || file_name_of(live_name(file->path)) != name) continue;
    if (!can_become(file->path, found.path) || ++looked_at > kMaxCopies) continue;
    // A copy of all that the other one holds was not changed before that.
    if (found.info.size == file->seen.size && found.info.modified_ns < file->seen.modified_ns &&
        !same_time(found.info.modified_ns, file->seen.modified_ns))
      continue;
    // Of one that was not read yet only the first bytes are known, with which others may begin,
    // too: those wait until more is.
    const bool unread = file->resume_position() == 0;
    if (unread && found.path != file->path + ".gz" && !fresh(now, found)) continue;
    Same same = Same::kNotYet;
    uint64_t read = 0;
    if (!file->print.empty() && !(unread && !is_gzip_name(found.path))) {
      SLUICE_SDK_ASSIGN(same, copied(*file, found, &read));
    }
    if (same == Same::kNotYet && fresh(now, found)) {
      SLUICE_SDK_ASSIGN(const Same alike, begins_like(*file, found));
      if (alike == Same::kNotYet) undecided_.emplace(live_name(found.path));
      if (alike != Same::kNo) return Same::kNotYet;
    }
    if (same != Same::kYes) continue;
    if (unread) return same;
    const bool all = !is_gzip_name(found.path) && read >= found.info.size && !fresh(now, found);
    if (all) *read_all = read;
    return same;
  }
  // If it was renamed meanwhile, then others were compared.
  auto opened = OpenFile::open(files_, found.path, options_);
  if (opened.ok()) {
    SLUICE_SDK_ASSIGN(const FileInfo info, (*opened)->info());
    if (info.same_file(found.info)) return Same::kNo;
  } else if (opened.error().kind != SLUICE_NOT_CONNECTED) {
    return opened.error().kind == SLUICE_RETRIABLE ? Result<Same>(std::move(opened).error())
                                                   : Result<Same>(Same::kNo);
  }
  undecided_.emplace(live_name(found.path));
  return Same::kNotYet;
}

// Whether all of the found file, which is too short to say more, stands in `file` at the same
// place, as far as its first and last bytes tell: somebody is copying. kNotYet: it cannot be told,
// because `file` was cut meanwhile, or one of them is gone.
Result<FileTracker::Same> FileTracker::begins_like(TrackedFile& file, const FoundFile& found) {
  auto copy = OpenFile::open(files_, found.path, options_);
  auto other = OpenFile::open(files_, file.path, options_);
  for (auto* opened : {&copy, &other}) {
    if (opened->ok()) continue;
    const int kind = opened->error().kind;
    if (kind == SLUICE_NOT_CONNECTED) return Same::kNotYet;  // which the next look sees
    if (kind == SLUICE_CONFIG_ERROR) return Same::kNo;
    return std::move(*opened).error();
  }
  SLUICE_SDK_ASSIGN(const FileInfo copy_info, (*copy)->info());
  SLUICE_SDK_ASSIGN(const FileInfo info, (*other)->info());
  if (!copy_info.same_file(found.info) || !info.same_file(file.seen)) return Same::kNotYet;
  const auto alike = [&](uint64_t from, uint32_t size) -> Result<bool> {
    std::string one(size, '\0'), two(size, '\0');
    SLUICE_SDK_ASSIGN(const size_t read, (*copy)->content().read_at(one.data(), size, from));
    SLUICE_SDK_ASSIGN(const size_t there, (*other)->content().read_at(two.data(), read, from));
    return there == read && one.compare(0, read, two, 0, read) == 0;
  };
  const Result<bool> head = alike(0, Fingerprint::kHeadBytes);
  // A damaged gzip file is nobody's copy.
  if (!head.ok() && head.error().kind == SLUICE_FATAL) return Same::kNo;
  SLUICE_SDK_ASSIGN(bool same, head);
  if (same && !is_gzip_name(found.path) && copy_info.size > Fingerprint::kHeadBytes) {
    SLUICE_SDK_ASSIGN(same,
                      alike(copy_info.size - Fingerprint::kTailBytes, Fingerprint::kTailBytes));
  }
  if (same) return Same::kYes;
  if (file.print.empty()) return Same::kNo;
  SLUICE_SDK_ASSIGN(const Match still,
                    match((*other)->content(), file.resume_position(), file.print));
  return still == Match::kSame ? Same::kNo : Same::kNotYet;
}

// Whether a compressed file is one that is being made of another: it gets the time of that when it
// is whole, before the other goes. Until then its own time makes it look new.
Result<bool> FileTracker::is_being_compressed(const Look& look, const FoundFile& found) {
  if (!is_gzip_name(found.path) || !fresh(look.now, found)) return false;
  if (look.by_path.contains(found.path.substr(0, found.path.size() - 3))) return true;
  auto opened = OpenFile::open(files_, found.path, options_);
  if (!opened.ok()) {
    if (opened.error().kind == SLUICE_NOT_CONNECTED) return true;
    return std::move(opened).error();
  }
  SLUICE_SDK_ASSIGN(const FileInfo now, (*opened)->info());
  return !now.same_file(found.info) || now.modified_ns != found.info.modified_ns;
}

}  // namespace sluice::file_plugin
