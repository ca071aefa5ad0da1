// SPDX-License-Identifier: Apache-2.0
#include "broker-core/model/record_batch.hpp"
#include "tests/sim/world.hpp"

namespace sluice::sim {

std::string text(const Error& error) {
  return std::string(to_string(error.kind)) + ": " + error.message;
}

// Records and their offset are one frame: the log holds exactly the records before the stored
// offset, each once, each partition in order.
std::string World::check_log(const Origin& origin, int64_t& in_log, int64_t& stored) {
  in_log = 0;
  for (int32_t p = 0; p < kPartitions; ++p) {
    const TopicPartitionName name{origin.topic, PartitionId(p)};
    int64_t expected = p;
    Offset next(0);
    for (;;) {
      auto fetched = process_->log->read(name, next, 1 << 20);
      if (!fetched.ok()) return name.to_string() + " cannot be read: " + text(fetched.error());
      ByteView rest(fetched->batches);
      if (rest.empty()) break;
      while (!rest.empty()) {
        auto reader = model::RecordReader::open(rest);
        if (!reader.ok()) return name.to_string() + ": " + text(reader.error());
        model::RecordView view;
        while (reader->next(view).value()) {
          const std::string value(as_text(*view.value));
          if (value != std::to_string(expected))
            return name.to_string() + " holds " + value + " where " + std::to_string(expected) +
                   " belongs";
          expected += kPartitions;
          ++in_log;
        }
        next = reader->header().next_offset();
        rest = rest.subspan(reader->header().size());
      }
    }
  }
  auto offset = process_->offsets->read(origin.connector, origin.partition_json());
  if (!offset.ok()) return "the stored offset cannot be read: " + text(offset.error());
  stored = *offset ? std::stoll((*offset)->substr((*offset)->find(':') + 1)) : 0;
  if (stored != in_log)
    return "the stored offset of " + origin.topic + " says " + std::to_string(stored) +
           ", the log holds " + std::to_string(in_log);
  return "";
}

std::string World::check_after_crash() {
  if (auto broken = people_->check_configs(*process_->configs); !broken.empty()) return broken;
  for (const auto& [topic, origin] : outside_.origins) {
    int64_t in_log = 0, stored = 0;
    if (auto broken = check_log(origin, in_log, stored); !broken.empty()) return broken;
    if (stored < origin.acknowledged)
      return topic + " was acknowledged up to " + std::to_string(origin.acknowledged) +
             ", but stored is " + std::to_string(stored);
  }
  for (auto& [connector, target] : outside_.targets) {
    auto committed = process_->log->group_offsets("connect-" + connector);
    if (!committed.ok()) return "the group's offsets cannot be read: " + text(committed.error());
    for (const auto& offset : *committed) {
      const auto& partition =
          target.partitions[{offset.partition.topic, offset.partition.partition.value()}];
      if (offset.next.value() > partition.durable_next)
        return connector + ": group offset " + std::to_string(offset.next.value()) + " of " +
               offset.partition.to_string() + " is ahead of the target, which has " +
               std::to_string(partition.durable_next);
    }
  }
  return "";
}

// Each partition's values come in order; only an at-least-once target may step back, and never over
// a gap.
std::string World::check_targets(bool complete) const {
  for (const auto& [connector, target] : outside_.targets) {
    for (const auto& [name, partition] : target.partitions) {
      int64_t reached = name.second - kPartitions;
      const std::string where = connector + ", " + name.first + "-" + std::to_string(name.second);
      for (int64_t value : partition.values) {
        if (value > reached + kPartitions)
          return where + ": " + std::to_string(value) + " follows " + std::to_string(reached);
        if (value <= reached && target.exactly_once)
          return where + ": " + std::to_string(value) + " came twice";
        reached = std::max(reached, value);
      }
      if (complete && reached + kPartitions < outside_.origins.at(name.first).total)
        return where + " ends with " + std::to_string(reached) + " of " +
               std::to_string(outside_.origins.at(name.first).total) + ", at offset " +
               std::to_string(partition.durable_next);
    }
    if (complete && target.partitions.size() != outside_.origins.size() * kPartitions)
      return "a partition never reached " + connector;
  }
  return "";
}

bool World::all_arrived() const {
  int64_t total = 0;
  for (const auto& [topic, origin] : outside_.origins) {
    if (origin.acknowledged < origin.total) return false;
    total += origin.total;
  }
  for (const auto& [connector, target] : outside_.targets) {
    int64_t durable = 0;
    for (const auto& [name, partition] : target.partitions) durable += partition.durable_next;
    if (durable < total) return false;
  }
  return true;
}

std::string World::check_states() {
  if (people_->waiting()) return "a request was never answered";
  if (auto broken = people_->check_configs(*process_->configs); !broken.empty()) return broken;
  return people_->check_states(*process_->plane, *process_->statuses,
                               [this](const std::string& connector) {
                                 std::vector<int> tasks;
                                 for (const auto* life : outside_.alive(connector))
                                   tasks.push_back(life->id.task);
                                 return tasks;
                               });
}

}  // namespace sluice::sim
