// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/file/file_tail.hpp"

namespace sluice::file_plugin {

enum class LongLines {
  kFail,      // the task fails with the place of the line
  kTruncate,  // the line's first bytes count, an event is reported
};

struct LineOptions {
  size_t max_line_bytes = 1u << 20;
  LongLines long_lines = LongLines::kFail;
  // What one read asks for; a longer line makes it grow. Small enough to stay in the processor's cache until the
  // lines are used, large enough that the call does not count.
  size_t read_bytes = 64u << 10;
};

struct LineLimits {
  uint32_t lines = 0;
  uint64_t bytes = 0;  // one line may exceed it
};

// Some lines, lent out of blocks that `owners` keep alive. Reused from call to call.
struct LineBatch {
  std::vector<std::string_view> lines;
  std::vector<std::shared_ptr<const void>> owners;
  std::optional<uint64_t> position;  // where to resume once `lines` are durable; empty: no progress
  bool idle = false;                 // nothing to be had now
  uint64_t bytes = 0;                // of lines

  void clear() {
    lines.clear();
    owners.clear();
    position.reset();
    idle = false;
    bytes = 0;
  }
};

// Turns a file into lines: complete ones only (the last one waits for its line end), each bounded, each well-formed
// UTF-8 (malformed pieces become U+FFFD, as in FileStreamSource). Holds one block at most besides those lent out, and
// none while idle.
// Owned by the source task, used by its poll only.
class LineSource {
 public:
  LineSource(Files& files, Events& events, std::string path, uint64_t position, LineOptions options);

  // Fills `batch`, never waits. After an error nothing was consumed.
  Status next(const LineLimits& limits, LineBatch& batch);
  uint64_t position() const { return tail_.position(); }

 private:
  // One call reads no more than this, also while it looks for the end of a line too long to keep.
  static constexpr size_t kMaxLoadPerCall = 16u << 20;

  Status split(const LineLimits& limits, LineBatch& batch);
  Result<bool> load(LineBatch& batch);
  Status give_up_line(uint64_t size);
  Result<bool> skip_long_line(LineBatch& batch);
  void repair(LineBatch& batch, size_t first);
  void note(const char* kind, uint64_t& count, const std::string& text);
  Error too_long() const;

  Events& events_;
  std::string path_;
  LineOptions options_;
  FileTail tail_;
  std::shared_ptr<Block> block_;  // its byte `cursor_` is at the tail's position
  size_t cursor_ = 0;
  uint64_t scanned_ = 0;          // no line end between position and here; 0: nothing known
  std::shared_ptr<const std::string> long_head_;  // the kept part of the too long line at position
  bool failing_ = false;          // the line at position is too long
  uint64_t truncated_lines_ = 0;
  uint64_t repaired_lines_ = 0;
};

}  // namespace sluice::file_plugin
