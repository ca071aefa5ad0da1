// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "broker-core/storage/commit_reader.hpp"
#include "broker-core/storage/paths.hpp"
#include "broker-core/storage/segment.hpp"
#include "broker-core/storage/swap_file.hpp"
#include "broker-core/storage/verify_segment.hpp"

namespace sluice::storage {
namespace {

// One walk over a stopped directory. Lives for one call of verify_directory.
class Verifier {
 public:
  Verifier(Disk& disk, const std::string& directory, const std::function<void(uint64_t, uint64_t)>& progress)
      : disk_(disk), directory_(directory), progress_(progress) {}

  Result<std::vector<Finding>> run() {
    if (!read_checkpoint_file()) return std::move(findings_);
    SLUICE_TRY(measure());
    SLUICE_TRY(verify_commit_log());
    for (const auto& [partition, folder] : folders_) SLUICE_TRY(verify_partition(partition, folder));
    for (const auto& known : checkpoint_.partitions) {
      if (known.has_segments && !folders_.contains(known.partition)) {
        damage(topics_folder(directory_), 0, std::nullopt,
               "the folder of partition " + std::to_string(known.partition.partition.value()) + " of topic id " +
                   known.partition.topic.to_string() + " is missing");
      }
    }
    report(total_);  // what was passed over counts as done
    return std::move(findings_);
  }

 private:
  void damage(const std::string& file, uint64_t byte, std::optional<Offset> offset, const std::string& text) {
    findings_.push_back({true, file, byte, offset, text});
  }
  void remark(const std::string& file, uint64_t byte, std::optional<Offset> offset, const std::string& text) {
    findings_.push_back({false, file, byte, offset, text});
  }
  void report(uint64_t more) {
    done_ = std::min(total_, done_ + more);
    if (progress_) progress_(done_, total_);
  }

  bool read_checkpoint_file() {
    auto read = read_checkpoint(disk_, directory_);
    if (!read.ok()) {
      damage(checkpoint_path(directory_), 0, std::nullopt, read.error().message);
      return false;
    }
    if (!*read) {
      damage(checkpoint_path(directory_), 0, std::nullopt, "there is no checkpoint: not a data directory, or damaged");
      return false;
    }
    checkpoint_ = std::move(**read);
    for (const auto& partition : checkpoint_.partitions) known_[partition.partition] = &partition;
    return true;
  }

  Result<uint64_t> size_of(const std::string& path) {
    auto file = disk_.open(path, OpenMode::kRead);
    if (!file.ok()) return std::move(file).error();
    return (*file)->size();
  }

  Status measure() {
    SLUICE_ASSIGN(auto names, disk_.list(topics_folder(directory_)));
    for (const auto& name : names) {
      const std::string folder = topics_folder(directory_) + "/" + name;
      auto partition = parse_partition_folder(name);
      if (!partition) {
        remark(folder, 0, std::nullopt, "not a partition's folder");
        continue;
      }
      folders_[*partition] = folder;
      SLUICE_ASSIGN(auto files, disk_.list(folder));
      for (const auto& file : files) {
        if (!parse_numbered(file, ".log")) continue;
        SLUICE_ASSIGN(uint64_t size, size_of(folder + "/" + file));
        total_ += size;
      }
    }
    SLUICE_ASSIGN(auto commits, disk_.list(commit_folder(directory_)));
    for (const auto& name : commits) {
      if (!parse_numbered(name, ".commit")) continue;
      SLUICE_ASSIGN(uint64_t size, size_of(commit_folder(directory_) + "/" + name));
      commit_bytes_ += size;
    }
    total_ += commit_bytes_;
    report(0);
    return ok();
  }

  Status verify_commit_log() {
    auto each = [&](const Frame& frame, const std::string& file, uint64_t byte) -> Status {
      for (const auto& entry : frame.entries) verify_frame_entry(entry, file, byte);
      return ok();
    };
    auto scan = scan_commit_log(disk_, directory_, checkpoint_.replay, each);
    if (!scan.ok()) {
      if (scan.error().kind != ErrorKind::kCorrupt) return scan.error();
      findings_.push_back(finding_of(scan.error(), commit_folder(directory_)));
    } else if (scan->torn_bytes > 0) {
      remark(scan->torn_file, scan->torn_byte, std::nullopt,
             std::to_string(scan->torn_bytes) + " bytes of an unfinished round, never acknowledged; the next start "
             "cuts them");
    }
    report(commit_bytes_);
    return ok();
  }

  void verify_frame_entry(const FrameEntry& entry, const std::string& file, uint64_t byte) {
    auto [place, added] = ends_.try_emplace(entry.partition);
    if (added) {
      auto known = known_.find(entry.partition);
      if (known != known_.end() && known->second->has_segments) place->second = known->second->active.next_offset;
    }
    if (!entry.damage.empty()) {
      // Nothing is damaged if the folder went with its topic; if it did not, the checkpoint misses it.
      if (folders_.contains(entry.partition)) {
        findings_.push_back(finding_of({ErrorKind::kCorrupt, entry.damage}, folders_[entry.partition]));
      }
      place->second = Offset(INT64_MAX);  // what follows cannot be judged
      return;
    }
    if (place->second == Offset(INT64_MAX)) return;
    if (entry.base_offset != place->second) {
      damage(file, byte, entry.base_offset,
             "the commit log goes on at this offset, the partition ends at " + std::to_string(place->second.value()));
    }
    std::vector<BatchRef> batches;
    auto listed = list_batches(entry.data, batches);
    if (!listed.ok()) damage(file, byte, entry.base_offset, listed.error().message);
    for (const auto& batch : batches) {
      if (auto crc = model::verify_batch_crc(batch.bytes); !crc.ok()) {
        damage(file, byte, batch.base, crc.error().message);
      }
      place->second = batch.last + 1;
    }
  }

  Status verify_partition(const TopicPartition& partition, const std::string& folder) {
    auto found = known_.find(partition);
    const PartitionCheckpoint* known = found == known_.end() ? nullptr : found->second;
    SLUICE_ASSIGN(auto names, disk_.list(folder));
    std::vector<Offset> bases;
    std::set<Offset> swapped;   // what a compaction that was cut short puts in place at the next start
    std::set<Offset> replaced;  // and what it removes then
    for (const auto& name : names) {
      if (auto base = parse_numbered(name, ".swap")) {
        const Offset first(static_cast<int64_t>(*base));
        auto swap = read_swap(disk_, folder + "/" + name, first);
        if (!swap.ok()) {
          damage(folder + "/" + name, 0, first, swap.error().message);
          continue;
        }
        if (!swap->empty) swapped.insert(first);
        replaced.insert(swap->replaced.begin(), swap->replaced.end());
      } else if (!is_known_name(name)) {
        remark(folder + "/" + name, 0, std::nullopt, "this file belongs to no segment");
      }
    }
    for (const auto& name : names) {
      if (auto base = parse_numbered(name, ".log")) bases.emplace_back(static_cast<int64_t>(*base));
    }
    for (Offset base : swapped) bases.push_back(base);
    std::sort(bases.begin(), bases.end());
    bases.erase(std::unique(bases.begin(), bases.end()), bases.end());
    std::erase_if(bases, [&](Offset base) { return replaced.contains(base) && !swapped.contains(base); });
    if (known == nullptr || !known->has_segments) {
      if (!bases.empty()) {
        remark(folder, 0, std::nullopt, "segments newer than the checkpoint; the next start redoes them");
      }
      return ok();
    }
    if (!known->lost.empty()) damage(folder, 0, std::nullopt, known->lost);
    bool active_seen = false;
    std::optional<Offset> expected;
    for (size_t i = 0; i < bases.size(); ++i) {
      const Offset base = bases[i];
      if (base > known->active_base) {
        remark(segment_path(folder, base), 0, base, "newer than the checkpoint; the next start redoes it");
        continue;
      }
      if (i + 1 < bases.size() && bases[i + 1] <= known->log_start && base != known->active_base) continue;
      if (expected && base < *expected && std::ranges::binary_search(bases, *expected)) {
        remark(segment_path(folder, base), 0, base,
               "left over from a start that was cut short; the next one removes it");
        continue;
      }
      if (expected && *expected != base && base > known->holes_to) {
        damage(segment_path(folder, base), 0, expected,
               "the segment before ends at offset " + std::to_string(expected->value()));
      } else if (!expected && base > known->log_start && known->holes_to <= known->log_start) {
        damage(folder, 0, known->log_start, "no segment holds the log start");
      }
      SegmentCheck check{disk_, partition, folder, base, base == known->active_base ? &known->active : nullptr,
                         [this](uint64_t bytes) { report(bytes); }, findings_};
      if (swapped.contains(base)) check.prefer_cleaned();
      SLUICE_ASSIGN(expected, check.run());
      active_seen = active_seen || base == known->active_base;
    }
    if (!active_seen && known->active.size > 0) {
      damage(segment_path(folder, known->active_base), 0, known->active_base, "the active segment is missing");
    }
    return ok();
  }

  static bool is_known_name(std::string_view name) {
    if (name.ends_with(kCleaned)) name.remove_suffix(std::string_view(kCleaned).size());
    if (name.ends_with(".tmp")) return true;  // of a write that was cut short; worthless
    for (const char* extension : kSegmentExtensions) {
      if (parse_numbered(name, extension)) return true;
    }
    return false;
  }

  static std::string segment_path(const std::string& folder, Offset base) {
    return folder + "/" + numbered_name(static_cast<uint64_t>(base.value()), ".log");
  }

  Disk& disk_;
  const std::string& directory_;
  const std::function<void(uint64_t, uint64_t)>& progress_;
  std::vector<Finding> findings_;
  Checkpoint checkpoint_;
  std::map<TopicPartition, const PartitionCheckpoint*> known_;
  std::map<TopicPartition, std::string> folders_;
  std::map<TopicPartition, Offset> ends_;
  uint64_t commit_bytes_ = 0;
  uint64_t done_ = 0;
  uint64_t total_ = 0;
};

}  // namespace

Finding finding_of(const Error& error, const std::string& file) {
  for (std::string_view mark : {", byte ", ": byte "}) {
    const size_t at = error.message.find(mark);
    if (at == std::string::npos) continue;
    Finding finding{true, error.message.substr(0, at), 0, std::nullopt, ""};
    const char* from = error.message.data() + at + mark.size();
    const char* to = error.message.data() + error.message.size();
    auto [end, code] = std::from_chars(from, to, finding.byte);
    if (code != std::errc() || to - end < 2 || *end != ':') continue;
    finding.text = std::string(end + 2, to);
    return finding;
  }
  return {true, file, 0, std::nullopt, error.message};
}

Result<std::vector<Finding>> verify_directory(Disk& disk, const std::string& directory,
                                              const std::function<void(uint64_t, uint64_t)>& progress) {
  return Verifier(disk, directory, progress).run();
}

}  // namespace sluice::storage
