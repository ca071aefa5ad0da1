// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/file_tracker.hpp"

#include <sluice/sdk/crash_point.hpp>

#include <algorithm>
#include <climits>
#include <iterator>

namespace sluice::file_plugin {

Status FileTracker::rescan(const Times& now) {
  for (int looks = 1;; ++looks) {
    SLUICE_SDK_ASSIGN(Look first, look(now));
    SLUICE_SDK_ASSIGN(Findings findings, identify(first));
    if (findings.certain() && !has_unknown(first)) return conclude(first, findings);
    // A folder that is listed while files are renamed shows some twice and others not at all.
    SLUICE_SDK_ASSIGN(const Look second, look(now));
    find_unsettled(first, second, findings);
    if (findings.unsettled.empty() || looks == kMaxLooks) return conclude(first, findings);
  }
}

// Live names of which two looks show something else: of these nothing is concluded.
void FileTracker::find_unsettled(const Look& first, const Look& second, Findings& findings) {
  std::vector<Name> differ;
  std::set_symmetric_difference(first.names.begin(), first.names.end(), second.names.begin(),
                                second.names.end(), std::back_inserter(differ));
  for (const auto& [path, device, inode] : differ) {
    findings.unsettled.emplace(live_name(path));
    for (const TrackedFile* file : findings.missing) {
      if (file->seen.device == device && file->seen.inode == inode)
        findings.unsettled.insert(file->live());
    }
  }
}

Result<FileTracker::Look> FileTracker::look(const Times& now) {
  Look look;
  look.now = now;
  SLUICE_SDK_ASSIGN(std::vector<FoundFile> found, finder_.matches());
  for (FoundFile& file : found) {
    if (!options_.gzip && is_gzip_name(file.path)) continue;
    look.by_path.emplace(file.path, look.files.size());
    look.files.push_back({std::move(file), true});
  }
  SLUICE_SDK_TRY(add_neighbours(look));
  std::sort(look.files.begin(), look.files.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.file.info.modified_ns, a.file.path) <
           std::tie(b.file.info.modified_ns, b.file.path);
  });
  for (size_t i = 0; i < look.files.size(); ++i) {
    const FoundFile& file = look.files[i].file;
    look.by_path[file.path] = i;
    look.by_inode.emplace(std::pair(file.info.device, file.info.inode), i);
    look.names.emplace(file.path, file.info.device, file.info.inode);
  }
  return look;
}

// All files of the folders in which rotation may have been at work.
Status FileTracker::add_neighbours(Look& look) {
  std::set<std::string_view> at_place;
  std::set<std::string> folders;
  for (const auto& file : tracked_) {
    if (at_rest(look, *file)) {
      at_place.insert(file->path);
    } else {
      folders.insert(std::string(folder_of(file->path)));
    }
  }
  for (const Candidate& candidate : look.files) {
    if (!at_place.contains(candidate.file.path))
      folders.insert(std::string(folder_of(candidate.file.path)));
  }
  for (const std::string& folder : folders) {
    SLUICE_SDK_ASSIGN(std::vector<FoundFile> files, finder_.neighbours(join_path(folder, "x")));
    for (FoundFile& file : files) {
      if (!options_.gzip && is_gzip_name(file.path)) continue;
      if (look.by_path.contains(file.path)) continue;
      look.files.push_back({std::move(file)});
    }
  }
  look.folders = std::move(folders);
  return sdk::ok();
}

// Whether nothing can have happened that only shows in other files of the folder. While nothing was
// read of a file, it may have been copied and cut.
bool FileTracker::at_rest(const Look& look, const TrackedFile& file) const {
  if (settled(file)) return true;
  const auto at = look.by_path.find(file.path);
  if (at == look.by_path.end() || file.changed || file.gone || !file.identified) return false;
  const FileInfo& info = look.files[at->second].file.info;
  return info.same_file(file.seen) && (file.compressed() || info.size >= file.resume_position()) &&
         (file.resume_position() > 0 || file.finished);
}

bool FileTracker::wants_family(const Candidate& candidate, const std::string& live) const {
  return candidate.wanted || (candidate.file.path != live && finder_.wants(live));
}

// Whether there may be something to conclude from a file that is nobody's.
bool FileTracker::has_unknown(const Look& look) const {
  return std::any_of(look.files.begin(), look.files.end(), [&](const Candidate& candidate) {
    return !candidate.taken && wants_family(candidate, std::string(live_name(candidate.file.path)));
  });
}

// One file may have two names, or seem to, if it was renamed while its folder was listed.
void FileTracker::take(Look& look, size_t candidate) {
  const FoundFile& file = look.files[candidate].file;
  const auto [from, to] = look.by_inode.equal_range({file.info.device, file.info.inode});
  for (auto at = from; at != to; ++at) {
    Candidate& other = look.files[at->second];
    if (at->second == candidate || live_name(other.file.path) == live_name(file.path))
      other.taken = true;
  }
}

Status FileTracker::conclude(Look& look, Findings& findings) {
  std::set<std::string> known;
  for (const auto& file : tracked_) {
    known.insert(file->key.name);
    known.insert(file->live());
  }
  const auto unsettled = [&](const TrackedFile& file) {
    return findings.unsettled.contains(file.live());
  };
  for (const Claim& found : findings.claims) {
    if (!found.copy || !unsettled(*found.file)) SLUICE_SDK_TRY(claim(look, found));
  }
  std::set<const TrackedFile*> lost;
  for (TrackedFile* file : findings.missing) {
    if (unsettled(*file)) continue;
    if (file->open == nullptr || file->changed) {
      lose(look, *file);
      lost.insert(file);
    } else if (!file->gone) {
      file->gone = true;
      file->grew_ms = look.now.steady_ms;
      notes_.note("'" + file->path +
                  "' was moved away or deleted; what is open of it is read to its end");
    }
  }
  std::erase_if(tracked_, [&](const auto& file) { return lost.contains(file.get()); });
  // Only now it is known which of the files are those that were known before.
  SLUICE_SDK_TRY(add_new(look, known, findings.unsettled));
  sort();
  return sdk::ok();
}

bool FileTracker::readable(TrackedFile& file, bool behind, int64_t now_ms) const {
  const bool unread = file.open == nullptr && file.resume_position() == 0;
  if (SLUICE_SDK_MUTANT("file.undecided_ignored")) return true;
  if (!behind && !(unread && undecided_.contains(file.live()))) {
    file.waits_since_ms.reset();
    return true;
  }
  if (!file.waits_since_ms) file.waits_since_ms = now_ms;
  return now_ms - *file.waits_since_ms >= kPatienceNs / 1'000'000;
}

void FileTracker::sort() {
  const auto order = [](const TrackedFile& file) {
    // Where it has gone, its number says nothing any more, but that there are newer ones.
    const unsigned number = file.gone ? UINT_MAX : rotation_number(file.path).value_or(0);
    return std::tuple(live_name(file.path), !file.rotated(), UINT_MAX - number,
                      file.seen.modified_ns, std::string_view(file.path));
  };
  std::sort(tracked_.begin(), tracked_.end(),
            [&](const auto& a, const auto& b) { return order(*a) < order(*b); });
}

Status FileTracker::claim(const Look& look, const Claim& claim) {
  TrackedFile& file = *claim.file;
  const FoundFile& found = look.files[claim.candidate].file;
  if (claim.copy) {
    if (file.open != nullptr && !file.changed && !file.idle) {  // first the rest of it
      file.gone = true;
      return sdk::ok();
    }
    SLUICE_SDK_TRY(claim_copy(look, claim));
  }
  if (file.path != found.path) {
    if (!file.skipped) {
      notes_.note("'" + file.path + "' is called '" + found.path +
                  "' now; reading goes on at byte " + std::to_string(file.position));
      ++counts_.rotated;
      SLUICE_CRASH_POINT("file.rotation_found");
    }
    file.path = found.path;
    unstored_.insert(file.key);
    file.grew_ms = look.now.steady_ms;
  }
  if (file.key.number == 0) renew_key(file);
  if (found.info.size != file.seen.size || file.grew_ms == 0) file.grew_ms = look.now.steady_ms;
  // An open file is looked at by its reader, which makes sure first that it is the same still.
  if (file.open == nullptr) file.seen = found.info;
  file.gone = file.changed = false;
  file.looked_behind = !file.print.empty();
  file.wanted = look.files[claim.candidate].wanted;
  return know_head(file, found);
}

Status FileTracker::claim_copy(const Look& look, const Claim& claim) {
  TrackedFile& file = *claim.file;
  const FoundFile& found = look.files[claim.candidate].file;
  const auto here = look.by_path.find(file.path);
  if (here != look.by_path.end() && look.files[here->second].file.info.same_file(file.seen)) {
    ++counts_.truncated;
    events_.report("file-truncated",
                   "'" + file.path + "' was cut when " + std::to_string(file.position) +
                       " bytes of it had been read; what it held behind them is read from its "
                       "copy '" +
                       found.path + "'");
  }
  SLUICE_CRASH_POINT("file.rotation_copied");
  file.open.reset();
  file.held.clear();
  file.finished = file.skipped;
  if (*claim.copy != file.resume_position()) {
    file.position = *claim.copy;
    SLUICE_SDK_ASSIGN(const auto opened, OpenFile::open(files_, found.path, options_));
    SLUICE_SDK_ASSIGN(file.print, fingerprint_of(opened->content(), file.position));
  }
  unstored_.insert(file.key);
  return sdk::ok();
}

// A file of which nothing was read yet is recognised by its first bytes.
Status FileTracker::know_head(TrackedFile& file, const FoundFile& found) {
  if (file.resume_position() > 0 || !file.print.empty() || found.info.size == 0 || file.skipped)
    return sdk::ok();
  auto opened = OpenFile::open(files_, found.path, options_);
  if (!opened.ok()) {
    // Gone already, which the next look sees; or nobody may open it, which is said when it is read.
    const int kind = opened.error().kind;
    if (kind == SLUICE_NOT_CONNECTED || kind == SLUICE_CONFIG_ERROR) return sdk::ok();
    return std::move(opened).error();
  }
  SLUICE_SDK_ASSIGN(const FileInfo info, (*opened)->info());
  if (!info.same_file(found.info)) return sdk::ok();
  auto print = fingerprint_of_head((*opened)->content());
  if (print.ok()) file.print = *print;  // of a damaged gzip file it is said when it is read
  return sdk::ok();
}

void FileTracker::lose(const Look& look, const TrackedFile& file) {
  unstored_.insert(file.key);
  std::erase_if(copies_, [&](const auto& copy) { return copy.second.of == file.key; });
  if (file.skipped || SLUICE_SDK_MUTANT("file.loss_not_reported")) return;
  const auto at = look.by_path.find(file.path);
  const bool unread = !file.compressed() && file.seen.size > file.position;
  std::string text = "'" + file.path + "'";
  std::string read = ", of which " + std::to_string(file.position) + " bytes were read,";
  const std::string rest = unread
                               ? "; its bytes from " + std::to_string(file.position) + " to " +
                                     std::to_string(file.seen.size) + " were not read and are lost"
                               : "; what was added to it after the last look is lost";
  if (at == look.by_path.end() || (file.finished && !file.changed)) {
    if (!unread) {
      notes_.note(text + " was deleted; it had been read to its end");
      return;
    }
    ++counts_.lost;
    events_.report("lines-lost", text + read + " was deleted" + rest);
    return;
  }
  const FoundFile& now = look.files[at->second].file;
  const std::string size = std::to_string(now.info.size);
  if (unread) ++counts_.lost;
  if (now.info.same_file(file.seen) || !file.identified) {
    ++counts_.truncated;
    events_.report("file-truncated",
                   text + read + " was cut or written anew, and no copy of it is there" + rest +
                       "; it has " + size + " bytes now and is read from its start");
    return;
  }
  if (!unread && file.position == 0) return;  // it was empty
  events_.report(unread ? "lines-lost" : "file-replaced",
                 text + read + " was replaced by another file of " + size +
                     " bytes, and is not there under any other name" + rest);
}

// Files that nobody knows: those under their live name, then those that had it before, oldest
// first.
Status FileTracker::add_new(Look& look, const std::set<std::string>& known,
                            const std::set<std::string>& unsettled) {
  std::erase_if(copies_, [&](const auto& copy) { return !look.by_inode.contains(copy.first); });
  std::set<std::string> families = known;
  undecided_ = unsettled;
  for (const bool rotated : {false, true}) {
    for (size_t i = 0; i < look.files.size(); ++i) {
      const Candidate& candidate = look.files[i];
      const FoundFile& found = candidate.file;
      const std::string live(live_name(found.path));
      if (candidate.taken || (found.path != live) != rotated || !wants_family(candidate, live) ||
          unsettled.contains(live))
        continue;
      if (!candidate.wanted && !families.contains(live)) continue;
      std::optional<uint64_t> read;
      if (rotated) {
        if (found.info.size == 0) {  // a copy begins so, too
          if (fresh(look.now, found)) undecided_.insert(live);
          continue;
        }
        SLUICE_SDK_ASSIGN(const bool compressing, is_being_compressed(look, found));
        if (compressing) {
          // Where the other one is there, that one is read.
          if (!look.by_path.contains(found.path.substr(0, found.path.size() - 3)))
            undecided_.insert(live);
          continue;
        }
        SLUICE_SDK_ASSIGN(const Same copy, is_copy(look.now, found, &read));
        if (copy == Same::kNotYet || (copy == Same::kYes && !read)) continue;
      }
      Fingerprint print;
      if (read) {
        SLUICE_SDK_ASSIGN(const auto opened, OpenFile::open(files_, found.path, options_));
        SLUICE_SDK_ASSIGN(print, fingerprint_of(opened->content(), *read));
      }
      SLUICE_SDK_ASSIGN(TrackedFile* const file, track(look, candidate));
      take(look, i);
      families.insert(live);
      if (read) {
        notes_.note("'" + found.path + "' is a copy of a file that was read");
        file->position = *read;
        file->print = print;
      } else if (!candidate.wanted && !known.contains(live)) {
        SLUICE_SDK_TRY(skip(*file));
      } else if (!candidate.wanted) {
        notes_.note("'" + found.path + "' had been '" + live +
                    "' and was never seen under that name; it is read whole");
        SLUICE_CRASH_POINT("file.rotation_unseen");
      }
    }
  }
  return sdk::ok();
}

Result<TrackedFile*> FileTracker::track(const Look& look, const Candidate& candidate) {
  auto file = std::make_unique<TrackedFile>();
  file->path = candidate.file.path;
  file->wanted = candidate.wanted;
  file->seen = candidate.file.info;
  file->grew_ms = look.now.steady_ms;
  renew_key(*file);
  SLUICE_SDK_TRY(know_head(*file, candidate.file));
  tracked_.push_back(std::move(file));
  return tracked_.back().get();
}

// The lowest number that is free: a worker keeps every key that it has seen.
void FileTracker::renew_key(TrackedFile& file) {
  if (!file.key.name.empty()) unstored_.insert(file.key);
  FileKey key{file.live(), 1};
  const auto used = [&](const auto& other) { return other->key == key; };
  while (std::any_of(tracked_.begin(), tracked_.end(), used)) ++key.number;
  file.key = key;
  unstored_.insert(std::move(key));
}

// A file that had its name before that was first looked at. What it holds is not read, but it has
// to be told from those that come.
Status FileTracker::skip(TrackedFile& file) {
  file.skipped = file.finished = true;
  if (file.compressed()) {
    file.print = {};
    file.finished_size = file.seen.size;
    return sdk::ok();
  }
  const auto opened = OpenFile::open(files_, file.path, options_);
  if (!opened.ok()) {
    file.print = {};
    return opened.error().kind == SLUICE_RETRIABLE ? Status(opened.error()) : sdk::ok();
  }
  SLUICE_SDK_ASSIGN(file.print, fingerprint_of((*opened)->content(), file.seen.size));
  if (!file.print.empty()) file.position = file.finished_size = file.seen.size;
  return sdk::ok();
}

}  // namespace sluice::file_plugin
