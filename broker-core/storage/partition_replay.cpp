// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "broker-core/base/crash_point.hpp"
#include "broker-core/storage/partition_log.hpp"

// A partition while recovery writes the frames behind the checkpoint to it. Frames may refer to
// bytes that its segments hold beyond the checkpoint, so those must stay, at their places, until a
// checkpoint has made the frames needless: a replay may be cut short and begin anew. Hence it rolls
// where the appends rolled as far as frames refer to segments, and nowhere else, whatever the
// topic's settings are by now. Then every segment has the same bytes at the same places again, with
// more behind them at most.
namespace sluice::storage {

Status PartitionLog::begin_replay() {
  {
    std::lock_guard lock(mutex_);
    replaying_ = true;
    SLUICE_TRY(usable());
    SLUICE_TRY(load());
  }
  begin();
  return ok();
}

Status PartitionLog::replay(ByteView data, std::optional<Offset> segment) {
  if (segment == write_end_) {
    auto last = active();
    if (!last || last->base != write_end_) SLUICE_TRY(roll());
  }
  std::vector<BatchRef> batches;
  SLUICE_TRY(list_batches(data, batches));
  return write(batches);
}

Status PartitionLog::end_replay() {
  runs_.clear();
  std::lock_guard lock(mutex_);
  replaying_ = false;
  if (offline_) return ok();  // as it is, for a repair
  SLUICE_CRASH_POINT("storage.recovery_tail");
  if (!segments_.empty()) SLUICE_TRY(segments_.back()->cut_tail());
  std::erase_if(strays_, [&](Offset base) {
    return std::ranges::any_of(segments_,
                               [&](const auto& segment) { return segment->base == base; });
  });
  if (strays_.empty()) return ok();
  for (Offset base : strays_) SLUICE_TRY(remove_segment_files(base));
  strays_.clear();
  return context_.disk.sync_directory(folder_);
}

}  // namespace sluice::storage
