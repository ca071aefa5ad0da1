// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/file_tracker.hpp"

#include <sluice/sdk/crash_point.hpp>

#include <algorithm>
#include <climits>
#include <tuple>

namespace sluice::file_plugin {

Status FileTracker::rescan(const Times& now) {
  Scan scan;
  scan.now = now;
  SLUICE_SDK_TRY(index(scan));
  std::vector<TrackedFile*> unresolved;
  SLUICE_SDK_TRY(claim_known(scan, unresolved));
  std::set<const TrackedFile*> lost;
  std::vector<Gap> gaps;
  const auto newest = newest_of_each();
  for (TrackedFile* file : unresolved) {
    bool is_lost = false;
    const bool is_newest = newest.at(file->live()) == file;
    Gap gap{file->live(), "",
            file->resume_position() == 0 ? file->since_ns : file->seen.modified_ns};
    SLUICE_SDK_TRY(find_moved(scan, *file, &is_lost));
    if (is_lost) lost.insert(file);
    if (!is_lost && !file->gone) gap = {gap.live, file->path, file->seen.modified_ns};
    // It was empty when it was last seen. What it became is one of those that were changed since.
    gap.unknown = is_lost && file->resume_position() == 0 && file->print.empty();
    if (is_newest || gap.unknown) gaps.push_back(std::move(gap));
  }
  std::erase_if(tracked_, [&](const auto& file) { return lost.contains(file.get()); });
  // Only now it is known which of the files are those that were known before.
  for (const Gap& gap : gaps) SLUICE_SDK_TRY(add_successors(scan, gap));
  SLUICE_SDK_TRY(find_unseen(scan));
  SLUICE_SDK_TRY(add_new(scan));
  const auto order = [](const TrackedFile& file) {
    // Where it has gone, its number says nothing any more, but that there are newer ones.
    const unsigned number = file.gone ? UINT_MAX : rotation_number(file.path).value_or(0);
    return std::tuple(live_name(file.path), !file.rotated(), UINT_MAX - number,
                      file.seen.modified_ns, std::string_view(file.path));
  };
  std::sort(tracked_.begin(), tracked_.end(),
            [&](const auto& a, const auto& b) { return order(*a) < order(*b); });
  return sdk::ok();
}

Status FileTracker::index(Scan& scan) {
  SLUICE_SDK_ASSIGN(std::vector<FoundFile> found, finder_.matches());
  for (FoundFile& file : found) {
    if (!readable_name(file.path)) continue;
    scan.by_path.emplace(file.path, scan.found.size());
    scan.by_inode.emplace(std::pair(file.info.device, file.info.inode), scan.found.size());
    scan.found.push_back({std::move(file)});
  }
  return sdk::ok();
}

// Files that are where they were, or that have another of the pattern's names now.
Status FileTracker::claim_known(Scan& scan, std::vector<TrackedFile*>& unresolved) {
  for (const auto& file : tracked_) {
    std::vector<size_t> candidates;
    if (const auto at = scan.by_path.find(file->path); at != scan.by_path.end())
      candidates.push_back(at->second);
    const auto [from, to] = scan.by_inode.equal_range({file->seen.device, file->seen.inode});
    for (auto at = from; at != to; ++at) candidates.push_back(at->second);
    bool claimed = false;
    for (const size_t index : candidates) {
      Candidate& candidate = scan.found[index];
      if (candidate.taken) continue;
      SLUICE_SDK_ASSIGN(const Same same, holds(*file, candidate.file));
      if (same != Same::kYes) continue;
      claim(scan, candidate, *file);
      SLUICE_SDK_TRY(know_head(*file, candidate.file));
      claimed = true;
      break;
    }
    if (!claimed) unresolved.push_back(file.get());
  }
  // Where one took over another's name, it may have been looked for before its own was free.
  return sdk::ok();
}

// The file of each live name that had it last, as far as is known.
std::map<std::string, TrackedFile*> FileTracker::newest_of_each() const {
  std::map<std::string, TrackedFile*> newest;
  for (const auto& file : tracked_) {
    TrackedFile*& known = newest[file->live()];
    const bool later = known == nullptr || (known->rotated() && !file->rotated()) ||
                       (known->rotated() && rotated_later(file->path, file->seen.modified_ns,
                                                          known->path, known->seen.modified_ns));
    if (later) known = file.get();
  }
  return newest;
}

// Files that had a live name without being seen under it, though the last known one of that name
// did not move: nothing was read of that yet, so that it cannot be told from what was copied and
// cut in between, or it was rotated before.
Status FileTracker::find_unseen(Scan& scan) {
  std::vector<Gap> gaps;
  for (const auto& [live, file] : newest_of_each()) {
    // Where rotated files have a name of the pattern, they are found by that.
    if (finder_.wants(live + ".1")) continue;
    if (file->rotated()) {
      gaps.push_back({live, file->gone ? "" : file->path, file->seen.modified_ns});
    } else if (file->resume_position() == 0) {
      gaps.push_back({live, "", file->since_ns});
    }
  }
  for (const Gap& gap : gaps) SLUICE_SDK_TRY(add_successors(scan, gap));
  return sdk::ok();
}

void FileTracker::claim(Scan& scan, Candidate& candidate, TrackedFile& file) {
  candidate.taken = true;
  const FoundFile& found = candidate.file;
  take_everywhere(scan, found);
  if (file.path != found.path) {
    notes_.note("'" + file.path + "' is called '" + found.path + "' now; reading goes on at byte " +
                std::to_string(file.position));
    ++counts_.rotated;
    SLUICE_CRASH_POINT("file.rotation_found");
    unstored_.insert(file.path);
    unstored_.insert(found.path);
    file.path = found.path;
    file.stored = false;
    file.grew_ms = scan.now.steady_ms;
  }
  if (found.info.size != file.seen.size || file.grew_ms == 0) file.grew_ms = scan.now.steady_ms;
  if (!file.identified) unstored_.insert(file.path);
  // An open file is looked at by its reader, which makes sure first that it is the same still.
  if (file.open == nullptr) file.seen = found.info;
  file.gone = file.changed = false;
  file.wanted = finder_.wants(found.path);
}

// One file may be in both lists.
void FileTracker::take_everywhere(Scan& scan, const FoundFile& file) {
  const auto take = [&](std::vector<Candidate>& list) {
    for (Candidate& candidate : list) {
      if (candidate.file.path == file.path) candidate.taken = true;
    }
  };
  if (const auto at = scan.by_path.find(file.path); at != scan.by_path.end())
    scan.found[at->second].taken = true;
  const auto folder = scan.folders.find(std::string(folder_of(file.path)));
  if (folder != scan.folders.end()) take(folder->second);
}

Result<std::vector<FileTracker::Candidate>*> FileTracker::near(Scan& scan,
                                                               const std::string& path) {
  const std::string folder(folder_of(path));
  const auto known = scan.folders.find(folder);
  if (known != scan.folders.end()) return &known->second;
  SLUICE_SDK_ASSIGN(std::vector<FoundFile> files, finder_.neighbours(path));
  std::vector<Candidate>& list = scan.folders[folder];
  for (FoundFile& file : files) {
    const auto at = scan.by_path.find(file.path);
    const bool taken = at != scan.by_path.end() && scan.found[at->second].taken;
    if (readable_name(file.path)) list.push_back({std::move(file), taken});
  }
  std::sort(list.begin(), list.end(), [](const Candidate& a, const Candidate& b) {
    return a.file.info.modified_ns < b.file.info.modified_ns;
  });
  return &list;
}

// A file whose name leads somewhere else now, or nowhere.
Status FileTracker::find_moved(Scan& scan, TrackedFile& file, bool* lost) {
  SLUICE_SDK_ASSIGN(std::vector<Candidate>* const near_it, near(scan, file.path));
  SLUICE_SDK_ASSIGN(const bool renamed, claim_by_inode(scan, *near_it, file));
  if (renamed) return sdk::ok();
  bool copied = false;
  SLUICE_SDK_TRY(claim_copy(scan, *near_it, file, &copied));
  if (copied) return sdk::ok();
  if (file.open == nullptr || file.changed) {
    lose(scan, file);
    *lost = true;
  } else if (!file.gone) {
    file.gone = true;
    file.grew_ms = scan.now.steady_ms;
    notes_.note("'" + file.path +
                "' was moved away or deleted; what is open of it is read to its end");
  }
  return sdk::ok();
}

void FileTracker::lose(Scan& scan, TrackedFile& file) {
  unstored_.insert(file.path);
  const auto at = scan.by_path.find(file.path);
  const bool unread = !file.compressed() && file.seen.size > file.position;
  std::string text = "'" + file.path + "'";
  std::string read = ", of which " + std::to_string(file.position) + " bytes were read,";
  const std::string rest = unread
                               ? "; its bytes from " + std::to_string(file.position) + " to " +
                                     std::to_string(file.seen.size) + " were not read and are lost"
                               : "; what was added to it after the last look is lost";
  if (at == scan.by_path.end()) {
    if (!unread) {
      notes_.note(text + " was deleted; it had been read to its end");
      return;
    }
    ++counts_.lost;
    events_.report("lines-lost", text + read + " was deleted" + rest);
    return;
  }
  const FoundFile& now = scan.found[at->second].file;
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

// The files that had the name `live` after the one now called `after` (or, if that is unknown, last
// changed then) and before the one that has it now. Those that the pattern names are found anyway.
Status FileTracker::add_successors(Scan& scan, const Gap& gap) {
  const std::string& live = gap.live;
  SLUICE_SDK_ASSIGN(std::vector<Candidate>* const near_it, near(scan, live));
  unsigned newest = UINT_MAX;  // of the numbers of those that are known
  for (const auto& file : tracked_) {
    if (file->live() == live && !file->gone && !gap.unknown)
      newest = std::min(newest, rotation_number(file->path).value_or(UINT_MAX));
  }
  for (Candidate& candidate : *near_it) {
    const FoundFile& found = candidate.file;
    if (candidate.taken || found.path == live || live_name(found.path) != live ||
        finder_.wants(found.path))
      continue;
    const bool later = gap.after.empty() ? found.info.modified_ns > gap.modified
                                         : rotated_later(found.path, found.info.modified_ns,
                                                         gap.after, gap.modified);
    const bool tracked = std::any_of(tracked_.begin(), tracked_.end(),
                                     [&](const auto& file) { return file->path == found.path; });
    // Compressed before anything was read of it, it has the time that it had.
    const bool itself = gap.unknown && same_time(found.info.modified_ns, gap.modified);
    // One that has a higher number than a known file had the name before that, whatever its time
    // says.
    if ((!later && !itself) || tracked || rotation_number(found.path).value_or(0) > newest)
      continue;
    if (is_tracked_file(found)) continue;
    SLUICE_SDK_ASSIGN(const bool compressing, is_being_compressed(*near_it, found));
    if (compressing) continue;
    SLUICE_SDK_ASSIGN(const bool copying, is_copy_of_new(scan, found));
    if (copying) break;  // the file itself is read first; when it is cut, its copy is known by that
    SLUICE_SDK_ASSIGN(const Same copy, is_copy_of_known(scan, found));
    if (copy == Same::kNotYet) break;  // those that came after it wait for it
    if (copy == Same::kYes) continue;
    candidate.taken = true;
    notes_.note("'" + found.path + "' had been '" + live +
                "' and was never seen under that name; it is read whole");
    SLUICE_SDK_TRY(track(scan, found, false));
    SLUICE_CRASH_POINT("file.rotation_unseen");
  }
  return sdk::ok();
}

// Whether a compressed file is one that is being made of another: it gets the time of that when it
// is whole, before the other goes. Until then its own time makes it look new.
Result<bool> FileTracker::is_being_compressed(const std::vector<Candidate>& near,
                                              const FoundFile& found) {
  if (!is_gzip_name(found.path)) return false;
  const std::string_view original = std::string_view(found.path).substr(0, found.path.size() - 3);
  if (std::any_of(near.begin(), near.end(),
                  [&](const Candidate& other) { return other.file.path == original; }))
    return true;
  // The other one is gone: now the time is the right one, if it was not when the folder was listed.
  auto opened = OpenFile::open(files_, found.path, options_);
  if (!opened.ok()) {
    if (opened.error().kind == SLUICE_NOT_CONNECTED) return true;
    return std::move(opened).error();
  }
  SLUICE_SDK_ASSIGN(const FileInfo now, (*opened)->info());
  return !now.same_file(found.info) || now.modified_ns != found.info.modified_ns;
}

// A file that was renamed while its folder was listed may have been seen under both names; under
// the one that was not taken it is no other file.
bool FileTracker::is_tracked_file(const FoundFile& found) const {
  return std::any_of(tracked_.begin(), tracked_.end(), [&](const auto& file) {
    return file->seen.same_file(found.info) && file->live() == live_name(found.path);
  });
}

// A file of which nothing was read yet is recognised by its first bytes.
Status FileTracker::know_head(TrackedFile& file, const FoundFile& found) {
  if (file.resume_position() > 0 || !file.print.empty() || found.info.size == 0) return sdk::ok();
  auto opened = OpenFile::open(files_, found.path, options_);
  if (!opened.ok()) {
    // Gone already, which the next look sees.
    if (opened.error().kind == SLUICE_NOT_CONNECTED) return sdk::ok();
    return std::move(opened).error();
  }
  SLUICE_SDK_ASSIGN(const FileInfo info, (*opened)->info());
  if (!info.same_file(found.info)) return sdk::ok();
  auto print = fingerprint_of_head((*opened)->content());
  if (print.ok()) file.print = *print;  // of a damaged gzip file it is said when it is read
  return sdk::ok();
}

Result<TrackedFile*> FileTracker::track(Scan& scan, const FoundFile& found, bool wanted) {
  auto file = std::make_unique<TrackedFile>();
  file->path = found.path;
  file->wanted = wanted;
  file->seen = found.info;
  file->since_ns = found.info.modified_ns;
  file->grew_ms = scan.now.steady_ms;
  SLUICE_SDK_TRY(know_head(*file, found));
  unstored_.insert(found.path);
  tracked_.push_back(std::move(file));
  return tracked_.back().get();
}

Status FileTracker::add_new(Scan& scan) {
  std::erase_if(copies_, [&](const auto& copy) { return !scan.by_path.contains(copy.first); });
  for (Candidate& candidate : scan.found) {
    if (candidate.taken || is_tracked_file(candidate.file)) continue;
    if (fresh(scan, candidate.file)) {
      SLUICE_SDK_ASSIGN(const bool compressing, is_being_compressed(scan.found, candidate.file));
      if (compressing) continue;
    }
    SLUICE_SDK_ASSIGN(const Same copy, is_copy_of_known(scan, candidate.file));
    if (copy == Same::kNo) SLUICE_SDK_TRY(track(scan, candidate.file, true));
  }
  return sdk::ok();
}

void FileTracker::forget_finished() {
  std::set<const TrackedFile*> over;
  for (const auto& file : tracked_) {
    if (file->finished && (!file->wanted || file->gone)) over.insert(file.get());
  }
  if (over.empty()) return;
  for (const auto& [live, file] : newest_of_each()) {
    // The last known one is what files that come are compared with.
    if (!file->gone) over.erase(file);
  }
  for (const auto& file : tracked_) {
    if (!over.contains(file.get())) continue;
    unstored_.insert(file->path);
    // It must not look like one that had the name after the file that has it now.
    for (const auto& other : tracked_) {
      if (other->path != live_name(file->path) || other->resume_position() != 0) continue;
      other->since_ns = std::max(other->since_ns, file->seen.modified_ns);
      unstored_.insert(other->path);
    }
  }
  std::erase_if(tracked_, [&](const auto& file) { return over.contains(file.get()); });
}

}  // namespace sluice::file_plugin
