// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/file_reader.hpp"

#include <sluice/sdk/crash_point.hpp>

#include <algorithm>
#include <utility>

namespace sluice::file_plugin {

Status FileReader::read(TrackedFile& file, const LineLimits& limits, int64_t now_ms,
                        LineBatch& batch) {
  batch.clear();
  file.idle = true;
  Status status = read_some(file, limits, now_ms, batch);
  if (!status.ok()) {
    // What was read and not given out is read again.
    file.open.reset();
    batch.clear();
  }
  return status;
}

Status FileReader::read_some(TrackedFile& file, const LineLimits& limits, int64_t now_ms,
                             LineBatch& batch) {
  SLUICE_SDK_ASSIGN(const bool ready, open(file, now_ms));
  if (!ready) return sdk::ok();
  SLUICE_SDK_TRY(read_lines(file, limits, now_ms, batch));
  if (file.open == nullptr || !file.idle) return sdk::ok();
  return finish_if_over(file, now_ms, batch);
}

Result<bool> FileReader::open(TrackedFile& file, int64_t now_ms) {
  if (file.open == nullptr) {
    auto opened = OpenFile::open(files_, file.path, settings_.open);
    if (!opened.ok()) {
      if (opened.error().kind != SLUICE_NOT_CONNECTED) return std::move(opened).error();
      wants_rescan_ = true;
      return false;
    }
    SLUICE_SDK_ASSIGN(const FileInfo info, (*opened)->info());
    if (!info.same_file(
            file.seen)) {  // the name leads to another file since the folders were looked at
      wants_rescan_ = true;
      return false;
    }
    // What was written under this name before it was cut comes first. Its copy was there when the
    // folder was listed only if what stands here now was known before that.
    if (!file.looked_behind && file.resume_position() == 0 && !file.rotated()) {
      SLUICE_SDK_TRY(know_head(file, (*opened)->content()));
      wants_rescan_ = true;
      return false;
    }
    file.open = std::move(opened).value();
    file.used_ms = now_ms;
    file.position = file.resume_position();
    file.number = file.resume_number();
    file.held.clear();
    if (file.finished) {
      events_.report("finished-file-grew",
                     "'" + file.path +
                         "' had been read to its end, and grew; reading goes on at "
                         "byte " +
                         std::to_string(file.position));
      file.finished = false;
    }
    SLUICE_SDK_ASSIGN(const bool same, still_same(file, file.position));
    if (!same) {
      LineBatch none;
      change(file, none);
      return false;
    }
  }
  return file.open->ready(events_, settings_.open, file.position, file.number);
}

// A file of which nothing was read is recognised by its first bytes.
Status FileReader::know_head(TrackedFile& file, Content& content) {
  if (!file.print.empty() || file.resume_position() > 0 || file.compressed()) return sdk::ok();
  SLUICE_SDK_ASSIGN(file.print, fingerprint_of_head(content));
  return sdk::ok();
}

// What was read of it is still what it begins with: it was neither cut nor written anew.
Result<bool> FileReader::still_same(TrackedFile& file, uint64_t position) {
  if (file.print.empty()) {
    if (file.compressed()) return true;
    SLUICE_SDK_ASSIGN(const uint64_t end, file.open->content().end(position));
    return end >= position;
  }
  SLUICE_SDK_ASSIGN(const Match found, match(file.open->content(), position, file.print));
  return found == Match::kSame;
}

void FileReader::change(TrackedFile& file, LineBatch& batch) {
  batch.clear();
  file.open.reset();
  file.changed = true;
  wants_rescan_ = true;
}

Status FileReader::read_lines(TrackedFile& file, const LineLimits& limits, int64_t now_ms,
                              LineBatch& batch) {
  SLUICE_SDK_ASSIGN(const FileInfo before, file.open->info());
  if (!file.compressed() && before.size < file.position) {
    change(file, batch);
    return sdk::ok();
  }
  SLUICE_SDK_TRY(know_head(file, file.open->content()));
  LineSource& lines = file.open->lines();
  const Status status = lines.next(limits, batch);
  if (!status.ok()) return status;
  const bool progress = batch.position.has_value();
  if (!progress && before.changed_ns != file.seen.changed_ns) {
    SLUICE_SDK_ASSIGN(const bool same, still_same(file, file.resume_position()));
    if (!same) {
      change(file, batch);
      return sdk::ok();
    }
  }
  // An open file that changes without growing was renamed, or deleted.
  if (!progress && before.size == file.seen.size && before.changed_ns != file.seen.changed_ns)
    wants_rescan_ = true;
  if (before.size != file.seen.size) file.grew_ms = now_ms;
  file.seen = before;
  if (!progress) return sdk::ok();
  file.idle = false;
  file.used_ms = now_ms;
  return advance(file, batch, false);
}

// Takes over how far was read; or change(), if what was read, or its fingerprint, may be of what
// the file held before or after a cut.
Status FileReader::advance(TrackedFile& file, LineBatch& batch, bool at_end) {
  const uint64_t position = file.resume_position();
  const uint64_t number = file.resume_number();
  if (batch.position && settings_.footer_lines > 0) hold_footer(file, batch);
  if (at_end) file.held.clear();
  file.position = file.open->lines().position();
  file.number = file.open->lines().number();
  SLUICE_SDK_ASSIGN(const Fingerprint print,
                    fingerprint_of(file.open->content(), file.resume_position(), file.print));
  // Only now: what was cut before the reading, or since then, must not count.
  SLUICE_SDK_ASSIGN(const bool same, still_same(file, position));
  if (!same || (print.empty() && file.resume_position() > 0)) {
    file.held.clear();
    file.position = position;
    file.number = number;
    change(file, batch);
    return sdk::ok();
  }
  file.identified = true;
  if (!print.empty()) file.print = print;
  file.remember();
  return sdk::ok();
}

// The last lines stay back until more follow: they would be the footer if the file ended here.
void FileReader::hold_footer(TrackedFile& file, LineBatch& batch) const {
  auto released = std::make_shared<std::deque<TrackedFile::Held>>();
  for (size_t i = 0; i < batch.lines.size(); ++i)
    file.held.push_back({std::string(batch.lines[i]), batch.places[i]});
  while (file.held.size() > settings_.footer_lines) {
    released->push_back(std::move(file.held.front()));
    file.held.pop_front();
  }
  batch.lines.clear();
  batch.places.clear();
  batch.owners.clear();
  for (const TrackedFile::Held& held : *released) {
    batch.lines.push_back(held.line);
    batch.places.push_back(held.place);
  }
  batch.owners.push_back(std::move(released));
}

Status FileReader::finish_if_over(TrackedFile& file, int64_t now_ms, LineBatch& batch) {
  const int64_t quiet = now_ms - file.grew_ms;
  if (file.compressed()) {
    if (file.open->content().complete()) return finish(file, batch);
    // Somebody may be writing it.
    return quiet > settings_.rotated_wait_ms ? Status(file.open->incomplete_error()) : sdk::ok();
  }
  const int64_t wait = file.rotated() ? settings_.rotated_wait_ms : settings_.finish_after_ms;
  if (wait <= 0 || quiet < wait) return sdk::ok();
  return finish(file, batch);
}

Status FileReader::finish(TrackedFile& file, LineBatch& batch) {
  SLUICE_SDK_TRY(file.open->lines().finish(batch));
  SLUICE_SDK_TRY(advance(file, batch, true));
  if (file.changed) return sdk::ok();
  SLUICE_CRASH_POINT("file.rotation_finished");
  ++finished_;
  file.finished = true;
  file.finished_size = file.seen.size;
  batch.position = file.position;
  file.idle = batch.lines.empty();
  file.open.reset();
  return sdk::ok();
}

}  // namespace sluice::file_plugin
