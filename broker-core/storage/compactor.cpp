// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/compactor.hpp"

#include <algorithm>
#include <climits>

#include "broker-core/base/crash_point.hpp"
#include "broker-core/storage/compact_batch.hpp"
#include "broker-core/storage/swap_file.hpp"

namespace sluice::storage {
namespace {

constexpr size_t kMapBytes = 32 << 20;     // of keys and what the map needs for each
constexpr size_t kMapEntryCost = 96;
constexpr size_t kReadBytes = 1 << 20;

}  // namespace

bool Compactor::worthwhile(const std::vector<std::shared_ptr<Segment>>& closed, Offset clean_to) const {
  uint64_t dirty = 0, total = 0;
  for (const auto& segment : closed) {
    total += segment->state.size;
    if (segment->state.next_offset > clean_to) dirty += segment->state.size;
  }
  const double ratio = partition_.topic().settings()->min_cleanable_dirty_ratio;
  return dirty > 0 && static_cast<double>(dirty) >= ratio * static_cast<double>(total);
}

// Every batch that begins in [from, to), checked; `use` says whether to go on.
Status Compactor::each_batch(Offset from, Offset to,
                             const std::function<Result<bool>(ByteView, const BatchRef&)>& use) {
  Offset at = std::max(from, partition_.log_start());
  while (at < to) {
    SLUICE_ASSIGN(auto read, partition_.read(at, kReadBytes));
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

Status Compactor::map_keys(Offset from, Offset to) {
  size_t bytes = 0;
  mapped_to_ = from;
  return each_batch(from, to, [&](ByteView view, const BatchRef& batch) -> Result<bool> {
    if (bytes > kMapBytes) return false;  // the rest is for the next run
    SLUICE_ASSIGN(auto reader, model::RecordReader::open(view));
    model::RecordView record;
    while (true) {
      SLUICE_ASSIGN(bool more, reader.next(record));
      if (!more) break;
      if (!record.key || reader.header().control()) continue;
      auto [place, added] = last_.insert_or_assign(std::string(as_text(*record.key)), record.offset.value());
      if (added) bytes += place->first.size() + kMapEntryCost;
    }
    mapped_to_ = batch.last + 1;
    return true;
  });
}

bool Compactor::keep(const model::RecordView& record) const {
  if (!record.key || record.offset >= mapped_to_) return true;
  auto found = last_.find(std::string(as_text(*record.key)));
  if (found != last_.end() && found->second > record.offset.value()) return false;
  // A tombstone has done its work once the values before it are gone and every reader had time to see it.
  return record.value || record.offset >= clean_before_ || record.timestamp >= tombstones_before_;
}

Status Compactor::run(TimestampMs now) {
  const auto settings = partition_.topic().settings();
  std::vector<std::shared_ptr<Segment>> closed;
  {
    std::lock_guard lock(partition_.mutex_);
    SLUICE_TRY(partition_.usable());
    SLUICE_TRY(partition_.load());
    if (partition_.segments_.size() < 2) return ok();
    closed.assign(partition_.segments_.begin(), partition_.segments_.end() - 1);
    clean_before_ = partition_.clean_to_;
  }
  if (!worthwhile(closed, clean_before_)) return ok();
  tombstones_before_ = now.value() - settings->delete_retention_ms;
  SLUICE_TRY(map_keys(clean_before_, closed.back()->state.next_offset));
  // The closed segments are durable, and a start after a crash expects holes up to here, before there are any.
  {
    std::lock_guard lock(round_mutex_);
    partition_.expect_holes(mapped_to_);
  }
  SLUICE_TRY(checkpointer_.run());
  SLUICE_CRASH_POINT("storage.compaction_begin");
  Group group;
  uint64_t bytes = 0;
  for (const auto& segment : closed) {
    if (segment->base >= mapped_to_) break;
    const bool fits = bytes + segment->state.size <= std::min<uint64_t>(settings->segment_bytes, INT32_MAX) &&
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
  std::lock_guard lock(round_mutex_);
  partition_.set_clean_to(mapped_to_);
  return ok();
}

Status Compactor::rewrite(const Group& group) {
  const auto settings = partition_.topic().settings();
  SegmentState state;
  state.next_offset = group.front()->base;
  auto output = std::make_shared<Segment>(context_.files, partition_.folder(), group.front()->base, state, kCleaned);
  bool changed = group.size() > 1;
  const auto thin = [&](ByteView view, const BatchRef& batch) -> Result<bool> {
    SLUICE_ASSIGN(auto compacted, compact_batch(view, [this](const auto& record) { return keep(record); }));
    changed = changed || compacted.kept < compacted.records;
    if (compacted.kept == 0 && compacted.records > 0) return true;
    std::vector<BatchRef> out;
    if (compacted.bytes.empty()) {
      out.push_back(batch);
    } else {
      SLUICE_TRY(list_batches(compacted.bytes, out));
    }
    SLUICE_TRY(output->write(partition_.id(), out, settings->index_interval_bytes));
    return true;
  };
  auto status = [&]() -> Status {
    SLUICE_TRY(output->clear_files());
    SLUICE_TRY(each_batch(group.front()->base, group.back()->state.next_offset, thin));
    if (!changed) return ok();
    SLUICE_TRY(output->close());
    SLUICE_TRY(output->flush());
    SLUICE_TRY(output->sync());
    if (auto names = context_.disk.sync_directory(partition_.folder()); !names.ok()) {
      return Error{ErrorKind::kFatal, names.error().message};
    }
    return ok();
  }();
  output->dirty = false;
  if (status.ok() && changed) {
    SLUICE_CRASH_POINT("storage.compaction_written");
    status = swap(group, output, output->state.size == 0);
  }
  // Without a swap file what was written is of no use; what stays because of an error goes at the next start.
  for (const char* extension : kSegmentExtensions) {
    context_.files.drop(output->stem + extension + kCleaned);
    if (!changed || !status.ok()) static_cast<void>(context_.disk.remove(output->stem + extension + kCleaned).ok());
  }
  if (!status.ok() && status.error().kind == ErrorKind::kFatal) context_.health.fail(status.error());
  return status;
}

// The decision is the swap file; after that there is only forward, now or at the next start.
Status Compactor::swap(const Group& group, const std::shared_ptr<Segment>& output, bool empty) {
  Swap decided{group.front()->base, empty, {}};
  for (const auto& segment : group) decided.replaced.push_back(segment->base);
  std::lock_guard round(round_mutex_);
  if (partition_.removed()) return ok();
  if (auto written = write_swap(context_.disk, partition_.folder(), decided); !written.ok()) {
    return written.error().kind == ErrorKind::kRetriable ? written
                                                         : Status(Error{ErrorKind::kFatal, written.error().message});
  }
  SLUICE_CRASH_POINT("storage.compaction_decided");
  // Readers are kept out while names change; one that is in the middle notices by the layout and starts again.
  std::lock_guard lock(partition_.mutex_);
  ++partition_.layout_;
  auto finished = finish_swap(context_.disk, partition_.folder(), decided);
  if (!finished.ok()) return Error{ErrorKind::kFatal, finished.error().message};
  for (const auto& segment : group) {
    for (const char* extension : kSegmentExtensions) context_.files.drop(segment->stem + extension);
    std::erase(partition_.dirty_, segment);
  }
  auto first = std::find(partition_.segments_.begin(), partition_.segments_.end(), group.front());
  auto place = partition_.segments_.erase(first, first + static_cast<std::ptrdiff_t>(group.size()));
  if (!empty) {
    const SegmentState& state = output->state;
    auto fresh = std::make_shared<Segment>(context_.files, partition_.folder(), output->base, state);
    partition_.segments_.insert(place, std::move(fresh));
  }
  partition_.changed_ = true;
  context_.counters.segments_compacted += group.size();
  return ok();
}

}  // namespace sluice::storage
