// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/sink_file.hpp"

#include <sluice/sdk/crash_point.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace sluice::file_plugin {

namespace {

Result<std::string> read_exactly(File& file, const std::string& path, uint64_t offset,
                                 size_t size) {
  std::string bytes(size, '\0');
  const IoResult result = file.read_at(bytes.data(), size, offset);
  if (!result.ok()) return io_error("reading", path, result.error);
  if (result.bytes != size)
    return Error::fatal("'" + path + "' became shorter while it was opened");
  return bytes;
}

// The length that the file had before this sink's first line; nullopt: no such mark, or none can be
// had, which only means that an incomplete last line counts as somebody else's.
std::optional<uint64_t> read_base(File& file) {
  std::string text;
  if (!file.read_mark(&text).ok()) return std::nullopt;
  uint64_t base = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), base);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return base;
}

void upsert(std::vector<PartitionPosition>& positions, const PartitionPosition& update) {
  for (PartitionPosition& position : positions) {
    if (position.partition != update.partition || position.topic != update.topic) continue;
    position.next_offset = update.next_offset;
    return;
  }
  positions.push_back(update);
}

}  // namespace

Status SinkFile::probe() {
  SLUICE_SDK_ASSIGN(const std::unique_ptr<File> file, files_.create(path_));
  FileInfo info;
  if (const IoResult result = file->info(&info); !result.ok())
    return io_error("looking at", path_, result.error);
  if (!info.regular) {
    return Error::config("'file' = '" + path_ +
                         "' is not a regular file; name a file, not a directory or device");
  }
  return sdk::ok();
}

Status SinkFile::open(std::vector<PartitionPosition>& partitions, int64_t epoch) {
  close();
  SLUICE_SDK_ASSIGN(std::unique_ptr<File> file, files_.create(path_));
  SLUICE_SDK_TRY(lock_or_explain(*file, path_));
  FileInfo info;
  if (const IoResult result = file->info(&info); !result.ok())
    return io_error("looking at", path_, result.error);
  if (!info.regular) return Error::config("'file' = '" + path_ + "' is not a regular file");
  if (exactly_once_) return open_exactly_once(std::move(file), info.size, partitions, epoch);
  SLUICE_SDK_ASSIGN(const uint64_t length, repair_end(*file, info.size));
  writer_.emplace(std::move(file), path_, length, false, events_);
  return sdk::ok();
}

Status SinkFile::open_exactly_once(std::unique_ptr<File> file, uint64_t size,
                                   std::vector<PartitionPosition>& partitions, int64_t epoch) {
  SLUICE_SDK_ASSIGN(sidecar_, Sidecar::open(files_, events_, path_));
  if (sidecar_.has_value()) {
    Status status = resume(std::move(file), size, partitions, epoch);
    if (!status.ok()) sidecar_.reset();
    return status;
  }
  if (gzip_ && size > 0) {
    return Error::config("'" + path_ + "' has " + std::to_string(size) +
                         " bytes, and its offsets file '" + Sidecar::path_for(path_) +
                         "' is missing. Restore that, or, to start anew, move both away");
  }
  SidecarState state;
  state.epoch = epoch;
  state.roll = roll_;
  SLUICE_SDK_ASSIGN(state.file_length, repair_end(*file, size));
  if (state.file_length > 0) {
    events_.report("offsets-begin",
                   "'" + path_ + "' has " + std::to_string(state.file_length) +
                       " bytes and no "
                       "offsets file: they are kept, and exactly-once delivery begins behind them");
    // They must not get lost either once the offsets file says that they are there.
    if (const IoResult result = file->sync(); !result.ok()) {
      return Error::fatal(describe("syncing", path_, result.error));
    }
  }
  SLUICE_SDK_TRY(add_tail_checksum(*file, state));
  const uint64_t length = state.file_length;
  SLUICE_SDK_ASSIGN(sidecar_, Sidecar::create(files_, path_, std::move(state)));
  writer_.emplace(std::move(file), path_, length, true, events_, gzip_);
  return sdk::ok();
}

// The offsets file says what the data file holds: what stands behind that goes away, and the topic
// is read again from there.
Status SinkFile::resume(std::unique_ptr<File> file, uint64_t size,
                        std::vector<PartitionPosition>& partitions, int64_t epoch) {
  SidecarState state = sidecar_->state();
  if (epoch < state.epoch && !SLUICE_SDK_MUTANT("file.no_epoch_check")) {
    return Error::fenced("'" + path_ + "' belongs to epoch " + std::to_string(state.epoch) +
                         ", this task has " + std::to_string(epoch) +
                         ". If the offsets of this sink were deleted on purpose, move '" +
                         Sidecar::path_for(path_) + "' away as well");
  }
  if (size < state.file_length) {
    return Error::config("'" + path_ + "' has " + std::to_string(size) +
                         " bytes, but its offsets file '" + Sidecar::path_for(path_) + "' counts " +
                         std::to_string(state.file_length) +
                         ": delivered "
                         "records are gone. Restore the file, or, to start anew, move both away");
  }
  SLUICE_SDK_TRY(check_tail(*file, state));
  if (size > state.file_length && !SLUICE_SDK_MUTANT("file.uncommitted_not_cut")) {
    if (const IoResult result = file->truncate(state.file_length); !result.ok()) {
      return io_error("cutting uncommitted lines off", path_, result.error);
    }
    SLUICE_CRASH_POINT("file.uncommitted_cut");
  }
  for (PartitionPosition& wanted : partitions) {
    for (const PartitionPosition& known : state.positions) {
      if (known.topic == wanted.topic && known.partition == wanted.partition)
        wanted.next_offset = known.next_offset;
    }
  }
  const uint64_t length = state.file_length;
  if (epoch > state.epoch) {
    state.epoch = epoch;
    SLUICE_SDK_TRY(sidecar_->store(files_, std::move(state)));
  }
  writer_.emplace(std::move(file), path_, length, true, events_, gzip_);
  return sdk::ok();
}

// Without an offsets file: an incomplete last line of ours (the sink was killed inside of a write)
// is cut off, it comes again; one of somebody else's gets a line end. The mark tells them apart.
// Returns the length.
Result<uint64_t> SinkFile::repair_end(File& file, uint64_t size) {
  const std::optional<uint64_t> base = read_base(file);
  const bool ours = base.has_value() && size >= *base;
  uint64_t length = size;
  if (size > 0) {
    SLUICE_SDK_ASSIGN(const std::string last, read_exactly(file, path_, size - 1, 1));
    if (last != "\n" && ours && size > *base) {
      SLUICE_SDK_ASSIGN(length, end_of_last_line(file, *base, size));
      if (const IoResult result = file.truncate(length); !result.ok()) {
        return io_error("cutting an incomplete line off", path_, result.error);
      }
      SLUICE_CRASH_POINT("file.torn_line_cut");
      events_.report("incomplete-line",
                     "'" + path_ + "': cut the last " + std::to_string(size - length) +
                         " bytes off, a line that was not written whole; its record comes again");
    } else if (last != "\n") {
      if (const IoResult result = file.write_at("\n", size); !result.ok()) {
        return io_error("ending the last line of", path_, result.error);
      }
      length = size + 1;
    }
  }
  if (!ours || length < *base) {
    const IoResult result = file.write_mark(std::to_string(length));
    if (!result.ok() && result.error != ENOTSUP) {
      events_.report("no-mark", describe("noting where the sink began in", path_, result.error) +
                                    "; after a crash a torn line stays in it");
    }
  }
  return length;
}

// Behind the last "\n" in [from, size), or `from`.
Result<uint64_t> SinkFile::end_of_last_line(File& file, uint64_t from, uint64_t size) {
  constexpr uint64_t kStep = 64u << 10;
  for (uint64_t end = size; end > from;) {
    const uint64_t begin = std::max(from, end - std::min(end, kStep));
    SLUICE_SDK_ASSIGN(const std::string bytes,
                      read_exactly(file, path_, begin, static_cast<size_t>(end - begin)));
    if (const size_t at = bytes.rfind('\n'); at != std::string::npos) return begin + at + 1;
    end = begin;
  }
  return from;
}

Status SinkFile::add_tail_checksum(File& file, SidecarState& state) {
  state.tail_size = static_cast<uint32_t>(std::min<uint64_t>(kTailWindow, state.file_length));
  SLUICE_SDK_ASSIGN(
      const std::string tail,
      read_exactly(file, path_, state.file_length - state.tail_size, state.tail_size));
  state.tail_crc = crc32c(tail);
  return sdk::ok();
}

Status SinkFile::check_tail(File& file, const SidecarState& state) {
  if (state.tail_size > state.file_length)
    return Error::config("the offsets file of '" + path_ + "' is malformed");
  SLUICE_SDK_ASSIGN(
      const std::string tail,
      read_exactly(file, path_, state.file_length - state.tail_size, state.tail_size));
  if (crc32c(tail) == state.tail_crc) return sdk::ok();
  return Error::config(
      "'" + path_ + "' is not the file that its offsets file '" + Sidecar::path_for(path_) +
      "' describes: the bytes before position " + std::to_string(state.file_length) +
      " differ. Nothing was changed. Restore the file, or, to start anew, move both away");
}

Status SinkFile::commit(const std::vector<PartitionPosition>& partitions) {
  SLUICE_SDK_TRY(writer_->sync());
  if (!sidecar_.has_value()) return sdk::ok();
  SidecarState state = sidecar_->state();
  for (const PartitionPosition& partition : partitions) {
    if (partition.next_offset >= 0) upsert(state.positions, partition);
  }
  state.file_length = writer_->synced_length();
  if (roll_) state.roll = roll_;
  if (state == sidecar_->state()) return sdk::ok();
  SLUICE_SDK_TRY(add_tail_checksum(writer_->file(), state));
  return sidecar_->store(files_, std::move(state));
}

Status SinkFile::begin_new() {
  writer_.reset();
  SLUICE_SDK_ASSIGN(std::unique_ptr<File> file, files_.create(path_));
  SLUICE_SDK_TRY(lock_or_explain(*file, path_));
  if (const IoResult result = file->truncate(0); !result.ok())
    return io_error("clearing", path_, result.error);
  writer_.emplace(std::move(file), path_, 0, true, events_, gzip_);
  return sdk::ok();
}

void SinkFile::close() {
  writer_.reset();
  sidecar_.reset();
}

}  // namespace sluice::file_plugin
