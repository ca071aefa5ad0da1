// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include <sluice/sdk/value.hpp>

#include "plugins/file/open_file.hpp"
#include "plugins/file/rotation_name.hpp"

namespace sluice::file_plugin {

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
  bool changed = false;        // what is called so now is not what was read
  bool finished = false;       // read to its end, which will not move
  uint64_t finished_size = 0;  // of a compressed one: its size when its end was read
  bool stored = false;         // there is an offset of it under its path
  bool identified = true;  // false: all that is known is a position, as FileStreamSource stores it
  int64_t since_ns = 0;    // rotated files changed later had its name after it was found
  int64_t grew_ms = 0;     // steady clock: when it last grew, was found, or lost its name
  int64_t used_ms = 0;     // steady clock: when it last gave lines

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

// The stored form: {"position", "fingerprint", "inode", "modified", "line", "end", "marks"}; all but
// the first may be absent. CONFIG_ERROR: malformed.
Status read_stored(const sdk::Value& offset, TrackedFile& file);

}  // namespace sluice::file_plugin
