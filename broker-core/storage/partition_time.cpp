// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/crash_point.hpp"
#include "broker-core/storage/partition_log.hpp"

// What goes by time: ListOffsets, retention, the log start.
namespace sluice::storage {

std::vector<std::pair<std::shared_ptr<Segment>, Segment::Visible>> PartitionLog::visible_segments()
    const {
  std::lock_guard lock(mutex_);
  std::vector<std::pair<std::shared_ptr<Segment>, Segment::Visible>> result;
  for (const auto& segment : segments_) result.emplace_back(segment, segment->visible);
  return result;
}

Result<int64_t> PartitionLog::max_timestamp(const std::shared_ptr<Segment>& segment) {
  {
    std::lock_guard lock(mutex_);
    if (segment->visible.max_timestamp != Segment::kUnknown) return segment->visible.max_timestamp;
  }
  SLUICE_ASSIGN(int64_t found,
                segment->find_max_timestamp(topic_->settings()->index_interval_bytes));
  std::lock_guard lock(mutex_);
  segment->visible.max_timestamp = found;
  return found;
}

Result<std::optional<Offset>> PartitionLog::offset_for_timestamp(TimestampMs timestamp) {
  while (true) {
    uint64_t layout_before = 0;
    Offset start;
    {
      std::lock_guard lock(mutex_);
      SLUICE_TRY(usable());
      SLUICE_TRY(load());
      layout_before = layout_;
      start = log_start_;
    }
    Result<std::optional<Offset>> found = std::optional<Offset>();
    const auto segments = visible_segments();
    for (const auto& [segment, visible] : segments) {
      if (visible.next_offset <= start || visible.entries == 0) continue;
      auto newest = max_timestamp(segment);
      if (!newest.ok()) {
        found = newest.error();
        break;
      }
      if (*newest < timestamp.value()) continue;
      found = segment->find_timestamp(timestamp.value(), visible.entries,
                                      topic_->settings()->index_interval_bytes,
                                      segment != segments.back().first);
      if (!found.ok() || *found) break;
    }
    if (layout() != layout_before) continue;
    if (!found.ok() && removed()) return does_not_exist();
    if (!found.ok() && found.error().kind == ErrorKind::kCorrupt) take_offline(found.error());
    if (found.ok() && *found && **found < start) return std::optional<Offset>(start);
    return found;
  }
}

Result<Offset> PartitionLog::retention_start(TimestampMs now) {
  Offset start, end;
  {
    std::lock_guard lock(mutex_);
    SLUICE_TRY(usable());
    SLUICE_TRY(load());
    start = log_start_;
    end = high_watermark_;
  }
  const auto settings = topic_->settings();
  if (!settings->remove) return start;
  const auto segments = visible_segments();
  uint64_t size = 0;
  for (const auto& [segment, visible] : segments) size += visible.size;
  for (size_t i = 0; i + 1 < segments.size(); ++i) {
    const auto& [segment, visible] = segments[i];
    if (segments[i + 1].first->base > end) break;  // rolled by a round that is not durable yet
    bool gone = settings->retention_bytes >= 0 &&
                size - visible.size >= static_cast<uint64_t>(settings->retention_bytes);
    if (!gone && settings->retention_ms >= 0) {
      SLUICE_ASSIGN(int64_t newest, max_timestamp(segment));
      gone = newest >= 0 && now.value() - newest > settings->retention_ms;
    }
    if (!gone) break;
    size -= visible.size;
    start = std::max(start, segments[i + 1].first->base);
  }
  return start;
}

Status PartitionLog::move_log_start(Offset to) {
  std::lock_guard lock(mutex_);
  SLUICE_TRY(usable());
  SLUICE_TRY(load());
  if (to > high_watermark_) {
    return Error{ErrorKind::kOutOfRange, "cannot delete records of " + name() + " up to offset " +
                                             std::to_string(to.value()) + ": it ends at " +
                                             std::to_string(high_watermark_.value())};
  }
  if (to > log_start_) changed_ = true;
  log_start_ = std::max(log_start_, to);
  return ok();
}

std::vector<Offset> PartitionLog::drop_old_segments(Offset durable_start) {
  std::lock_guard lock(mutex_);
  std::vector<Offset> gone;
  size_t count = 0;
  while (count + 1 < segments_.size() && segments_[count + 1]->base <= durable_start) {
    gone.push_back(segments_[count]->base);
    segments_[count]->retire();
    std::erase(dirty_, segments_[count]);
    ++count;
  }
  if (count == 0) return gone;
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(count));
  ++layout_;
  changed_ = true;
  return gone;
}

Status PartitionLog::remove_files(const std::vector<Offset>& bases) {
  for (Offset base : bases) {
    SLUICE_CRASH_POINT("storage.retention_remove");
    SLUICE_TRY(remove_segment_files(base));
    ++context_.counters.segments_deleted;
  }
  return ok();
}

}  // namespace sluice::storage
