// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/line_source.hpp"

#include <algorithm>
#include <bit>

#include "plugins/file/utf8.hpp"

namespace sluice::file_plugin {

using State = LineInput::State;

LineSource::LineSource(LineInput& input, Events& events, std::string path, LineOptions options)
    : input_(input), events_(events), path_(std::move(path)), options_(options) {}

Status LineSource::next(const LineLimits& limits, LineBatch& batch) {
  batch.clear();
  size_t loaded_bytes = 0;
  while (true) {
    if (failure_) {
      if (batch.lines.empty()) return *failure_;
      return sdk::ok();
    }
    if (block_ != nullptr) {
      SLUICE_SDK_TRY(split_block(limits, batch));
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

std::string_view LineSource::cut(std::string_view line) const {
  const size_t max = options_.max_line_bytes;
  if (two_bytes(options_.encoding)) return line.substr(0, max - max % 2);
  return options_.encoding == Encoding::kUtf8 ? cut_utf8(line, max) : line.substr(0, max);
}

// A byte order mark is no part of the first line.
void LineSource::skip_mark() {
  const std::string_view mark = byte_order_mark(options_.encoding);
  if (mark.empty() || !std::string_view(block_->data(), block_->size()).starts_with(mark)) return;
  cursor_ += mark.size();
  input_.consume(mark.size());
}

// Gives the block's next lines; lets the block go when it holds no complete line any more.
Status LineSource::split_block(const LineLimits& limits, LineBatch& batch) {
  if (options_.skip_byte_order_mark && input_.position() == 0) skip_mark();
  const size_t max = options_.max_line_bytes;
  const size_t max_lines = std::max(limits.lines, 1u);
  const size_t first = batch.lines.size();
  const uint64_t block_begin = input_.position() - cursor_;
  const char* const block = block_->data();
  uint64_t left_out = 0;
  const auto emit = [&](const char* begin, size_t size) {
    if (batch.lines.size() >= max_lines ||
        (batch.bytes + size > limits.bytes && !batch.lines.empty()))
      return false;
    if (to_skip_ > 0) [[unlikely]] {
      --to_skip_;
      ++left_out;
      return true;
    }
    std::string_view line(begin, size);
    if (size > max) [[unlikely]] {
      if (options_.long_lines == LongLines::kFail) {
        failure_ = Error::config("");  // its text needs the position
        return false;
      }
      const std::string length = "a line of " + std::to_string(size) + " bytes was ";
      if (options_.long_lines == LongLines::kSkip) {
        note("line-skipped", skipped_lines_, length + "left out");
        ++left_out;
        return true;
      }
      line = cut(line);
      note("line-truncated", truncated_lines_, length + "cut");
    }
    if (options_.places) {
      batch.places.push_back({block_begin + static_cast<uint64_t>(begin - block),
                              number_ + left_out + (batch.lines.size() - first)});
    }
    batch.bytes += size;
    batch.lines.push_back(line);
    return true;
  };
  const SplitResult result =
      split(options_.encoding, options_.line_end, block + cursor_, block_->size() - cursor_, emit);
  cursor_ += result.consumed;
  input_.consume(result.consumed);
  if (failure_) failure_ = too_long();
  number_ += left_out + (batch.lines.size() - first);
  if (result.consumed > 0) batch.position = input_.position();
  if (batch.lines.size() > first) {
    batch.owners.push_back(block_);
    if (!convert(batch, first, result.ascii, block, block_begin)) return sdk::ok();
  }
  if (result.stopped) return sdk::ok();
  const size_t rest = block_->size() - cursor_;
  scanned_ = input_.position() + rest;
  // A little more than the limit may be half of a line end.
  Status status = rest > max + 2 ? give_up_line(rest) : sdk::ok();
  block_.reset();
  cursor_ = 0;
  return status;
}

// The line at position has `size` bytes and no end yet, which is too many. Lines before it are
// given out first.
Status LineSource::give_up_line(uint64_t size) {
  if (options_.long_lines == LongLines::kFail && to_skip_ == 0) {
    failure_ = too_long();
    return sdk::ok();
  }
  const std::string_view head(block_->data() + cursor_, static_cast<size_t>(size));
  long_head_ = std::make_shared<const std::string>(cut(head));
  scanned_ -= half_line_end(head, options_.encoding, options_.line_end);
  return sdk::ok();
}

// Gets the next block; false: there is nothing to read now, or the position changed.
Result<bool> LineSource::load(LineBatch& batch) {
  const uint64_t from = std::max(scanned_, input_.position());
  SLUICE_SDK_ASSIGN(const State state, input_.look(from));
  if (state == State::kRestarted) {
    scanned_ = 0;
    if (input_.position() == 0) batch.position = 0;
    return false;
  }
  if (state == State::kNothing) {
    batch.idle = true;
    return false;
  }
  // The incomplete line is read again from its start, with room for twice as much of it.
  const uint64_t position = input_.position();
  const size_t incomplete = static_cast<size_t>(from - position);
  const size_t wanted =
      std::max(options_.read_bytes, std::min(2 * incomplete, options_.max_line_bytes + 3));
  SLUICE_SDK_ASSIGN(block_, input_.read(position, wanted));
  cursor_ = 0;
  if (block_->size() <= incomplete) {  // cut between look and read: the next look sees it
    block_.reset();
    batch.idle = true;
    return false;
  }
  return true;
}

// Looks for the end of the line whose head is kept already. False: nothing to read, or the line is
// complete.
Result<bool> LineSource::skip_long_line(LineBatch& batch) {
  SLUICE_SDK_ASSIGN(const State state, input_.look(scanned_));
  if (state == State::kRestarted) {
    long_head_.reset();
    scanned_ = 0;
    if (input_.position() == 0) batch.position = 0;
    return false;
  }
  if (state == State::kNothing) {
    batch.idle = true;
    return false;
  }
  SLUICE_SDK_ASSIGN(const std::shared_ptr<Block> piece, input_.read(scanned_, options_.read_bytes));
  const SplitResult first =
      split(options_.encoding, options_.line_end, piece->data(), piece->size(),
            [once = 0](const char*, size_t) mutable { return once++ == 0; });
  if (first.consumed == 0) {
    const size_t half =
        half_line_end({piece->data(), piece->size()}, options_.encoding, options_.line_end);
    scanned_ += piece->size() - half;
    batch.idle = piece->size() <= half;
    return !batch.idle;
  }
  end_long_line(scanned_ + first.consumed, batch);
  return false;
}

// The long line at position ends at `end`: what becomes of it.
void LineSource::end_long_line(uint64_t end, LineBatch& batch) {
  const uint64_t begin = input_.position();
  const bool header = to_skip_ > 0;
  const bool skip = header || options_.long_lines == LongLines::kSkip;
  const std::string text = "a line of about " + std::to_string(end - begin) + " bytes was ";
  if (header) {
    --to_skip_;
  } else if (skip) {
    note("line-skipped", skipped_lines_, text + "left out");
  } else {
    note("line-truncated", truncated_lines_, text + "cut");
    batch.lines.push_back(*long_head_);
    if (options_.places) batch.places.push_back({begin, number_});
  }
  input_.consume(end - begin);
  ++number_;
  scanned_ = 0;
  batch.position = input_.position();
  const std::shared_ptr<const std::string> head = std::move(long_head_);
  if (skip) return;
  batch.owners.push_back(head);
  convert(batch, batch.lines.size() - 1, false, head->data(), begin);
}

Status LineSource::finish(LineBatch& batch) {
  batch.clear();
  if (failure_) return *failure_;
  const uint64_t begin = input_.position();
  SLUICE_SDK_ASSIGN(const State state, input_.look(begin));
  if (state != State::kData) return sdk::ok();
  if (long_head_ == nullptr) {
    SLUICE_SDK_ASSIGN(block_, input_.read(begin, options_.max_line_bytes + 3));
    cursor_ = 0;
    if (options_.skip_byte_order_mark && begin == 0) skip_mark();
    std::string_view line(block_->data() + cursor_, block_->size() - cursor_);
    const uint64_t line_begin = input_.position();
    const size_t size = line.size();
    if (size > options_.max_line_bytes + 2) {
      SLUICE_SDK_TRY(give_up_line(size));
      block_.reset();
      if (failure_) return *failure_;
    } else {
      line.remove_suffix(half_line_end(line, options_.encoding, options_.line_end));
      const std::shared_ptr<Block> block = std::move(block_);
      input_.consume(size);
      batch.position = input_.position();
      scanned_ = 0;
      if (size == 0) return sdk::ok();
      ++number_;
      if (to_skip_ > 0) {
        --to_skip_;
        return sdk::ok();
      }
      if (options_.places) batch.places.push_back({line_begin, number_ - 1});
      batch.lines.push_back(cut(line));
      batch.owners.push_back(block);
      batch.bytes = size;
      convert(batch, 0, false, block->data(), line_begin - cursor_);
      cursor_ = 0;
      return failure_ && batch.lines.empty() ? Status(*failure_) : sdk::ok();
    }
  }
  // A line too long to keep: to the end with it.
  uint64_t end = scanned_;
  while (true) {
    SLUICE_SDK_ASSIGN(const std::shared_ptr<Block> piece, input_.read(end, options_.read_bytes));
    if (piece->size() == 0) break;
    end += piece->size();
    SLUICE_SDK_ASSIGN(const State more, input_.look(end));
    if (more != State::kData) break;
  }
  end_long_line(end, batch);
  return sdk::ok();
}

// Makes the lines from `first` on UTF-8. False: one of them may not be; it and those behind it are
// taken back, and failure_ says why. The lines lie in `block`, whose first byte is at block_begin.
bool LineSource::convert(LineBatch& batch, size_t first, bool ascii, const char* block,
                         uint64_t block_begin) {
  if (ascii || options_.invalid_bytes == InvalidBytes::kPass) return true;
  auto converted = std::make_shared<std::string>();
  struct Change {
    size_t line, begin, size;
  };
  std::vector<Change> changes;
  for (size_t i = first; i < batch.lines.size(); ++i) {
    const std::string_view line = batch.lines[i];
    if (options_.encoding == Encoding::kUtf8 && is_valid_utf8(line)) continue;
    const size_t begin = converted->size();
    if (!append_utf8(line, options_.encoding, *converted)) {
      if (options_.invalid_bytes == InvalidBytes::kFail) {
        converted->resize(begin);
        const uint64_t at = block_begin + static_cast<uint64_t>(line.data() - block);
        failure_ = Error::config(
            "'" + path_ + "': the line at byte " + std::to_string(at) +
            " holds bytes that are no text in its encoding; set invalid.bytes to replace or "
            "pass, or the right encoding");
        batch.position = at;
        number_ -= batch.lines.size() - i;
        batch.lines.resize(i);
        if (options_.places) batch.places.resize(i);
        break;
      }
      note("invalid-utf8", repaired_lines_,
           "a line is not " + std::string(two_bytes(options_.encoding) ? "UTF-16" : "UTF-8") +
               ", its malformed bytes became U+FFFD");
    }
    changes.push_back({i, begin, converted->size() - begin});
  }
  for (const Change& change : changes) {
    batch.lines[change.line] = std::string_view(*converted).substr(change.begin, change.size);
  }
  if (!changes.empty()) batch.owners.push_back(std::move(converted));
  return !failure_.has_value();
}

// The first time, the second, the fourth, the eighth ...: enough to be seen, never a flood.
void LineSource::note(const char* kind, uint64_t& count, const std::string& text) {
  if (!std::has_single_bit(++count)) return;
  events_.report(kind, "'" + path_ + "' before byte " + std::to_string(input_.position()) + ": " +
                           text + " (number " + std::to_string(count) + " of this task)");
}

Error LineSource::too_long() const {
  return Error::config("'" + path_ + "': the line at byte " + std::to_string(input_.position()) +
                       " is longer than max.line.bytes=" + std::to_string(options_.max_line_bytes) +
                       "; raise it, or set long.lines=truncate");
}

}  // namespace sluice::file_plugin
