// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/file/line_format.hpp"
#include "plugins/file/line_input.hpp"

namespace sluice::file_plugin {

enum class LongLines {
  kFail,      // the task fails with the place of the line
  kTruncate,  // the line's first bytes count, an event is reported
  kSkip,      // it is left out, an event is reported
};

enum class InvalidBytes {
  kReplace,  // U+FFFD and an event
  kFail,     // the task fails with the place of the line
  kPass,     // lines are bytes, as they are
};

struct LineOptions {
  size_t max_line_bytes = 1u << 20;
  LongLines long_lines = LongLines::kFail;
  // What one read asks for; a longer line makes it grow. Small enough to stay in the processor's
  // cache until the lines are used, large enough that the call does not count.
  size_t read_bytes = 64u << 10;
  Encoding encoding = Encoding::kUtf8;
  LineEnd line_end = LineEnd::kAny;
  InvalidBytes invalid_bytes = InvalidBytes::kReplace;
  bool skip_byte_order_mark = false;
  bool places = false;  // fill LineBatch::places
};

struct LineLimits {
  uint32_t lines = 0;
  uint64_t bytes = 0;  // one line may exceed it
};

struct LinePlace {
  uint64_t begin = 0;   // its first byte
  uint64_t number = 0;  // lines before it
};

// Some lines, lent out of blocks that `owners` keep alive. Reused from call to call.
struct LineBatch {
  std::vector<std::string_view> lines;
  std::vector<LinePlace> places;  // as many as lines, if asked for
  std::vector<std::shared_ptr<const void>> owners;
  std::optional<uint64_t> position;  // where to resume once `lines` are durable; empty: no progress
  bool idle = false;                 // nothing to be had now
  uint64_t bytes = 0;                // of lines

  void clear() {
    lines.clear();
    places.clear();
    owners.clear();
    position.reset();
    idle = false;
    bytes = 0;
  }
};

// Turns a file into lines: complete ones only (the last one waits for its line end, or for
// finish()), each bounded, each UTF-8 (malformed pieces become U+FFFD, as in FileStreamSource)
// unless its options say otherwise. Holds one block at most besides those lent out, and none while
// idle. Owned by the source task, used by its poll only.
class LineSource {
 public:
  // `input` outlives this; `path` is for messages.
  LineSource(LineInput& input, Events& events, std::string path, LineOptions options);

  // The lines before the input's position, and how many of those that come are headers to leave
  // out.
  void start_at(uint64_t number, uint64_t skip) { number_ = number, to_skip_ = skip; }

  // Appends to `batch`, never waits. After an error nothing was consumed.
  Status next(const LineLimits& limits, LineBatch& batch);
  // The file is known to be finished: its rest without a line end, if there is one, is a line too.
  Status finish(LineBatch& batch);
  uint64_t position() const { return input_.position(); }
  // Lines before position().
  uint64_t number() const { return number_; }
  uint64_t lines_skipped() const { return skipped_lines_; }

 private:
  // One call reads no more than this, also while it looks for the end of a line too long to keep.
  static constexpr size_t kMaxLoadPerCall = 16u << 20;

  Status split_block(const LineLimits& limits, LineBatch& batch);
  void skip_mark();
  Result<bool> load(LineBatch& batch);
  Status give_up_line(uint64_t size);
  Result<bool> skip_long_line(LineBatch& batch);
  void end_long_line(uint64_t end, LineBatch& batch);
  bool convert(LineBatch& batch, size_t first, bool ascii, const char* block, uint64_t block_begin);
  void note(const char* kind, uint64_t& count, const std::string& text);
  std::string_view cut(std::string_view line) const;
  Error too_long() const;

  LineInput& input_;
  Events& events_;
  std::string path_;
  LineOptions options_;
  std::shared_ptr<Block> block_;  // its byte `cursor_` is at the input's position
  size_t cursor_ = 0;
  uint64_t scanned_ = 0;  // no line end between position and here; 0: nothing known
  uint64_t number_ = 0;
  uint64_t to_skip_ = 0;
  std::shared_ptr<const std::string> long_head_;  // the kept part of the too long line at position
  std::optional<Error> failure_;                  // of the line at position
  uint64_t truncated_lines_ = 0;
  uint64_t skipped_lines_ = 0;
  uint64_t repaired_lines_ = 0;
};

}  // namespace sluice::file_plugin
