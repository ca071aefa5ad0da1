// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/partition_log.hpp"

#include <algorithm>
#include <climits>

#include "broker-core/base/crash_point.hpp"
#include "broker-core/base/crc32c.hpp"
#include "broker-core/base/mutant.hpp"
#include "broker-core/storage/paths.hpp"

namespace sluice::storage {

PartitionLog::PartitionLog(Context& context, const TopicPartition& partition,
                           std::shared_ptr<Topic> topic,
                           const std::optional<PartitionCheckpoint>& known)
    : context_(context),
      partition_(partition),
      topic_(std::move(topic)),
      folder_(topics_folder(context.settings.directory) + "/" +
              partition_folder_name(topic_->settings()->name, partition)),
      known_(known) {
  if (!known_) return;
  log_start_ = known_->log_start;
  clean_to_ = known_->clean_to;
  holes_to_ = known_->holes_to;
  high_watermark_ = known_->has_segments ? known_->active.next_offset : log_start_;
  write_end_ = high_watermark_;
  if (!known_->lost.empty()) {
    lost_ = known_->lost;
    offline_ = Error{ErrorKind::kCorrupt, lost_};
  }
}

std::string PartitionLog::name() const {
  return describe(topic_->settings()->name, partition_);
}

Error PartitionLog::does_not_exist() const {
  return {ErrorKind::kNotFound, name() + " does not exist any more"};
}

Status PartitionLog::usable() const {
  if (removed_) return does_not_exist();
  if (offline_) return *offline_;
  return ok();
}

Status PartitionLog::prepare() {
  std::lock_guard lock(mutex_);
  SLUICE_TRY(usable());
  return load();
}

std::shared_ptr<Segment> PartitionLog::active() const {
  std::lock_guard lock(mutex_);
  return segments_.empty() ? nullptr : segments_.back();
}

void PartitionLog::begin() {
  runs_.clear();
  placed_run_ = 0;
  placed_ = 0;
  begin_end_ = write_end_;
  begin_active_ = active();
  if (begin_active_) begin_state_ = begin_active_->state;
}

namespace {

// Kafka's LogConfig.maxSegmentMs: what may wait no longer for its compaction must leave the active
// segment.
int64_t roll_after_ms(const TopicSettings& settings) {
  return settings.compact ? std::min(settings.segment_ms, settings.max_compaction_lag_ms)
                          : settings.segment_ms;
}

// As Kafka's OffsetIndex.isFull and TimeIndex.isFull (which leaves room for the entry of close()).
bool index_full(const SegmentState& state, const TopicSettings& settings) {
  return state.indexes >= std::max<uint64_t>(1, settings.segment_index_bytes / kIndexEntrySize) ||
         state.times + 1 >= std::max<uint64_t>(2, settings.segment_index_bytes / kTimeEntrySize);
}

}  // namespace

// Kafka's LogSegment.shouldRoll: size, age by record time, index size, and what the 32-bit fields
// of the indexes can hold.
bool PartitionLog::must_roll(uint64_t pending, const BatchRef& batch) const {
  auto segment = active();
  if (!segment) return true;
  const auto settings = topic_->settings();
  const uint64_t size = segment->state.size + pending;
  if (batch.last - segment->base > INT32_MAX) return true;
  if (size == 0) return false;
  if (replaying_) return size + batch.bytes.size() > INT32_MAX;
  const uint64_t limit = std::min<uint64_t>(settings->segment_bytes, INT32_MAX);
  if (size + batch.bytes.size() > limit || index_full(segment->state, *settings)) return true;
  const int64_t first = segment->state.first_timestamp;
  return pending == 0 && first >= 0 && batch.max_timestamp - first > roll_after_ms(*settings);
}

Status PartitionLog::write(std::span<const BatchRef> batches) {
  size_t first = 0;
  uint64_t pending = 0;
  for (size_t i = 0; i < batches.size(); ++i) {
    if (must_roll(pending, batches[i])) {
      SLUICE_TRY(write_run(batches.subspan(first, i - first)));
      SLUICE_TRY(roll());
      first = i;
      pending = 0;
    }
    pending += batches[i].bytes.size();
    // Of this run only: what is not written yet does not show in the segment's state.
    write_end_ = batches[i].last + 1;
  }
  return write_run(batches.subspan(first));
}

Status PartitionLog::write_run(std::span<const BatchRef> batches) {
  if (batches.empty()) return ok();
  auto segment = active();
  const bool was_dirty = segment->dirty;
  const uint64_t position = segment->state.size;
  SLUICE_TRY(segment->write(partition_, batches, topic_->settings()->index_interval_bytes));
  if (!was_dirty) dirty_.push_back(segment);
  if (runs_.empty() || runs_.back().segment != segment) runs_.push_back({segment, position, 0});
  runs_.back().size = segment->state.size - runs_.back().position;
  changed_ = true;
  return ok();
}

Status PartitionLog::write_through() {
  for (const auto& run : runs_) {
    SLUICE_ASSIGN(auto file, context_.files.get(run.segment->log_path));
    SLUICE_CRASH_POINT("storage.write_through");
    if (!SLUICE_MUTANT("storage.no_write_through_sync")) SLUICE_TRY(file->sync());
    ++context_.counters.segment_syncs;
  }
  if (names_dirty_) SLUICE_TRY(context_.disk.sync_directory(folder_));
  if (folder_dirty_)
    SLUICE_TRY(context_.disk.sync_directory(topics_folder(context_.settings.directory)));
  names_dirty_ = folder_dirty_ = false;
  SLUICE_CRASH_POINT("storage.written_through");
  return ok();
}

std::vector<SegmentPiece> PartitionLog::place(ByteView data) {
  std::vector<SegmentPiece> pieces;
  while (!data.empty() && placed_run_ < runs_.size()) {
    const Run& run = runs_[placed_run_];
    const uint64_t size = std::min<uint64_t>(data.size(), run.size - placed_);
    if (size > 0)
      pieces.push_back({run.segment->base, run.position + placed_, size, crc32c(data.first(size))});
    data = data.subspan(size);
    placed_ += size;
    if (placed_ < run.size) continue;
    ++placed_run_;
    placed_ = 0;
  }
  return pieces;
}

// The new segment begins where the written ones end.
Status PartitionLog::roll() {
  auto old = active();
  Offset base = write_end_;
  if (old) {
    base = old->state.size > 0 ? old->state.next_offset : old->base;
    const bool was_dirty = old->dirty;
    SLUICE_TRY(old->close());
    if (!was_dirty) dirty_.push_back(old);
    ++context_.counters.segments_rolled;
  } else {
    // A folder that is there may have been made by a process that died before it synced the name.
    SLUICE_TRY(context_.disk.create_directories(folder_));
    folder_dirty_ = true;
  }
  SLUICE_CRASH_POINT("storage.roll");
  SegmentState state;
  state.next_offset = base;
  auto segment = std::make_shared<Segment>(context_.files, folder_, base, state);
  SLUICE_ASSIGN(auto file, context_.files.get_or_create(segment->log_path));
  // Only what is there: some file systems (ext4) write a truncated file out at its next close.
  SLUICE_ASSIGN(uint64_t left_over, file->size());
  if (left_over > 0 && !replaying_) SLUICE_TRY(file->truncate(0));
  SLUICE_CRASH_POINT("storage.segment_created");
  if (replaying_) {
    segment->keep_tail();
    SLUICE_TRY(segment->indexes.clear());
    SLUICE_TRY(segment->times.clear());
  }
  // Made now, so that the next checkpoint syncs its name with the others'. The indexes come when
  // they have an entry: one whose name is lost is made anew.
  SLUICE_TRY(segment->checks.clear());
  names_dirty_ = true;
  changed_ = true;
  std::lock_guard lock(mutex_);
  segments_.push_back(std::move(segment));
  return ok();
}

void PartitionLog::rewind() {
  write_end_ = begin_end_;
  std::vector<std::shared_ptr<Segment>> gone;
  {
    std::lock_guard lock(mutex_);
    while (!segments_.empty() && segments_.back() != begin_active_) {
      gone.push_back(segments_.back());
      segments_.pop_back();
    }
  }
  for (const auto& segment : gone) {
    std::erase(dirty_, segment);
    // What cannot be removed is found and removed at the next start: its base is beyond the
    // checkpoint's.
    static_cast<void>(remove_segment_files(segment->base).ok());
  }
  if (begin_active_) begin_active_->rewind(begin_state_);
}

Offset PartitionLog::publish() {
  std::lock_guard lock(mutex_);
  for (auto it = segments_.rbegin(); it != segments_.rend(); ++it) {
    Segment& segment = **it;
    segment.visible = {segment.state.size, segment.state.checks, segment.state.next_offset,
                       segment.state.max_timestamp};
    if (*it == begin_active_) break;
  }
  high_watermark_ = write_end_;
  return high_watermark_;
}

bool PartitionLog::due_to_roll(const SegmentState& active, const TopicSettings& settings,
                               TimestampMs now) {
  if (settings.remove && settings.retention_bytes == 0) return true;
  if (active.first_timestamp < 0) return false;
  return now.value() - active.first_timestamp > roll_after_ms(settings) ||
         (settings.remove && settings.retention_ms >= 0 &&
          now.value() - active.max_timestamp > settings.retention_ms);
}

// A partition of one segment has nothing to remove and nothing to compact before that one is
// rolled.
bool PartitionLog::needs_care(TimestampMs now) const {
  std::lock_guard lock(mutex_);
  if (removed_ || offline_) return false;
  if (loaded_) return !segments_.empty();
  if (!known_ || !known_->has_segments) return false;
  if (known_->closed_segments > 0) return true;
  return known_->active.size > 0 && due_to_roll(known_->active, *topic_->settings(), now);
}

Status PartitionLog::roll_if_old(TimestampMs now) {
  auto segment = active();
  if (!segment || segment->state.size == 0) return ok();
  const auto settings = topic_->settings();
  if (!due_to_roll(segment->state, *settings, now)) return ok();
  begin();
  auto status = roll();
  if (!status.ok()) rewind();
  return status;
}

bool PartitionLog::take_dirty(Dirty& dirty) {
  if (!changed_) return false;
  auto state = checkpoint();
  if (!state) return false;
  dirty.state = *state;
  dirty.segments = std::move(dirty_);
  dirty_.clear();
  for (const auto& segment : dirty.segments) segment->dirty = false;
  dirty.names = names_dirty_;
  dirty.folder = folder_dirty_;
  names_dirty_ = folder_dirty_ = changed_ = false;
  return true;
}

void PartitionLog::give_back(Dirty dirty) {
  for (auto& segment : dirty.segments) {
    if (segment->dirty) continue;
    segment->dirty = true;
    dirty_.push_back(std::move(segment));
  }
  names_dirty_ |= dirty.names;
  folder_dirty_ |= dirty.folder;
  changed_ = true;
}

std::optional<PartitionCheckpoint> PartitionLog::checkpoint() const {
  std::lock_guard lock(mutex_);
  if (removed_) return std::nullopt;
  if (!loaded_) {
    if (!known_ && lost_.empty()) return std::nullopt;
    PartitionCheckpoint result = known_.value_or(PartitionCheckpoint{});
    result.partition = partition_;
    result.log_start = log_start_;
    result.lost = lost_;
    return result;
  }
  PartitionCheckpoint result;
  result.partition = partition_;
  result.log_start = log_start_;
  result.clean_to = clean_to_;
  result.holes_to = holes_to_;
  result.lost = lost_;
  if (segments_.empty()) return result;
  result.has_segments = true;
  result.active_base = segments_.back()->base;
  result.active = segments_.back()->state;
  for (size_t i = 0; i + 1 < segments_.size(); ++i) result.closed_bytes += segments_[i]->state.size;
  result.closed_segments = static_cast<uint32_t>(segments_.size() - 1);
  return result;
}

Status PartitionLog::remove_segment_files(Offset base) {
  const std::string stem = folder_ + "/" + numbered_name(static_cast<uint64_t>(base.value()), "");
  // The log file goes last: whatever is left behind by a crash is still recognised as this
  // segment's.
  for (const char* extension : {".index", ".timeindex", ".check", ".log"}) {
    context_.files.drop(stem + extension);
    auto removed = context_.disk.remove(stem + extension);
    if (!removed.ok() && removed.error().kind != ErrorKind::kNotFound) return removed;
  }
  return ok();
}

void PartitionLog::take_offline(const Error& error, bool lost) {
  std::lock_guard lock(mutex_);
  if (!offline_) offline_ = Error{ErrorKind::kCorrupt, name() + " is offline: " + error.message};
  if (lost && lost_.empty()) lost_ = offline_->message;
}

std::optional<Error> PartitionLog::offline() const {
  std::lock_guard lock(mutex_);
  return offline_;
}

void PartitionLog::expect_holes(Offset to) {
  std::lock_guard lock(mutex_);
  holes_to_ = std::max(holes_to_, to);
  changed_ = true;
}

void PartitionLog::set_clean_to(Offset to) {
  std::lock_guard lock(mutex_);
  clean_to_ = std::max(clean_to_, to);
  changed_ = true;
}

void PartitionLog::set_removed() {
  std::lock_guard lock(mutex_);
  removed_ = true;
}

bool PartitionLog::removed() const {
  std::lock_guard lock(mutex_);
  return removed_;
}

Offset PartitionLog::high_watermark() const {
  std::lock_guard lock(mutex_);
  return high_watermark_;
}

Offset PartitionLog::log_start() const {
  std::lock_guard lock(mutex_);
  return log_start_;
}

}  // namespace sluice::storage
