// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "broker-core/base/mutant.hpp"
#include "broker-core/storage/partition_log.hpp"

namespace sluice::storage {
namespace {

constexpr uint64_t kEntriesAtOnce = 256;

}  // namespace

uint64_t PartitionLog::layout() const {
  std::lock_guard lock(mutex_);
  return layout_;
}

void PartitionLog::remember(const std::shared_ptr<Segment>& segment, Offset offset, uint64_t entry) {
  std::lock_guard lock(mutex_);
  hints_[next_hint_] = {segment, offset, entry};
  next_hint_ = (next_hint_ + 1) % hints_.size();
}

Result<uint64_t> PartitionLog::find_entry(const std::shared_ptr<Segment>& segment, Offset from, uint64_t count) {
  {
    std::lock_guard lock(mutex_);
    for (size_t i = 0; i < hints_.size(); ++i) {
      if (hints_[i].offset != from || hints_[i].segment.lock() != segment) continue;
      next_hint_ = i;  // this reader will come back with the next offset: reuse its place
      return hints_[i].entry;
    }
  }
  return segment->find(from, count);
}

// Chooses segment, entries and bytes for a read; `entries` is empty at the high watermark.
Result<PartitionLog::Range> PartitionLog::locate(Offset from, size_t max_bytes) {
  size_t at = 0;
  while (true) {
    Range range;
    {
      std::lock_guard lock(mutex_);
      auto after = std::upper_bound(segments_.begin(), segments_.end(), from,
                                    [](Offset offset, const auto& segment) { return offset < segment->base; });
      const auto first = static_cast<size_t>(after - segments_.begin());
      at = std::max(at, first == 0 ? 0 : first - 1);
      if (at >= segments_.size()) return range;
      range.segment = segments_[at];
      range.visible = range.segment->visible;
    }
    SLUICE_ASSIGN(range.entry, find_entry(range.segment, from, range.visible.entries));
    // Nothing holds `from` itself: only compaction may be the reason, so the batch before must really end there.
    if (range.entry > 0) {
      SLUICE_ASSIGN(auto around, range.segment->entries(range.entry - 1, 2));
      const bool at_end = range.entry >= range.visible.entries;
      if (at_end || around.size() < 2 || range.segment->base + around[1].relative_base > from) {
        if (around.empty()) return Error{ErrorKind::kCorrupt, range.segment->checks.path() + " is cut"};
        SLUICE_TRY(range.segment->check_header(partition_, around[0]));
      }
    }
    if (range.entry >= range.visible.entries) {
      ++at;  // the offset was compacted away at the end of this segment
      continue;
    }
    uint64_t next = range.entry;
    range.end = range.visible.size;
    bool enough = false;
    while (!enough && next < range.visible.entries) {
      const uint64_t most = std::min(kEntriesAtOnce, range.visible.entries - next);
      SLUICE_ASSIGN(auto entries, range.segment->entries(next, most));
      if (entries.empty()) return Error{ErrorKind::kCorrupt, range.segment->checks.path() + " is cut"};
      for (const auto& entry : entries) {
        if (entry.position >= range.visible.size ||
            (!range.entries.empty() && entry.position <= range.entries.back().position)) {
          return Error{ErrorKind::kCorrupt, range.segment->checks.path() + ": an entry points to byte " +
                                                std::to_string(entry.position) + " of " +
                                                std::to_string(range.visible.size)};
        }
        // An entry's batch ends where the next one begins: take batches while they fit, but at least one.
        if (range.entries.size() > 1 && entry.position - range.begin > max_bytes) {
          range.end = range.entries.back().position;
          range.entries.pop_back();
          enough = true;
          break;
        }
        if (range.entries.empty()) range.begin = entry.position;
        range.entries.push_back(entry);
      }
      next += entries.size();
    }
    if (!enough && range.entries.size() > 1 && range.end - range.begin > max_bytes) {
      range.end = range.entries.back().position;
      range.entries.pop_back();
    }
    return range;
  }
}

Status PartitionLog::verify(const Range& range, ByteView bytes) const {
  if (SLUICE_MUTANT("storage.no_check_on_read")) return ok();
  uint64_t at = range.begin;
  for (const auto& entry : range.entries) {
    const Offset base = range.segment->base + entry.relative_base;
    auto broken = [&](const std::string& what) {
      return Error{ErrorKind::kCorrupt, range.segment->log_path + ", byte " + std::to_string(at) + ", offset " +
                                            std::to_string(base.value()) + ": " + what};
    };
    if (at != entry.position) return broken("the sidecar has the batch at byte " + std::to_string(entry.position));
    ByteView rest = bytes.subspan(at - range.begin);
    auto header = model::read_batch_header(rest);
    if (!header.ok()) return broken(header.error().message);
    const uint32_t sum = check_sum(partition_, header->base_offset, header->last_offset(), entry.position,
                                   static_cast<uint32_t>(header->size()), header->leader_epoch, header->crc);
    if ((sum != entry.checksum && !SLUICE_MUTANT("storage.no_sidecar_check")) ||
        header->base_offset != base ||
        header->last_offset() != range.segment->base + entry.relative_last) {
      return broken("the batch does not agree with the sidecar");
    }
    if (auto crc = model::verify_batch_crc(rest.first(header->size())); !crc.ok()) return broken(crc.error().message);
    at += header->size();
  }
  if (at != range.end) {
    return Error{ErrorKind::kCorrupt, range.segment->log_path + ", byte " + std::to_string(at) +
                                          ": bytes that no batch claims"};
  }
  return ok();
}

Result<ReadResult> PartitionLog::read(Offset from, size_t max_bytes) {
  while (true) {
    ReadResult result;
    uint64_t layout_before = 0;
    {
      std::lock_guard lock(mutex_);
      SLUICE_TRY(usable());
      result.high_watermark = high_watermark_;
      result.start_offset = log_start_;
      if (from < log_start_ || from > high_watermark_) {
        return Error{ErrorKind::kOutOfRange, "offset " + std::to_string(from.value()) + " of " + name() +
                                                 " is not within " + std::to_string(log_start_.value()) + " and " +
                                                 std::to_string(high_watermark_.value())};
      }
      if (from == high_watermark_) return result;
      SLUICE_TRY(load());
      layout_before = layout_;
    }
    auto range = locate(from, max_bytes);
    auto status = range.ok() ? ok() : Status(range.error());
    if (range.ok()) {
      if (range->entries.empty()) return result;  // all up to the high watermark was compacted away
      result.batches.resize(range->end - range->begin);
      auto file = context_.files.get(range->segment->log_path);
      if (file.ok()) {
        auto got = (*file)->read_at(range->begin, result.batches);
        if (got.ok()) result.batches.resize(*got);
        status = got.ok() ? verify(*range, result.batches) : Status(got.error());
      } else {
        status = file.error();
      }
    }
    // Retention or compaction may have put files away meanwhile: what was read is then of no segment.
    if (layout() != layout_before) continue;
    if (status.ok()) {
      remember(range->segment, range->segment->base + (int64_t{range->entries.back().relative_last} + 1),
               range->entry + range->entries.size());
      return result;
    }
    if (removed()) return does_not_exist();
    if (status.error().kind == ErrorKind::kNotFound) {
      status = Error{ErrorKind::kCorrupt, status.error().message};
    }
    status = status.error().with("reading offset " + std::to_string(from.value()) + " of " + name());
    if (status.error().kind == ErrorKind::kCorrupt) take_offline(status.error());
    return std::move(status).error();
  }
}

PartitionState PartitionLog::state() {
  std::lock_guard lock(mutex_);
  PartitionState result;
  result.start_offset = log_start_;
  result.high_watermark = high_watermark_;
  result.offline = offline_;
  if (loaded_) {
    for (const auto& segment : segments_) result.size_bytes += segment->visible.size;
    result.segments = static_cast<int>(segments_.size());
  } else if (known_ && known_->has_segments) {
    result.size_bytes = known_->closed_bytes + known_->active.size;
    result.segments = static_cast<int>(known_->closed_segments) + 1;
  }
  return result;
}

}  // namespace sluice::storage
