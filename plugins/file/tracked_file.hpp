// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include <sluice/sdk/value.hpp>

#include "plugins/file/open_file.hpp"
#include "plugins/file/rotation_name.hpp"

namespace sluice::file_plugin {

// Under what the offset of a file is stored: the live name that it had when it was first seen, and
// a number that no other known file of that name has. It is the file's as long as the file is
// known, whatever rotation does to its name. Number 0: an offset of FileStreamSource, which knows
// names only.
struct FileKey {
  std::string name;
  uint64_t number = 0;
  auto operator<=>(const FileKey&) const = default;
};

// What is known of one file of a source: how it is called, how it is recognised, and how far it was
// read. What is stored as its source offset, and what is known of it beyond that while the task
// runs. Owned by the FileTracker, used by the task's poll only.
struct TrackedFile {
  // A place of the file that was read before: where a copy that ends before `position` can be
  // recognised.
  struct Mark {
    uint64_t position;
    Fingerprint print;
  };
  static constexpr size_t kMarks = 8;
  static constexpr size_t kStoredMarks = 4;

  FileKey key;
  std::string path;
  bool wanted = true;  // its name is one that the pattern names; otherwise rotation took it there
  FileInfo seen;       // at the last look
  uint64_t position = 0;
  uint64_t number = 0;  // lines before position
  Fingerprint print;    // of what is before resume_position()
  std::deque<Mark> marks;

  std::unique_ptr<OpenFile> open;
  bool gone = false;           // no name leads to it any more; it is read on while it is open
  bool idle = false;           // the last look at it gave nothing
  bool looked_behind = false;  // its print was known before the last look
  bool changed = false;        // what is called so now is not what was read
  bool finished = false;       // read to its end, which will not move
  uint64_t finished_size = 0;  // its size when its end was read
  bool skipped = false;  // it was there before its live name was first seen: it is known, not read
  bool identified = true;  // false: all that is known is a position, as FileStreamSource stores it
  int64_t grew_ms = 0;     // steady clock: when it last grew, was found, or lost its name
  int64_t used_ms = 0;     // steady clock: when it last gave lines
  std::optional<int64_t> waits_since_ms;  // steady clock: for an older one (FileTracker::readable)

  uint32_t topic = 0;  // its number, once known
  bool has_topic = false;

  // Lines that are the footer if nothing follows: not given out, and read again after a restart.
  struct Held {
    std::string line;
    LinePlace place;
  };
  std::deque<Held> held;

  std::string live() const { return std::string(live_name(path)); }
  bool rotated() const { return gone || path.size() != live_name(path).size(); }
  bool compressed() const { return is_gzip_name(path); }
  // Whether opening it may give something to read.
  bool has_more() const {
    if (skipped) return false;
    if (open != nullptr) return true;
    return compressed() ? !finished || seen.size != finished_size : seen.size > position;
  }
  void remember() {
    if (print.empty() || resume_position() == 0 ||
        (!marks.empty() && marks.back().position == resume_position()))
      return;
    if (marks.size() == kMarks) marks.pop_front();
    marks.push_back({resume_position(), print});
  }
  // The last marks before resume_position(), as they are stored: "position/fingerprint ...".
  std::string marks_text() const;
  // Where to go on after a restart.
  uint64_t resume_position() const { return held.empty() ? position : held.front().place.begin; }
  uint64_t resume_number() const { return held.empty() ? number : held.front().place.number; }
};

// The stored form: under {"filename", "number"} (the key) {"path", "position", "fingerprint",
// "inode", "modified", "line", "end", "skipped", "marks"}, or what FileStreamSource stores:
// {"filename"} and
// {"position"}. Null: it is no offset of a file. CONFIG_ERROR: malformed.
Result<std::unique_ptr<TrackedFile>> read_stored(const sdk::Value& partition,
                                                 const sdk::Value& offset);

}  // namespace sluice::file_plugin
