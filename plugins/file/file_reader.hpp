// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>

#include "plugins/file/tracked_file.hpp"

namespace sluice::file_plugin {

// Reads tracked files, a portion at a time: opens them, makes sure that what is read is what was
// read before, holds footers back, and notices the end of those that will not grow any more. Owned
// by the source task, used by its poll only.
class FileReader {
 public:
  struct Settings {
    OpenOptions open;
    uint32_t footer_lines = 0;
    int64_t rotated_wait_ms = 5000;  // a rotated file that did not grow for so long is finished
    int64_t finish_after_ms = 0;     // any file; 0: one under its own name never is
  };

  FileReader(Files& files, Events& events, Settings settings)
      : files_(files), events_(events), settings_(settings) {}

  // Appends lines of `file` to the cleared `batch`; none: file.idle says that there are none now.
  // What the file is known by follows. Sets file.changed, with nothing in the batch, when it is not
  // what was read before.
  Status read(TrackedFile& file, const LineLimits& limits, int64_t now_ms, LineBatch& batch);
  // Another file than those known has the name, or none: the folders have to be looked at.
  bool take_rescan_wish() { return std::exchange(wants_rescan_, false); }
  uint64_t finished() const { return finished_; }

 private:
  Status read_some(TrackedFile& file, const LineLimits& limits, int64_t now_ms, LineBatch& batch);
  Result<bool> open(TrackedFile& file, int64_t now_ms);
  Status read_lines(TrackedFile& file, const LineLimits& limits, int64_t now_ms, LineBatch& batch);
  Status finish_if_over(TrackedFile& file, int64_t now_ms, LineBatch& batch);
  Status finish(TrackedFile& file, LineBatch& batch);
  Status know_head(TrackedFile& file, Content& content);
  Result<bool> still_same(TrackedFile& file, uint64_t position);
  Status advance(TrackedFile& file, LineBatch& batch, bool at_end);
  void hold_footer(TrackedFile& file, LineBatch& batch) const;
  void change(TrackedFile& file, LineBatch& batch);

  Files& files_;
  Events& events_;
  Settings settings_;
  bool wants_rescan_ = false;
  uint64_t finished_ = 0;
};

}  // namespace sluice::file_plugin
