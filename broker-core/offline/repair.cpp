// SPDX-License-Identifier: Apache-2.0
#include "broker-core/offline/repair.hpp"

#include <algorithm>
#include <ctime>

#include "broker-core/offline/commit_salvage.hpp"
#include "broker-core/storage/paths.hpp"
#include "broker-core/storage/references.hpp"

namespace sluice::offline {

using namespace storage;

namespace {

// "damaged-20261126-013000", in UTC.
std::string aside_name(TimestampMs now) {
  const std::time_t seconds = now.value() / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "damaged-%Y%m%d-%H%M%S", &parts);
  return text;
}

class Planner {
 public:
  Planner(Disk& disk, Random& random, const std::string& directory, RepairPlan& plan)
      : random_(random),
        plan_(plan),
        context_{disk, directory, plan.aside, &plan.steps, std::make_shared<PlannedDisk>(disk)} {}

  Status run(const Progress& progress) {
    SLUICE_ASSIGN(metadata_, check_metadata(context_.disk, context_.directory));
    for (const auto& folder :
         {topics_folder(context_.directory), commit_folder(context_.directory)}) {
      SLUICE_ASSIGN(const bool there, context_.disk.exists(folder));
      if (!there) {
        return Error{ErrorKind::kCorrupt,
                     folder + " is missing; restore the directory from a backup"};
      }
    }
    SLUICE_TRY(plan_metadata(context_, random_, metadata_));
    SLUICE_TRY(read_checkpoint_file());
    SLUICE_ASSIGN(auto damaged, find_damage(progress));
    while (true) {
      SLUICE_ASSIGN(const bool any, finish_compactions(damaged));
      if (!any) break;
      SLUICE_ASSIGN(damaged, find_damage(progress));
    }
    if (!rebuild_ && damaged.empty()) return ok();
    for (const auto& partition : damaged) {
      const std::string folder = folder_of(partition);
      if (folder.empty()) continue;
      auto [at, added] =
          repairs_.try_emplace(partition, context_, partition, name_of(partition), folder);
      auto known = known_.find(partition);
      SLUICE_TRY(
          at->second.read(known == known_.end() ? no_checkpoint(partition) : &known->second));
    }
    uint64_t next = replay_.sequence;
    if (rebuild_) SLUICE_TRY(read_commit_log(next));
    plan_checkpoint(next);
    return ok();
  }

 private:
  // What is damaged of partitions, as the disk is planned to be; sets rebuild_.
  Result<std::set<TopicPartition>> find_damage(const Progress& progress) {
    SLUICE_ASSIGN(auto findings, verify_directory(*context_.planned, context_.directory, progress));
    std::set<TopicPartition> damaged;
    rebuild_ = !have_checkpoint_;
    for (const auto& finding : findings) {
      if (finding.damage) note(finding, damaged);
    }
    if (!rebuild_ && !damaged.empty()) SLUICE_TRY(rebuild_if_referred_to(damaged));
    if (!rebuild_) return damaged;
    for (const auto& [partition, folder] : folders_) damaged.insert(partition);
    for (const auto& [partition, known] : known_) damaged.insert(partition);
    return damaged;
  }

  // They change which segments there are, so they come first, and all else is planned as if they
  // were done.
  Result<bool> finish_compactions(const std::set<TopicPartition>& damaged) {
    std::vector<RepairStep> steps;
    RepairContext context = context_;
    context.steps = &steps;
    for (const auto& partition : damaged) {
      const std::string folder = folder_of(partition);
      if (folder.empty()) continue;
      PartitionRepair repair(context, partition, name_of(partition), folder);
      SLUICE_TRY(repair.finish_compactions());
    }
    const bool any = !steps.empty();
    plan_.steps.insert(plan_.steps.begin(), std::make_move_iterator(steps.begin()),
                       std::make_move_iterator(steps.end()));
    return any;
  }

  Status read_checkpoint_file() {
    SLUICE_ASSIGN(auto names, context_.disk.list(topics_folder(context_.directory)));
    for (const auto& name : names) {
      if (auto partition = parse_partition_folder(name)) {
        folders_[*partition] = topics_folder(context_.directory) + "/" + name;
      }
    }
    auto read = read_checkpoint(context_.disk, context_.directory);
    if (!read.ok() && read.error().kind != ErrorKind::kCorrupt) return read.error();
    have_checkpoint_ = read.ok() && read->has_value();
    if (!have_checkpoint_) return ok();
    replay_ = (*read)->replay;
    for (const auto& partition : (*read)->partitions) known_[partition.partition] = partition;
    return ok();
  }

  // A partition that the checkpoint does not name has no segments that count; without a checkpoint
  // all that is there counts.
  const PartitionCheckpoint* no_checkpoint(const TopicPartition& partition) {
    if (!have_checkpoint_) return nullptr;
    auto& fresh = fresh_[partition];
    fresh.partition = partition;
    return &fresh;
  }

  void note(const Finding& finding, std::set<TopicPartition>& damaged) {
    if (finding.file.starts_with(commit_folder(context_.directory)) ||
        finding.file == checkpoint_path(context_.directory)) {
      rebuild_ = true;
    }
    for (const auto& [partition, folder] : folders_) {
      if (finding.file == folder || finding.file.starts_with(folder + "/"))
        damaged.insert(partition);
    }
    if (finding.file != topics_folder(context_.directory)) return;
    for (const auto& [partition, known] : known_) {  // a folder is missing
      if (known.has_segments && !folders_.contains(partition)) damaged.insert(partition);
    }
  }

  std::string name_of(const TopicPartition& partition) const {
    auto found = metadata_.topics.find(partition.topic);
    return found == metadata_.topics.end() ? "(topic id " + partition.topic.to_string() + ")"
                                           : found->second.name;
  }
  // Empty: the topic was deleted, a start removes what is left of it.
  std::string folder_of(const TopicPartition& partition) const {
    auto topic = metadata_.topics.find(partition.topic);
    if (topic == metadata_.topics.end()) return "";
    auto there = folders_.find(partition);
    if (there != folders_.end()) return there->second;
    return topics_folder(context_.directory) + "/" +
           partition_folder_name(topic->second.name, partition);
  }

  // What the commit log refers to stands in segments that a repair moves: then all goes to segments
  // and the commit log is given up.
  Status rebuild_if_referred_to(const std::set<TopicPartition>& damaged) {
    uint64_t next = 0;
    return salvage_commit_log(context_.disk, context_.directory, replay_.sequence, next,
                              [&](const FramePlace& place) -> Status {
                                for (const auto& entry : place.frame->entries)
                                  rebuild_ |=
                                      entry.by_reference && damaged.contains(entry.partition);
                                return ok();
                              });
  }

  static Status add_batches(ByteView data, const std::shared_ptr<const std::string>& file,
                            uint64_t byte, PartitionRepair& repair) {
    std::vector<BatchRef> batches;
    SLUICE_TRY(list_batches(data, batches));
    for (const auto& batch : batches) {
      repair.add_logged({file, byte + static_cast<uint64_t>(batch.bytes.data() - data.data()),
                         static_cast<uint32_t>(batch.bytes.size()), batch.base, batch.last});
    }
    return ok();
  }

  // Of what is damaged the whole batches are spare parts.
  static Status add_referred(const FrameEntry& entry, References& references,
                             PartitionRepair& repair) {
    ByteView data = entry.data;
    if (!entry.damage.empty()) return ok();
    for (const auto& piece : entry.pieces) {
      SLUICE_ASSIGN(auto path, references.path_of(entry.partition, piece));
      SLUICE_TRY(add_batches(data.first(piece.size), std::make_shared<const std::string>(*path),
                             piece.position, repair));
      data = data.subspan(piece.size);
    }
    return ok();
  }

  Status read_commit_log(uint64_t& next) {
    References references(*context_.planned, context_.directory);
    auto each = [&](const FramePlace& place) -> Status {
      auto file = std::make_shared<const std::string>(place.file);
      Frame frame = *place.frame;
      SLUICE_TRY(references.resolve(frame));
      for (const auto& entry : frame.entries) {
        if (folder_of(entry.partition).empty()) continue;
        auto found = repairs_.find(entry.partition);
        if (found == repairs_.end()) {
          found = repairs_
                      .try_emplace(entry.partition, context_, entry.partition,
                                   name_of(entry.partition), folder_of(entry.partition))
                      .first;
          SLUICE_TRY(found->second.read(no_checkpoint(entry.partition)));
        }
        if (entry.by_reference) {
          SLUICE_TRY(add_referred(entry, references, found->second));
        } else {
          const auto start = static_cast<uint64_t>(entry.data.data() - place.start);
          SLUICE_TRY(add_batches(entry.data, file, place.byte + start, found->second));
        }
      }
      return ok();
    };
    const uint64_t from = have_checkpoint_ ? replay_.sequence : 0;
    SLUICE_TRY(salvage_commit_log(context_.disk, context_.directory, from, next, each));
    return ok();
  }

  void plan_checkpoint(uint64_t next_sequence) {
    Checkpoint checkpoint;
    checkpoint.replay = replay_;
    if (rebuild_) {
      // All that counts of the commit log is in segments now; the next one begins behind whatever
      // sequence numbers there were.
      checkpoint.clean = true;
      checkpoint.replay = {next_sequence + 1'000'000, 0, 0};
    }
    for (const auto& [partition, known] : known_) {
      if (!repairs_.contains(partition)) checkpoint.partitions.push_back(known);
    }
    for (auto& [partition, repair] : repairs_)
      checkpoint.partitions.push_back(repair.plan(rebuild_));
    std::sort(checkpoint.partitions.begin(), checkpoint.partitions.end(),
              [](const auto& a, const auto& b) { return a.partition < b.partition; });
    context_.steps->push_back({checkpoint_path(context_.directory), "is written anew", std::nullopt,
                               [context = context_, checkpoint]() -> Status {
                                 SLUICE_TRY(context.keep(checkpoint_path(context.directory)));
                                 return write_checkpoint(context.disk, context.directory,
                                                         checkpoint);
                               }});
    if (!rebuild_) return;
    context_.steps->push_back({commit_folder(context_.directory),
                               "its files are moved aside: their records are in the segments",
                               std::nullopt, [context = context_]() -> Status {
                                 const std::string folder = commit_folder(context.directory);
                                 SLUICE_ASSIGN(auto names, context.disk.list(folder));
                                 for (const auto& name : names) {
                                   if (!parse_numbered(name, ".commit")) continue;
                                   SLUICE_TRY(context.move_aside(folder + "/" + name));
                                 }
                                 return ok();
                               }});
  }

  Random& random_;
  RepairPlan& plan_;
  RepairContext context_;
  MetadataCheck metadata_;
  bool have_checkpoint_ = false;
  bool rebuild_ = false;  // the commit log is taken apart, all partitions are looked at
  CommitPosition replay_;
  std::map<TopicPartition, std::string> folders_;
  std::map<TopicPartition, PartitionCheckpoint> known_;
  std::map<TopicPartition, PartitionCheckpoint> fresh_;
  std::map<TopicPartition, PartitionRepair> repairs_;
};

}  // namespace

Status RepairContext::keep(const std::string& path) const {
  SLUICE_ASSIGN(const bool there, disk.exists(path));
  if (!there) return ok();
  const std::string to = aside + path.substr(directory.size());
  SLUICE_TRY(disk.create_directories(parent_of(to)));
  SLUICE_ASSIGN(auto source, disk.open(path, OpenMode::kRead));
  SLUICE_ASSIGN(const uint64_t size, source->size());
  SLUICE_ASSIGN(auto target, disk.open(to, OpenMode::kOpenOrCreate));
  Bytes piece(1 << 20);
  for (uint64_t at = 0; at < size;) {
    SLUICE_ASSIGN(const size_t got, source->read_at(at, piece));
    if (got == 0) break;
    SLUICE_TRY(target->write_at(at, ByteView(piece).first(got)));
    at += got;
  }
  SLUICE_TRY(target->sync());
  return disk.sync_directory(parent_of(to));
}

Status RepairContext::move_aside(const std::string& path) const {
  SLUICE_ASSIGN(const bool there, disk.exists(path));
  if (!there) return ok();
  const std::string to = aside + path.substr(directory.size());
  SLUICE_TRY(disk.create_directories(parent_of(to)));
  SLUICE_TRY(disk.rename(path, to));
  SLUICE_TRY(disk.sync_directory(parent_of(to)));
  return disk.sync_directory(parent_of(path));
}

Result<RepairPlan> plan_repair(Disk& disk, Clock& clock, Random& random,
                               const std::string& directory, const Progress& progress) {
  RepairPlan plan;
  plan.aside = directory + "/" + aside_name(clock.now_ms());
  Planner planner(disk, random, directory, plan);
  SLUICE_TRY(planner.run(progress));
  return plan;
}

Status apply_repair(const RepairPlan& plan, const Progress& progress) {
  uint64_t done = 0;
  for (const auto& step : plan.steps) {
    if (progress) progress(done++, plan.steps.size());
    if (step.apply) SLUICE_TRY(step.apply());
  }
  if (progress) progress(done, plan.steps.size());
  return ok();
}

}  // namespace sluice::offline
