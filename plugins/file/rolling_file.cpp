// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/rolling_file.hpp"

#include <sluice/sdk/crash_point.hpp>

#include <algorithm>

#include "plugins/file/file_finder.hpp"
#include "plugins/file/rotation_name.hpp"

namespace sluice::file_plugin {

namespace {

constexpr size_t kMaxFinished = 1'000'000;  // of one series, for those that are deleted by the sink

// Positions are the sink's business in exactly-once mode only.
const std::vector<PartitionPosition>& none() {
  static const std::vector<PartitionPosition> empty;
  return empty;
}

}  // namespace

RollingFile::RollingFile(Files& files, Folders& folders, Events& events, const PathTemplate& path,
                         const RollOptions& options, std::string topic, int32_t partition,
                         bool exactly_once)
    : files_(files),
      folders_(folders),
      events_(events),
      template_(path),
      options_(options),
      topic_(std::move(topic)),
      partition_(partition),
      exactly_once_(exactly_once),
      rolls_(options.rolls(path)),
      path_(rolls_ ? path.active(topic_, partition) : path.fill(topic_, partition, 0, 0)),
      // A rolling file always has an offsets file, for its number and length.
      file_(files, events, path_, exactly_once || rolls_, options.gzip) {}

Status RollingFile::probe() {
  SLUICE_SDK_TRY(folders_.make_folder(std::string(folder_of(path_))));
  return file_.probe();
}

Result<bool> RollingFile::exists(const std::string& path) {
  auto opened = files_.open(path, Access::kRead);
  if (opened.ok()) return true;
  if (opened.error().kind == SLUICE_NOT_CONNECTED) return false;
  return std::move(opened).error();
}

Status RollingFile::open(std::vector<PartitionPosition>& partitions, int64_t epoch,
                         int64_t now_ms) {
  SLUICE_SDK_TRY(folders_.make_folder(std::string(folder_of(path_))));
  if (!rolls_) return file_.open(partitions, epoch);
  file_.close();
  finishing_ = false;
  {
    SLUICE_SDK_ASSIGN(std::optional<Sidecar> sidecar, Sidecar::open(files_, events_, path_));
    if (sidecar && sidecar->state().roll && !sidecar->state().roll->target.empty())
      SLUICE_SDK_TRY(finish(*sidecar));
    if (!sidecar || !sidecar->state().roll) file_.set_roll(RollState());
  }
  if (exactly_once_) {
    SLUICE_SDK_TRY(file_.open(partitions, epoch));
  } else {
    std::vector<PartitionPosition> unused;
    SLUICE_SDK_TRY(file_.open(unused, 0));
  }
  const RollState roll = file_.sidecar().state().roll.value_or(RollState());
  file_.set_roll(roll);
  begun_ms_ = roll.begun_ms;
  if (begun_ms_ == 0 && file_.writer().length() > 0) begun_ms_ = now_ms;
  return sdk::ok();
}

Status RollingFile::commit(const std::vector<PartitionPosition>& partitions, int64_t now_ms) {
  if (!rolls_) return file_.commit(exactly_once_ ? partitions : none());
  SLUICE_SDK_TRY(ready(now_ms));
  RollState roll = file_.sidecar().state().roll.value_or(RollState());
  roll.begun_ms = begun_ms_;
  file_.set_roll(std::move(roll));
  return file_.commit(exactly_once_ ? partitions : none());
}

int64_t RollingFile::due_ms() const {
  if (!rolls_ || begun_ms_ == 0) return INT64_MAX;
  int64_t due = options_.max_ms > 0 ? begun_ms_ + options_.max_ms : INT64_MAX;
  if (template_.has_time()) {
    const int64_t unit = template_.time_unit_s() * 1000;
    for (int64_t next = begun_ms_ / unit * unit + unit; next < due; next += unit) {
      if (name(0, next) != name(0, begun_ms_))
        return next;  // of a unit of months, the first day that differs
    }
  }
  return due;
}

bool RollingFile::due(int64_t now_ms) const {
  if (!rolls_ || finishing_ || begun_ms_ == 0 || !file_.is_open()) return false;
  if (options_.max_bytes > 0 && file_.writer().length() >= options_.max_bytes) return true;
  return now_ms >= due_ms();
}

// A name that nobody has; numbers that somebody has are skipped.
Result<std::string> RollingFile::free_name(RollState& roll) {
  const uint64_t first = roll.number;
  while (true) {
    std::string target = name(roll.number, roll.begun_ms);
    SLUICE_SDK_ASSIGN(const bool taken, exists(target));
    if (!taken) {
      if (roll.number != first) {
        events_.report("number-skipped", "'" + name(first, roll.begun_ms) +
                                             "' is there already and was not made by "
                                             "this sink; going on with '" +
                                             target + "'");
      }
      return target;
    }
    if (++roll.number - first > kMaxFinished)
      return Error::fatal("no free name like '" + target + "'");
  }
}

Status RollingFile::roll(const std::vector<PartitionPosition>& partitions, int64_t now_ms) {
  SLUICE_SDK_TRY(commit(partitions, now_ms));
  SidecarState state = file_.sidecar().state();
  if (state.file_length == 0) return sdk::ok();
  RollState roll = state.roll.value_or(RollState());
  SLUICE_SDK_ASSIGN(roll.target, free_name(roll));
  state.roll = std::move(roll);
  SLUICE_SDK_TRY(file_.sidecar().store(files_, std::move(state)));
  SLUICE_CRASH_POINT("file.roll_noted");
  finishing_ = true;
  return ready(now_ms);
}

Status RollingFile::ready(int64_t now_ms) {
  if (!finishing_) return sdk::ok();
  if (!file_.sidecar().state().roll->target.empty()) SLUICE_SDK_TRY(finish(file_.sidecar()));
  file_.set_roll(*file_.sidecar().state().roll);
  SLUICE_SDK_TRY(file_.begin_new());
  SLUICE_CRASH_POINT("file.roll_begun");
  begun_ms_ = 0;
  finishing_ = false;
  return prune(now_ms);
}

// Brings about what the offsets file says. Whatever part of it a crash let happen: as long as the
// file has contents, it has not been renamed.
Status RollingFile::finish(Sidecar& sidecar) {
  SidecarState state = sidecar.state();
  RollState& roll = *state.roll;
  auto opened = files_.open(path_, Access::kWrite);
  if (!opened.ok() && opened.error().kind != SLUICE_NOT_CONNECTED) return std::move(opened).error();
  if (opened.ok()) {
    File& file = **opened;
    FileInfo info;
    if (const IoResult result = file.info(&info); !result.ok())
      return io_error("looking at", path_, result.error);
    if (info.size > 0 && info.size < state.file_length) {
      return Error::config("'" + path_ + "' has " + std::to_string(info.size) +
                           " bytes, but its offsets file '" + Sidecar::path_for(path_) +
                           "' counts " + std::to_string(state.file_length) +
                           ": delivered "
                           "records are gone. Restore the file, or, to start anew, move both away");
    }
    if (info.size > state.file_length) {
      if (const IoResult result = file.truncate(state.file_length); !result.ok()) {
        return io_error("cutting uncommitted lines off", path_, result.error);
      }
      if (const IoResult result = file.sync(); !result.ok()) {
        return Error::fatal(describe("syncing", path_, result.error));
      }
    }
    if (info.size > 0) {
      SLUICE_SDK_TRY(folders_.make_folder(std::string(folder_of(roll.target))));
      SLUICE_SDK_TRY(files_.rename(path_, roll.target));
      SLUICE_CRASH_POINT("file.roll_named");
    }
  }
  roll = RollState{roll.number + 1, 0, ""};
  state.file_length = 0;
  state.tail_size = 0;
  state.tail_crc = crc32c("");
  SLUICE_SDK_TRY(sidecar.store(files_, std::move(state)));
  SLUICE_CRASH_POINT("file.roll_counted");
  ++finished_;
  return sdk::ok();
}

// Deletes finished files beyond what the options keep, oldest first.
Status RollingFile::prune(int64_t now_ms) {
  if (options_.keep_files == 0 && options_.keep_ms == 0) return sdk::ok();
  const std::string suffix = options_.gzip ? ".gz" : "";
  FileFinder finder(files_, folders_, events_,
                    PathPattern(template_.pattern(topic_, partition_) + suffix), {}, {},
                    kMaxFinished);
  SLUICE_SDK_ASSIGN(const std::vector<FoundFile> found, finder.matches());
  struct Finished {
    uint64_t number;
    const FoundFile* file;
  };
  std::vector<Finished> finished;
  for (const FoundFile& file : found) {
    std::string_view path = file.path;
    path.remove_suffix(suffix.size());
    if (const auto number = template_.number_of(path, topic_, partition_))
      finished.push_back({*number, &file});
  }
  std::sort(finished.begin(), finished.end(),
            [](const Finished& a, const Finished& b) { return a.number > b.number; });
  for (size_t i = 0; i < finished.size(); ++i) {
    const FoundFile& file = *finished[i].file;
    const bool many = options_.keep_files > 0 && i >= options_.keep_files;
    const bool old =
        options_.keep_ms > 0 && now_ms - file.info.modified_ns / 1'000'000 > options_.keep_ms;
    if (many || old) SLUICE_SDK_TRY(folders_.remove(file.path));
  }
  return sdk::ok();
}

void RollingFile::close() {
  file_.close();
  begun_ms_ = 0;
  finishing_ = false;
}

}  // namespace sluice::file_plugin
