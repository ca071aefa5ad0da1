// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/line_writer.hpp"

#include <sluice/sdk/crash_point.hpp>

#include <algorithm>

#include "plugins/file/gzip_member.hpp"

namespace sluice::file_plugin {

Status LineWriter::end_batch() {
  if (buffer_.size() < kWriteBytes) return sdk::ok();
  Status status = flush();
  if (!status.ok()) drop_batch();
  return status;
}

Status LineWriter::remove_torn_write() {
  if (!torn_) return sdk::ok();
  if (const IoResult result = file_->truncate(written_); !result.ok()) {
    return io_error("cutting an incomplete write off", path_, result.error);
  }
  torn_ = false;
  return sdk::ok();
}

// The file must be where and what we left it, or bytes get lost in a deleted file or in somebody
// else's.
Status LineWriter::check_file() {
  FileInfo info;
  if (const IoResult result = file_->info(&info); !result.ok())
    return io_error("looking at", path_, result.error);
  if (info.links == 0) {
    broken_ = true;
    return Error::fatal(
        "'" + path_ +
        "' was deleted under the running sink; after a restart of the task a new file "
        "gets the records that were not committed yet");
  }
  if (info.size == written_) return sdk::ok();
  const std::string text = "'" + path_ + "' has " + std::to_string(info.size) +
                           " bytes where the sink had written " + std::to_string(written_) +
                           ": another program changes it";
  if (strict_) {
    broken_ = true;
    return Error::fatal(text + ", which exactly-once delivery cannot survive");
  }
  events_.report("file-changed", text + "; going on at its end");
  written_ = info.size;
  return sdk::ok();
}

Status LineWriter::flush() {
  if (broken_) return Error::fatal("'" + path_ + "' failed before; restart the task");
  if (buffer_.size() == 0) return sdk::ok();
  SLUICE_SDK_TRY(remove_torn_write());
  SLUICE_SDK_TRY(check_file());
  std::string compressed;
  if (gzip_) {
    SLUICE_SDK_ASSIGN(compressed, gzip_member(buffer_.view()));
  }
  const std::string_view bytes = gzip_ ? std::string_view(compressed) : buffer_.view();
  const IoResult result = file_->write_at(bytes, written_);
  if (!result.ok()) {
    torn_ = true;
    const Error error = io_error("writing to", path_, result.error);
    if (const Status cut = remove_torn_write(); !cut.ok()) {
      events_.report("incomplete-write", cut.error().message + "; done before the next write");
    }
    return error;
  }
  SLUICE_CRASH_POINT("file.lines_written");
  written_ += bytes.size();
  dirty_ = true;
  buffer_.cut_to(0);
  mark_ = 0;
  return sdk::ok();
}

Status LineWriter::sync() {
  SLUICE_SDK_TRY(flush());
  if (!dirty_) {
    buffer_.reset();  // an idle sink holds no memory
    mark_ = 0;
    return sdk::ok();
  }
  const bool skipped = SLUICE_SDK_MUTANT("file.committed_before_sync");
  if (const IoResult result = skipped ? IoResult{} : file_->sync(); !result.ok()) {
    // The kernel may have dropped what it could not write and report success next time: nothing
    // since the last sync counts any more, the task gets those records again.
    broken_ = true;
    std::string text = describe("syncing", path_, result.error);
    if (const IoResult cut = file_->truncate(std::min(synced_, written_)); !cut.ok()) {
      text += "; " + describe("cutting off what was not synced", path_, cut.error);
    }
    return Error::fatal(text);
  }
  SLUICE_CRASH_POINT("file.lines_synced");
  synced_ = written_;
  dirty_ = false;
  return sdk::ok();
}

}  // namespace sluice::file_plugin
