// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/file_tail.hpp"

#include <algorithm>

namespace sluice::file_plugin {

Status FileTail::adopt(std::unique_ptr<File> file) {
  FileInfo info;
  if (const IoResult result = file->info(&info); !result.ok()) return io_error("looking at", path_, result.error);
  if (!info.regular) {
    return Error::config("'file' = '" + path_ + "' is not a regular file; name a file, not a directory or device");
  }
  file_ = std::move(file);
  info_ = info;
  quiet_looks_ = 0;
  gone_ = false;
  return sdk::ok();
}

Result<FileTail::State> FileTail::open_first() {
  auto opened = files_.open(path_, Access::kRead);
  if (!opened.ok()) {
    if (opened.error().kind != SLUICE_NOT_CONNECTED) return std::move(opened).error();
    if (!waiting_reported_) {
      waiting_reported_ = true;
      events_.report("waiting-for-file", "'" + path_ + "' does not exist yet; it is read as soon as it appears");
    }
    return State::kNothing;
  }
  SLUICE_SDK_TRY(adopt(std::move(opened).value()));
  if (waiting_reported_) {
    waiting_reported_ = false;
    events_.report("file-appeared", "reading '" + path_ + "' from byte " + std::to_string(position_));
  }
  return State::kData;
}

Result<FileTail::State> FileTail::look(uint64_t from) {
  if (file_ == nullptr) {
    SLUICE_SDK_ASSIGN(const State state, open_first());
    if (state == State::kNothing) return state;
  }
  const FileInfo before = info_;
  if (const IoResult result = file_->info(&info_); !result.ok()) {
    return io_error("looking at", path_, result.error);
  }
  if (info_.size < position_) {
    events_.report("file-truncated", "'" + path_ + "' has " + std::to_string(info_.size) + " bytes, " +
                                         std::to_string(position_) +
                                         " had been read: it was cut, reading from its start");
    position_ = 0;
    quiet_looks_ = 0;
    return State::kRestarted;
  }
  // Only the incomplete line was cut or rewritten.
  if (info_.size < from) return State::kRestarted;
  if (info_.size > from) {
    quiet_looks_ = 0;
    return State::kData;
  }
  const bool moved = info_.links == 0 || info_.changed_ns != before.changed_ns;
  if (gone_ || moved || ++quiet_looks_ >= kLooksPerNameCheck) return check_name(from);
  return State::kNothing;
}

Result<FileTail::State> FileTail::check_name(uint64_t from) {
  quiet_looks_ = 0;
  auto opened = files_.open(path_, Access::kRead);
  if (!opened.ok()) {
    if (opened.error().kind != SLUICE_NOT_CONNECTED) return std::move(opened).error();
    if (!gone_) {
      gone_ = true;
      events_.report("file-gone", "'" + path_ + "' was moved away or deleted; waiting for a new file of that name");
    }
    return State::kNothing;
  }
  FileInfo info;
  std::unique_ptr<File> next = std::move(opened).value();
  if (const IoResult result = next->info(&info); !result.ok()) return io_error("looking at", path_, result.error);
  if (info.same_file(info_)) {
    gone_ = false;
    return State::kNothing;
  }
  return switch_to(std::move(next), info, from);
}

Result<FileTail::State> FileTail::switch_to(std::unique_ptr<File> next, const FileInfo& info, uint64_t from) {
  // Its writer may have added to the old file between our last look and the change of names.
  if (const IoResult result = file_->info(&info_); !result.ok()) {
    return io_error("looking at", path_, result.error);
  }
  if (info_.size > from) return State::kData;
  std::string text = "'" + path_ + "' is another file now (" + std::to_string(info.size) + " bytes); the old one was "
                     "read up to byte " + std::to_string(position_);
  if (info_.size > position_) {
    text += ", its last " + std::to_string(info_.size - position_) + " bytes had no line end and were left out";
  }
  SLUICE_SDK_TRY(adopt(std::move(next)));
  events_.report("file-replaced", text);
  position_ = 0;
  return State::kRestarted;
}

Result<std::shared_ptr<Block>> FileTail::read(uint64_t from, size_t size) {
  const size_t wanted = static_cast<size_t>(std::min<uint64_t>(size, available(from)));
  auto block = std::make_shared<Block>(wanted, from);
  const IoResult result = file_->read_at(block->data(), wanted, from);
  if (!result.ok()) return io_error("reading", path_, result.error);
  block->set_size(static_cast<size_t>(result.bytes));
  return block;
}

}  // namespace sluice::file_plugin
