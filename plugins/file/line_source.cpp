// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/line_source.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "plugins/file/line_splitter.hpp"
#include "plugins/file/utf8.hpp"

namespace sluice::file_plugin {

LineSource::LineSource(Files& files, Events& events, std::string path, uint64_t position, LineOptions options)
    : events_(events), path_(path), options_(options), tail_(files, events, std::move(path), position) {}

Status LineSource::next(const LineLimits& limits, LineBatch& batch) {
  batch.clear();
  size_t loaded_bytes = 0;
  while (true) {
    if (failing_) {
      if (batch.lines.empty()) return too_long();
      return sdk::ok();
    }
    if (block_ != nullptr) {
      SLUICE_SDK_TRY(split(limits, batch));
      if (block_ != nullptr) return sdk::ok();  // a limit is reached
      continue;
    }
    if (loaded_bytes > kMaxLoadPerCall) return sdk::ok();
    const Result<bool> more = long_head_ != nullptr ? skip_long_line(batch) : load(batch);
    loaded_bytes += options_.read_bytes;
    if (more.ok() && *more) continue;
    if (batch.lines.empty()) return more.ok() ? sdk::ok() : Status(more.error());
    batch.idle = false;  // an error comes again at the next call
    return sdk::ok();
  }
}

// Gives the block's next lines; lets the block go when it holds no complete line any more.
Status LineSource::split(const LineLimits& limits, LineBatch& batch) {
  bool too_long_next = false;
  const size_t max = options_.max_line_bytes;
  const size_t max_lines = std::max(limits.lines, 1u);
  const bool fail = options_.long_lines == LongLines::kFail;
  const size_t first = batch.lines.size();
  const auto emit = [&](const char* begin, size_t size) {
    if (batch.lines.size() >= max_lines || (batch.bytes + size > limits.bytes && !batch.lines.empty())) return false;
    std::string_view line(begin, size);
    if (size > max) [[unlikely]] {
      if (fail) {
        too_long_next = true;
        return false;
      }
      line = cut_utf8(line, max);
      note("line-truncated", truncated_lines_, "a line of " + std::to_string(size) + " bytes was cut");
    }
    batch.bytes += size;
    batch.lines.push_back(line);
    return true;
  };
  const SplitResult result = split_lines(block_->data() + cursor_, block_->size() - cursor_, emit);
  cursor_ += result.consumed;
  tail_.consume(result.consumed);
  failing_ = too_long_next;
  if (batch.lines.size() > first) {
    batch.owners.push_back(block_);
    batch.position = tail_.position();
    if (!result.ascii) repair(batch, first);
  }
  if (result.stopped) return sdk::ok();
  const size_t rest = block_->size() - cursor_;
  scanned_ = tail_.position() + rest;
  // One byte more than the limit may be a "\r" whose "\n" is not there yet.
  Status status = rest > max + 1 ? give_up_line(rest) : sdk::ok();
  block_.reset();
  cursor_ = 0;
  return status;
}

// The line at position has `size` bytes and no end yet, which is too many. Lines before it are given out first.
Status LineSource::give_up_line(uint64_t size) {
  if (options_.long_lines == LongLines::kFail) {
    failing_ = true;
    return sdk::ok();
  }
  const std::string_view head(block_->data() + cursor_, static_cast<size_t>(size));
  long_head_ = std::make_shared<const std::string>(cut_utf8(head, options_.max_line_bytes));
  if (block_->data()[block_->size() - 1] == '\r') --scanned_;  // it may be half of the line's end
  return sdk::ok();
}

// Gets the next block; false: there is nothing to read now, or the position changed.
Result<bool> LineSource::load(LineBatch& batch) {
  const uint64_t from = std::max(scanned_, tail_.position());
  SLUICE_SDK_ASSIGN(const FileTail::State state, tail_.look(from));
  if (state == FileTail::State::kRestarted) {
    scanned_ = 0;
    if (tail_.position() == 0) batch.position = 0;
    return false;
  }
  if (state == FileTail::State::kNothing) {
    batch.idle = true;
    return false;
  }
  // The incomplete line is read again from its start, with room for twice as much of it.
  const uint64_t position = tail_.position();
  const size_t incomplete = static_cast<size_t>(from - position);
  const size_t wanted = std::max(options_.read_bytes, std::min(2 * incomplete, options_.max_line_bytes + 2));
  SLUICE_SDK_ASSIGN(block_, tail_.read(position, wanted));
  cursor_ = 0;
  if (block_->size() <= incomplete) {  // cut between look and read: the next look sees it
    block_.reset();
    batch.idle = true;
    return false;
  }
  return true;
}

// Looks for the end of the line whose head is kept already. False: nothing to read, or the line is complete.
Result<bool> LineSource::skip_long_line(LineBatch& batch) {
  SLUICE_SDK_ASSIGN(const FileTail::State state, tail_.look(scanned_));
  if (state == FileTail::State::kRestarted) {
    long_head_.reset();
    scanned_ = 0;
    if (tail_.position() == 0) batch.position = 0;
    return false;
  }
  if (state == FileTail::State::kNothing) {
    batch.idle = true;
    return false;
  }
  SLUICE_SDK_ASSIGN(const std::shared_ptr<Block> piece, tail_.read(scanned_, options_.read_bytes));
  const SplitResult first = split_lines(piece->data(), piece->size(), [once = 0](const char*, size_t) mutable {
    return once++ == 0;
  });
  if (first.consumed == 0) {
    const bool half_end = piece->size() > 0 && piece->data()[piece->size() - 1] == '\r';
    scanned_ += piece->size() - (half_end ? 1 : 0);
    batch.idle = piece->size() <= (half_end ? 1u : 0u);
    return !batch.idle;
  }
  const uint64_t end = scanned_ + first.consumed;
  note("line-truncated", truncated_lines_,
       "a line of about " + std::to_string(end - tail_.position()) + " bytes was cut");
  tail_.consume(end - tail_.position());
  scanned_ = 0;
  batch.lines.push_back(*long_head_);
  batch.owners.push_back(std::move(long_head_));
  batch.position = tail_.position();
  repair(batch, batch.lines.size() - 1);
  return false;
}

// Replaces those of the lines from `first` on that are not UTF-8.
void LineSource::repair(LineBatch& batch, size_t first) {
  auto repaired = std::make_shared<std::string>();
  struct Change {
    size_t line, begin, size;
  };
  std::vector<Change> changes;
  for (size_t i = first; i < batch.lines.size(); ++i) {
    if (is_valid_utf8(batch.lines[i])) continue;
    const size_t begin = repaired->size();
    append_repaired_utf8(batch.lines[i], *repaired);
    changes.push_back({i, begin, repaired->size() - begin});
  }
  if (changes.empty()) return;
  for (const Change& change : changes) {
    batch.lines[change.line] = std::string_view(*repaired).substr(change.begin, change.size);
  }
  note("invalid-utf8", repaired_lines_, "a line is not UTF-8, its malformed bytes became U+FFFD");
  batch.owners.push_back(std::move(repaired));
}

// The first time, the second, the fourth, the eighth ...: enough to be seen, never a flood.
void LineSource::note(const char* kind, uint64_t& count, const std::string& text) {
  if (!std::has_single_bit(++count)) return;
  events_.report(kind, "'" + path_ + "' before byte " + std::to_string(tail_.position()) + ": " + text + " (number " +
                           std::to_string(count) + " of this task)");
}

Error LineSource::too_long() const {
  return Error::config("'" + path_ + "': the line at byte " + std::to_string(tail_.position()) +
                       " is longer than max.line.bytes=" + std::to_string(options_.max_line_bytes) +
                       "; raise it, or set long.lines=truncate");
}

}  // namespace sluice::file_plugin
