// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "broker-core/offline/repair.hpp"
#include "broker-core/offline/segment_walk.hpp"
#include "broker-core/storage/paths.hpp"
#include "broker-core/storage/swap_file.hpp"

namespace sluice::offline {

using namespace storage;

namespace {

constexpr uint64_t kIndexInterval = 4096;
constexpr uint64_t kSegmentMax = 1u << 30;  // of what is written here
constexpr uint64_t kCheckFileMax = 1u << 30;

std::string range(Offset first, Offset end) {
  const std::string from = std::to_string(first.value());
  return end == first + 1 ? "offset " + from
                          : "offsets " + from + " to " + std::to_string(end.value() - 1);
}

// The sidecar's checksums by position.
std::map<uint64_t, CheckEntry> read_sidecar(Disk& disk, const std::string& path) {
  std::map<uint64_t, CheckEntry> entries;
  auto bytes = read_file(disk, path, kCheckFileMax);
  if (!bytes.ok()) return entries;
  for (size_t at = 0; at + kCheckEntrySize <= bytes->size(); at += kCheckEntrySize) {
    const CheckEntry entry = decode_check(bytes->data() + at);
    entries.emplace(entry.position, entry);
  }
  return entries;
}

// Writes a segment beside its final name, syncs it, and puts it in place; what was there is kept
// aside. Cut short, it leaves `.cleaned` files, which the next start removes.
Status write_segment(const RepairContext& context, const TopicPartition& partition,
                     const std::string& folder, Offset base, const std::vector<BatchPlace>& batches,
                     const std::set<std::string>& old_files) {
  FileCache files(context.disk, 16);
  SegmentState state;
  state.next_offset = base;
  Segment segment(files, folder, base, state, kCleaned);
  SLUICE_TRY(segment.clear_files());
  std::map<std::string, std::shared_ptr<File>> sources;
  Bytes bytes;
  for (const auto& place : batches) {
    auto& source = sources[*place.file];
    if (!source) {
      SLUICE_ASSIGN(source, context.disk.open(*place.file, OpenMode::kRead));
    }
    bytes.resize(place.size);
    SLUICE_ASSIGN(const size_t got, source->read_at(place.byte, bytes));
    bytes.resize(got);
    std::vector<BatchRef> refs;
    SLUICE_TRY(list_batches(bytes, refs));
    if (refs.size() != 1 || refs[0].base != place.base || refs[0].last != place.last) {
      return Error{ErrorKind::kCorrupt, *place.file + ", byte " + std::to_string(place.byte) +
                                            ": the batch has changed since the plan was made"};
    }
    SLUICE_TRY(segment.write(partition, refs, kIndexInterval));
  }
  SLUICE_TRY(segment.close());
  SLUICE_TRY(segment.flush());
  SLUICE_TRY(segment.sync());
  for (const auto& file : old_files) SLUICE_TRY(context.keep(file));
  for (const char* extension : kSegmentExtensions) {
    const std::string path = segment.stem + extension;
    SLUICE_TRY(context.disk.rename(path + kCleaned, path));
  }
  return context.disk.sync_directory(folder);
}

}  // namespace

Status PartitionRepair::finish_compactions() {
  SLUICE_ASSIGN(const bool there, context_.planned->exists(folder_));
  if (!there) return ok();
  SLUICE_ASSIGN(const auto names, context_.planned->list(folder_));
  for (const auto& name : names) {
    const auto base = parse_numbered(name, ".swap");
    if (!base) continue;
    const Offset first(static_cast<int64_t>(*base));
    auto swap = read_swap(*context_.planned, folder_ + "/" + name, first);
    if (!swap.ok()) continue;
    context_.steps->push_back({folder_ + "/" + name, "the compaction is finished", std::nullopt,
                               [context = context_, folder = folder_, swap = *swap] {
                                 return finish_swap(context.disk, folder, swap);
                               }});
    SLUICE_TRY(context_.planned->finish(folder_, *swap));
  }
  return ok();
}

// What is left of a compaction that cannot be read is put aside.
Status PartitionRepair::read_swaps(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    const auto base = parse_numbered(name, ".swap");
    if (!base) continue;
    for (const auto& other : names) {
      if (other != name && !other.ends_with(kCleaned)) continue;
      context_.steps->push_back({folder_ + "/" + other,
                                 "is moved aside (of a compaction that cannot be read)",
                                 std::nullopt, [context = context_, file = folder_ + "/" + other] {
                                   return context.move_aside(file);
                                 }});
    }
  }
  return ok();
}

Status PartitionRepair::read(const PartitionCheckpoint* known) {
  has_known_ = known != nullptr;
  if (known != nullptr) known_ = *known;
  known_.partition = partition_;
  SLUICE_ASSIGN(folder_there_, context_.planned->exists(folder_));
  std::vector<std::string> names;
  if (folder_there_) {
    SLUICE_ASSIGN(names, context_.planned->list(folder_));
  }
  std::map<Offset, std::set<std::string>> files;
  SLUICE_TRY(read_swaps(names));
  for (const auto& name : names) {
    for (const char* extension : kSegmentExtensions) {
      if (auto base = parse_numbered(name, extension)) {
        files[Offset(static_cast<int64_t>(*base))].insert(folder_ + "/" + name);
      }
    }
  }
  if (!has_known_) {
    known_.has_segments = !files.empty();
    if (files.empty()) return ok();
    known_.log_start = files.begin()->first;
    known_.active_base = files.rbegin()->first;
  }
  end_ = known_.log_start;
  bool first = true;
  for (auto at = files.begin(); at != files.end(); ++at) {
    const auto next = std::next(at);
    const Offset base = at->first;
    const bool beyond = has_known_ && (!known_.has_segments || base > known_.active_base);
    const bool active = has_known_ && known_.has_segments && base == known_.active_base;
    if (!beyond && !active && next != files.end() && next->first <= known_.log_start) continue;
    if (beyond) {
      segments_.push_back({base, {}, at->second, true, false, false, "newer than the checkpoint"});
      SLUICE_TRY(read_segment(base, Offset(INT64_MAX), UINT64_MAX, false));
      continue;
    }
    segments_.push_back({base, {}, at->second, false, false, false, ""});
    if (first) end_ = std::min(base, known_.log_start);
    first = false;
    const Offset end = active                ? known_.active.next_offset
                       : next != files.end() ? next->first
                                             : Offset(INT64_MAX);
    SLUICE_TRY(read_segment(base, end, active ? known_.active.size : UINT64_MAX, true));
  }
  if (has_known_ && known_.has_segments && end_ < known_.active.next_offset) {
    lose(end_, known_.active.next_offset, folder_, "these records are in no segment");
    end_ = known_.active.next_offset;
    active_damaged_ = true;
  }
  return ok();
}

// Batches whose CRC holds are collected first; then those stay whose offsets fit between their
// neighbours, or that the sidecar vouches for (the CRC does not cover offsets).
Status PartitionRepair::read_segment(Offset base, Offset end, uint64_t limit, bool vouched) {
  SegmentPlan& plan = segments_.back();
  const std::string stem = folder_ + "/" + numbered_name(static_cast<uint64_t>(base.value()), "");
  auto file = std::make_shared<const std::string>(stem + ".log");
  struct Found {
    BatchPlace place;
    model::BatchHeader header;
    bool after_damage = false;
  };
  std::vector<Found> found;
  std::string wrong;
  uint64_t bytes = 0;
  bool damaged = false;
  auto each = [&](const Piece& piece) -> Status {
    bytes = piece.position + piece.size;
    if (!piece.header) {
      damaged = true;
      if (wrong.empty()) wrong = "byte " + std::to_string(piece.position) + ": " + piece.wrong;
      return ok();
    }
    found.push_back({{file, piece.position, static_cast<uint32_t>(piece.size),
                      piece.header->base_offset, piece.header->last_offset()},
                     *piece.header,
                     damaged});
    damaged = false;
    return ok();
  };
  SLUICE_ASSIGN(const bool there, context_.planned->exists(*file));
  if (there) SLUICE_TRY(walk_segment(*context_.planned, *file, vouched ? limit : UINT64_MAX, each));
  auto sidecar = read_sidecar(*context_.planned, stem + ".check");
  size_t vouched_for = 0;
  bool cut_out = false;  // a batch was, since the last good one
  if (vouched && base > end_ && base > known_.log_start) {
    if (base > known_.holes_to)
      lose(end_, base, *file, "the segment before it is missing or ends early");
    end_ = base;
  }
  if (vouched && base > end_) end_ = base;
  Offset expected = vouched ? std::max(end_, base) : base;
  for (size_t i = 0; i < found.size(); ++i) {
    const auto& [place, header, after_damage] = found[i];
    const auto entry = sidecar.find(place.byte);
    const bool proven =
        entry != sidecar.end() &&
        entry->second.checksum == check_sum(partition_, place.base, place.last,
                                            static_cast<uint32_t>(place.byte), place.size,
                                            header.leader_epoch, header.crc);
    const Offset limit_offset = i + 1 < found.size() ? found[i + 1].place.base : end;
    if (place.base < expected || (!proven && place.last >= limit_offset) || place.last >= end) {
      cut_out = true;
      if (wrong.empty()) {
        wrong = "byte " + std::to_string(place.byte) + ": offset " +
                std::to_string(place.base.value()) + " does not fit between its neighbours";
      }
      continue;
    }
    if (proven) ++vouched_for;
    if (!vouched) {
      spare_.emplace(place.base, place);
      continue;
    }
    if (place.base > expected && (after_damage || cut_out || place.base >= known_.holes_to)) {
      lose(expected, place.base, *file, wrong.empty() ? "no batch holds them" : wrong);
    }
    plan.batches.push_back(place);
    expected = place.last + 1;
    cut_out = false;
  }
  if (!vouched) return ok();
  const bool tail_damaged = damaged || cut_out;
  const bool open_end = end == Offset(INT64_MAX);
  if (!open_end && expected < end && (tail_damaged || base >= known_.holes_to)) {
    lose(expected, end, *file, wrong.empty() ? "the segment ends before them" : wrong);
  }
  end_ = open_end ? expected : std::max(expected, end);
  const bool active = has_known_ && base == known_.active_base;
  plan.rewrite = !there || !wrong.empty() || vouched_for != plan.batches.size() ||
                 (!active && sidecar.size() != plan.batches.size()) ||
                 (active && (bytes < limit || sidecar.size() < known_.active.checks));
  if (plan.rewrite)
    plan.why = !wrong.empty() ? wrong : "the sidecar does not agree with the batches";
  if (plan.rewrite && plan.batches.empty()) plan.remove = true;
  if (active && plan.rewrite) active_damaged_ = true;
  // What lies behind the checkpoint's end may fill gaps of the commit log.
  if (active && there) {
    SLUICE_TRY(
        walk_segment(*context_.planned, *file, UINT64_MAX, [&](const Piece& piece) -> Status {
          if (piece.header && piece.position >= limit) {
            spare_.emplace(piece.header->base_offset,
                           BatchPlace{file, piece.position, static_cast<uint32_t>(piece.size),
                                      piece.header->base_offset, piece.header->last_offset()});
          }
          return ok();
        }));
  }
  return ok();
}

void PartitionRepair::lose(Offset first, Offset end, const std::string& file,
                           const std::string& why) {
  context_.steps->push_back(
      {file,
       "lost: " + range(first, end) + " of " + topic_ + "-" +
           std::to_string(partition_.partition.value()) + " (" + why + ")",
       LostOffsets{topic_, partition_.partition, first, Offset(end.value() - 1)},
       {}});
}

void PartitionRepair::take(const BatchPlace& batch) {
  added_.push_back(batch);
  end_ = batch.last + 1;
  known_.has_segments = true;
}

// With what was written to the segments but is not in the commit log any more.
void PartitionRepair::fill_gap(Offset to) {
  for (auto at = spare_.lower_bound(end_);
       at != spare_.end() && at->first == end_ && at->second.last < to;
       at = spare_.lower_bound(end_)) {
    take(at->second);
  }
}

void PartitionRepair::add_logged(const BatchPlace& batch) {
  if (batch.base < end_) return;
  fill_gap(batch.base);
  if (batch.base > end_)
    lose(end_, batch.base, *batch.file, "their part of the commit log is damaged");
  take(batch);
}

void PartitionRepair::add_step(const SegmentPlan& segment) {
  const std::string path =
      folder_ + "/" + numbered_name(static_cast<uint64_t>(segment.base.value()), ".log");
  if (segment.remove) {
    context_.steps->push_back({path, "is moved aside (" + segment.why + ")", std::nullopt,
                               [context = context_, files = segment.files]() -> Status {
                                 for (const auto& file : files)
                                   SLUICE_TRY(context.move_aside(file));
                                 return ok();
                               }});
    return;
  }
  context_.steps->push_back(
      {path,
       "is written anew with the " + std::to_string(segment.batches.size()) +
           " batches that are whole (" + segment.why + ")",
       std::nullopt, [context = context_, partition = partition_, folder = folder_, segment] {
         return write_segment(context, partition, folder, segment.base, segment.batches,
                              segment.files);
       }});
}

PartitionCheckpoint PartitionRepair::plan(bool rebuild) {
  if (rebuild) fill_gap(Offset(INT64_MAX));
  PartitionCheckpoint result = known_;
  result.lost.clear();
  if (!known_.has_segments) return result;
  if (!folder_there_) {
    context_.steps->push_back({folder_, "is made again, empty", std::nullopt,
                               [context = context_, folder = folder_]() -> Status {
                                 SLUICE_TRY(context.disk.create_directories(folder));
                                 return context.disk.sync_directory(
                                     topics_folder(context.directory));
                               }});
  }
  if (!known_.lost.empty()) {
    context_.steps->push_back({folder_,
                               "is brought back (" + known_.lost + "); appends go on at offset " +
                                   std::to_string(end_.value()),
                               std::nullopt,
                               {}});
  }
  // New segments first: they read from files that the steps below replace.
  const bool close_active = !added_.empty() || active_damaged_ || !has_known_ || !folder_there_;
  for (size_t first = 0; first < added_.size();) {
    SegmentPlan segment{added_[first].base,
                        {},
                        {},
                        false,
                        true,
                        false,
                        "from the commit log and from behind the checkpoint"};
    uint64_t bytes = 0;
    for (; first < added_.size() && bytes + added_[first].size <= kSegmentMax; ++first) {
      segment.batches.push_back(added_[first]);
      bytes += added_[first].size;
    }
    for (const auto& old : segments_) {
      if (old.base == segment.base) segment.files = old.files;
    }
    std::erase_if(segments_, [&](const auto& old) { return old.base == segment.base; });
    add_step(segment);
  }
  for (auto& segment : segments_) {
    const bool active = has_known_ && segment.base == known_.active_base;
    if (active && close_active) {  // it becomes a closed segment, which ends where its sidecar says
      segment.rewrite = true;
      segment.remove = segment.batches.empty();
      if (segment.why.empty()) segment.why = "closed at the checkpoint";
    }
    if (segment.beyond) segment.remove = close_active;
    if (segment.remove || segment.rewrite) {
      add_step(segment);
      result.holes_to = std::max(result.holes_to, end_);
    }
  }
  if (!close_active) return result;
  const bool empty =
      added_.empty() && std::all_of(segments_.begin(), segments_.end(), [](const auto& segment) {
        return segment.beyond || segment.batches.empty();
      });
  if (empty) result.log_start = end_;
  result.holes_to = std::max(result.holes_to, end_);
  result.active_base = end_;
  result.active = {};
  result.active.next_offset = end_;
  return result;
}

}  // namespace sluice::offline
