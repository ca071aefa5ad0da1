// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/compactor.hpp"

#include <algorithm>
#include <climits>

#include "broker-core/base/crash_point.hpp"
#include "broker-core/base/mutant.hpp"
#include "broker-core/storage/compact_batch.hpp"
#include "broker-core/storage/swap_file.hpp"

namespace sluice::storage {
namespace {

constexpr size_t kMapBytes = 32 << 20;  // of keys and what the map needs for each
constexpr size_t kMapEntryCost = 96;
constexpr size_t kReadBytes = 1 << 20;

}  // namespace

// Closed segments, durable as a whole: a round that fails makes a segment that it closed the active
// one again.
Status Compactor::collect() {
  std::lock_guard round(round_mutex_);
  std::lock_guard lock(partition_->mutex_);
  SLUICE_TRY(partition_->usable());
  SLUICE_TRY(partition_->load());
  closed_.clear();
  clean_before_ = std::max(partition_->clean_to_, partition_->log_start_);
  const auto& segments = partition_->segments_;
  for (size_t i = 0; i + 1 < segments.size(); ++i) {
    if (segments[i + 1]->base > partition_->high_watermark_) break;
    // What is below the log start is about to be removed.
    if (segments[i]->state.next_offset > partition_->log_start_) closed_.push_back(segments[i]);
  }
  return ok();
}

// Kafka's LogCleanerManager: neither what is younger than min.compaction.lag.ms nor anything behind
// it; enough of the rest is dirty, or its oldest record has waited for longer than
// max.compaction.lag.ms.
Result<bool> Compactor::worthwhile() {
  const auto settings = partition_->topic().settings();
  if (settings->min_compaction_lag_ms > 0) {
    for (size_t i = 0; i < closed_.size(); ++i) {
      if (closed_[i]->state.next_offset <= clean_before_) continue;
      SLUICE_ASSIGN(int64_t newest, partition_->max_timestamp(closed_[i]));
      if (newest <= now_ - settings->min_compaction_lag_ms) continue;
      closed_.resize(i);
      break;
    }
  }
  uint64_t dirty = 0, total = 0;
  bool late = false;
  for (const auto& segment : closed_) {
    total += segment->state.size;
    if (segment->state.next_offset <= clean_before_) continue;
    dirty += segment->state.size;
    if (late || settings->max_compaction_lag_ms == INT64_MAX) continue;
    SLUICE_ASSIGN(int64_t oldest, segment->first_timestamp());
    late = oldest > 0 && oldest < now_ - settings->max_compaction_lag_ms;
  }
  if (dirty == 0) return false;
  return late || static_cast<double>(dirty) >
                     settings->min_cleanable_dirty_ratio * static_cast<double>(total);
}

Result<bool> Compactor::prepare(TimestampMs now) {
  now_ = now.value();
  SLUICE_TRY(collect());
  SLUICE_ASSIGN(bool wanted, worthwhile());
  if (!wanted) return false;
  std::lock_guard lock(round_mutex_);
  end_ = closed_.back()->state.next_offset;
  partition_->expect_holes(end_);
  return true;
}

// Every batch that begins in [from, to), checked; `use` says whether to go on.
Status Compactor::each_batch(Offset from, Offset to,
                             const std::function<Result<bool>(ByteView, const BatchRef&)>& use) {
  Offset at = std::max(from, partition_->log_start());
  while (at < to) {
    if (context_.stopping) return Error{ErrorKind::kShutdown, "the log is stopping"};
    SLUICE_ASSIGN(auto read, partition_->read(at, kReadBytes));
    std::vector<BatchRef> batches;
    SLUICE_TRY(list_batches(read.batches, batches));
    if (batches.empty()) return ok();
    for (const auto& batch : batches) {
      if (batch.base >= to) return ok();
      SLUICE_ASSIGN(bool more, use(batch.bytes, batch));
      if (!more) return ok();
      at = batch.last + 1;
    }
  }
  return ok();
}

Status Compactor::map_keys() {
  size_t bytes = 0;
  mapped_to_ = clean_before_;
  const Offset to = closed_.back()->state.next_offset;
  SLUICE_TRY(
      each_batch(clean_before_, to, [&](ByteView view, const BatchRef& batch) -> Result<bool> {
        if (bytes > kMapBytes) return false;  // the rest is for the next run
        SLUICE_ASSIGN(auto reader, model::RecordReader::open(view));
        model::RecordView record;
        while (true) {
          SLUICE_ASSIGN(bool more, reader.next(record));
          if (!more) break;
          if (!record.key || reader.header().control()) continue;
          const std::string_view key = as_text(*record.key);
          if (auto found = last_.find(key); found != last_.end()) {
            found->second = record.offset.value();
          } else {
            last_.emplace(key, record.offset.value());
            bytes += key.size() + kMapEntryCost;
          }
        }
        mapped_to_ = batch.last + 1;
        return true;
      }));
  if (bytes <= kMapBytes) mapped_to_ = to;
  return ok();
}

bool Compactor::keep(const model::RecordView& record, const std::optional<int64_t>& horizon) const {
  // Without a key there is nothing that could stand for the record later.
  if (!record.key || record.offset >= mapped_to_) return true;
  auto found = last_.find(as_text(*record.key));
  if (found != last_.end() && found->second > record.offset.value()) return false;
  if (SLUICE_MUTANT("storage.compaction_drops_latest") && record.value) return false;
  // A tombstone goes once every reader had delete_retention_ms to see it after the values before it
  // were gone.
  if (SLUICE_MUTANT("storage.tombstone_too_early") && !record.value) return false;
  return record.value || !horizon || now_ < *horizon;
}

Status Compactor::run() {
  const auto settings = partition_->topic().settings();
  SLUICE_TRY(collect());
  while (!closed_.empty() && closed_.back()->state.next_offset > end_) closed_.pop_back();
  if (closed_.empty()) return ok();
  SLUICE_TRY(map_keys());
  SLUICE_CRASH_POINT("storage.compaction_begin");
  Group group;
  uint64_t bytes = 0;
  for (const auto& segment : closed_) {
    if (segment->base >= mapped_to_) break;
    const bool fits =
        bytes + segment->state.size <= std::min<uint64_t>(settings->segment_bytes, INT32_MAX) &&
        (group.empty() || segment->state.next_offset - group.front()->base <= INT32_MAX);
    if (!group.empty() && !fits) {
      SLUICE_TRY(rewrite(group));
      group.clear();
      bytes = 0;
    }
    group.push_back(segment);
    bytes += segment->state.size;
  }
  if (!group.empty()) SLUICE_TRY(rewrite(group));
  last_.clear();
  std::lock_guard lock(round_mutex_);
  partition_->set_clean_to(mapped_to_);
  return ok();
}

Status Compactor::rewrite(const Group& group) {
  const auto settings = partition_->topic().settings();
  SegmentState state;
  state.next_offset = group.front()->base;
  auto output = std::make_shared<Segment>(context_.files, partition_->folder(), group.front()->base,
                                          state, kCleaned);
  bool changed = group.size() > 1;
  const auto thin = [&](ByteView view, const BatchRef& batch) -> Result<bool> {
    SLUICE_ASSIGN(auto header, model::read_batch_header(view));
    const auto old_horizon = header.delete_horizon();
    SLUICE_ASSIGN(auto compacted,
                  compact_batch(view, now_ + settings->delete_retention_ms,
                                [&](const auto& record) { return keep(record, old_horizon); }));
    changed = changed || compacted.kept < compacted.records || !compacted.bytes.empty();
    if (compacted.kept == 0 && compacted.records > 0) return true;
    std::vector<BatchRef> out;
    if (compacted.bytes.empty()) {
      out.push_back(batch);
    } else {
      SLUICE_TRY(list_batches(compacted.bytes, out));
    }
    SLUICE_TRY(output->write(partition_->id(), out, settings->index_interval_bytes));
    return true;
  };
  auto status = [&]() -> Status {
    SLUICE_TRY(output->clear_files());
    SLUICE_TRY(each_batch(group.front()->base, group.back()->state.next_offset, thin));
    if (!changed) return ok();
    SLUICE_TRY(output->close());
    SLUICE_TRY(output->flush());
    if (!SLUICE_MUTANT("storage.compaction_not_synced")) SLUICE_TRY(output->sync());
    auto names = context_.disk.sync_directory(partition_->folder());
    if (!names.ok() && !partition_->removed()) {
      return Error{ErrorKind::kFatal, names.error().message};
    }
    return ok();
  }();
  output->dirty = false;
  if (status.ok() && changed) {
    SLUICE_CRASH_POINT("storage.compaction_written");
    status = swap(group, output, output->state.size == 0);
  }
  // Without a swap file what was written is of no use. After a fatal error there may be one: then
  // these files are all there is of the records, and the next start finishes the swap, or removes
  // them.
  const bool useless = !changed || (!status.ok() && status.error().kind != ErrorKind::kFatal);
  for (const char* extension : kSegmentExtensions) {
    context_.files.drop(output->stem + extension + kCleaned);
    if (useless) static_cast<void>(context_.disk.remove(output->stem + extension + kCleaned).ok());
  }
  if (!status.ok() && status.error().kind == ErrorKind::kFatal)
    context_.health.fail(status.error());
  return status;
}

// The decision is the swap file; after that there is only forward, now or at the next start.
Status Compactor::swap(const Group& group, const std::shared_ptr<Segment>& output, bool empty) {
  Swap decided{group.front()->base, empty, {}};
  for (const auto& segment : group) decided.replaced.push_back(segment->base);
  std::lock_guard round(round_mutex_);
  if (partition_->removed()) return ok();
  if (auto written = write_swap(context_.disk, partition_->folder(), decided); !written.ok()) {
    // It may have its name all the same, and would then be believed at the next start.
    auto undone = cancel_swap(context_.disk, partition_->folder(), decided);
    if (undone.ok() && written.error().kind == ErrorKind::kRetriable) return written;
    return Error{ErrorKind::kFatal, written.error().message};
  }
  SLUICE_CRASH_POINT("storage.compaction_decided");
  for (const auto& segment : group) segment->retire();
  // Readers are kept out while names change; one that is in the middle notices by the layout and
  // starts again.
  std::lock_guard lock(partition_->mutex_);
  ++partition_->layout_;
  auto finished = finish_swap(context_.disk, partition_->folder(), decided);
  if (!finished.ok()) return Error{ErrorKind::kFatal, finished.error().message};
  for (const auto& segment : group) {
    for (const char* extension : kSegmentExtensions) context_.files.drop(segment->stem + extension);
    std::erase(partition_->dirty_, segment);
  }
  auto first = std::find(partition_->segments_.begin(), partition_->segments_.end(), group.front());
  auto place =
      partition_->segments_.erase(first, first + static_cast<std::ptrdiff_t>(group.size()));
  if (!empty) {
    const SegmentState& state = output->state;
    auto fresh =
        std::make_shared<Segment>(context_.files, partition_->folder(), output->base, state);
    partition_->segments_.insert(place, std::move(fresh));
  }
  partition_->changed_ = true;
  context_.counters.segments_compacted += group.size();
  return ok();
}

}  // namespace sluice::storage
