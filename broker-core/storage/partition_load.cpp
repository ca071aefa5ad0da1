// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <span>

#include "broker-core/base/crash_point.hpp"
#include "broker-core/storage/partition_log.hpp"
#include "broker-core/storage/paths.hpp"
#include "broker-core/storage/swap_file.hpp"

// Opening a partition at its first use after a start. The checkpoint is the truth: everything in the folder that
// goes beyond it was never synced (or is in the commit log, from where recovery writes it again).
namespace sluice::storage {
namespace {

Error damaged(const std::string& what) { return {ErrorKind::kCorrupt, what}; }

}  // namespace

// With mutex_ held. Damage takes the partition offline; other errors may pass.
Status PartitionLog::load() {
  if (loaded_) return ok();
  auto status = load_segments();
  if (status.ok()) {
    loaded_ = true;
    return ok();
  }
  segments_.clear();
  if (status.error().kind == ErrorKind::kCorrupt) {
    offline_ = Error{ErrorKind::kCorrupt, name() + " is offline: " + status.error().message};
    return *offline_;
  }
  return status;
}

Status PartitionLog::load_segments() {
  SLUICE_ASSIGN(bool there, context_.disk.exists(folder_));
  const bool has_segments = known_ && known_->has_segments;
  if (!there) {
    if (has_segments) return damaged("its folder " + folder_ + " is missing");
    return ok();
  }
  SLUICE_ASSIGN(auto names, context_.disk.list(folder_));
  SLUICE_ASSIGN(bool swapped, recover_swaps(context_.disk, folder_, names));
  if (swapped) {
    context_.files.drop_folder(folder_);
    SLUICE_ASSIGN(names, context_.disk.list(folder_));
  }
  std::set<uint64_t> bases;
  for (const auto& name : names) {
    for (const char* extension : {".log", ".check", ".index", ".timeindex"}) {
      if (auto base = parse_numbered(name, extension)) bases.insert(*base);
    }
  }
  std::vector<Offset> closed;
  for (uint64_t number : bases) {
    const Offset base(static_cast<int64_t>(number));
    if (!has_segments || base > known_->active_base) {
      if (replaying_) {
        strays_.push_back(base);
      } else {
        SLUICE_TRY(remove_segment_files(base));
      }
    } else if (base < known_->active_base) {
      closed.push_back(base);
    }
  }
  if (!has_segments) return ok();
  closed.push_back(known_->active_base);
  for (size_t i = 0; i + 1 < closed.size(); ++i) {
    if (closed[i + 1] <= log_start_) {
      SLUICE_TRY(remove_segment_files(closed[i]));  // retention was cut short
    } else {
      SLUICE_ASSIGN(size_t left_over, load_closed(closed[i], std::span(closed).subspan(i + 1)));
      for (; left_over > 0; --left_over) SLUICE_TRY(remove_segment_files(closed[++i]));
    }
  }
  SLUICE_TRY(load_active());
  if (segments_.front()->base > log_start_ && holes_to_ <= log_start_) {
    return damaged(folder_ + " has no segment for offset " + std::to_string(log_start_.value()));
  }
  return ok();
}

Result<uint64_t> PartitionLog::file_size(const std::string& path) {
  auto file = context_.files.get(path);
  if (!file.ok() && file.error().kind == ErrorKind::kNotFound) return uint64_t{0};
  if (!file.ok()) return std::move(file).error();
  return (*file)->size();
}

// `after`: the bases behind it. Gives the number of those that a replay, which was cut short behind its checkpoint, put
// into this segment and has not removed: this segment then ends exactly where a later one begins.
Result<size_t> PartitionLog::load_closed(Offset base, std::span<const Offset> after) {
  const std::string stem = folder_ + "/" + numbered_name(static_cast<uint64_t>(base.value()), "");
  SegmentState state;
  SLUICE_ASSIGN(state.size, file_size(stem + ".log"));
  SLUICE_ASSIGN(uint64_t check_bytes, file_size(stem + ".check"));
  SLUICE_ASSIGN(uint64_t index_bytes, file_size(stem + ".index"));
  SLUICE_ASSIGN(uint64_t time_bytes, file_size(stem + ".timeindex"));
  state.checks = check_bytes / kCheckEntrySize;
  state.indexes = index_bytes / kIndexEntrySize;
  state.times = time_bytes / kTimeEntrySize;
  state.next_offset = base;
  auto segment = std::make_shared<Segment>(context_.files, folder_, base, state);
  if (state.checks == 0 || check_bytes % kCheckEntrySize != 0) {
    return damaged(stem + ".check, byte " + std::to_string(check_bytes) + ": the sidecar is missing or cut");
  }
  SLUICE_ASSIGN(auto last, segment->entries(state.checks - 1, 1));
  state.next_offset = base + (int64_t{last[0].relative_last} + 1);
  if (last[0].position >= state.size) {
    return damaged(stem + ".log, byte " + std::to_string(state.size) + ": the segment is cut");
  }
  size_t left_over = 0;
  if (state.next_offset > after.front()) {
    const auto next = std::ranges::find(after, state.next_offset);
    if (next != after.end()) {
      SLUICE_TRY(segment->check_header(partition_, last[0]));
      left_over = static_cast<size_t>(next - after.begin());
    }
  }
  const Offset next_base = after[left_over];
  const bool cleaned = base < holes_to_;
  if (cleaned ? state.next_offset > next_base : state.next_offset != next_base) {
    return damaged(stem + ".log ends at offset " + std::to_string(state.next_offset.value()) +
                   ", the next segment begins at " + std::to_string(next_base.value()));
  }
  segment->state = state;
  segment->visible = {state.size, state.checks, state.next_offset, Segment::kUnknown};
  segments_.push_back(std::move(segment));
  return left_over;
}

Status PartitionLog::load_active() {
  auto segment = std::make_shared<Segment>(context_.files, folder_, known_->active_base, known_->active);
  SLUICE_ASSIGN(auto file, context_.files.get_or_create(segment->log_path));
  SLUICE_ASSIGN(uint64_t size, file->size());
  if (size < known_->active.size) {
    return damaged(segment->log_path + ", byte " + std::to_string(size) + ": the segment is cut, " +
                   std::to_string(known_->active.size) + " bytes were synced");
  }
  if (size > known_->active.size) {
    segment->keep_tail();
    if (!replaying_) SLUICE_TRY(segment->cut_tail());
  }
  SLUICE_CRASH_POINT("storage.recovery_cut");
  SLUICE_TRY(segment->checks.cut_to_count());
  for (EntryFile* index : {&segment->indexes, &segment->times}) {
    auto cut = index->cut_to_count();
    if (!cut.ok() && cut.error().kind == ErrorKind::kCorrupt) {
      SLUICE_TRY(segment->rebuild_indexes(topic_->settings()->index_interval_bytes));
      segment->state.indexes = segment->indexes.count();
      segment->state.times = segment->times.count();
      break;
    }
    SLUICE_TRY(std::move(cut));
  }
  segments_.push_back(std::move(segment));
  return ok();
}

}  // namespace sluice::storage
