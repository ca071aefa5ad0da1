// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/outside.hpp"

#include <algorithm>
#include <charconv>

#include "runtime/record/value.hpp"

namespace sluice::sim {
namespace {

plugin::Outcome some_refusal(Outside& outside) {
  return {outside.happens(0.5) ? SLUICE_RETRIABLE : SLUICE_NOT_CONNECTED, "injected", 0, 0};
}

int64_t number_in(std::string_view text) {
  int64_t value = -1;
  const size_t digit = text.find_first_of("0123456789");
  if (digit != std::string_view::npos)
    std::from_chars(text.data() + digit, text.data() + text.size(), value);
  return value;
}

// A plugin's task is known to be alive from its creation to its destruction.
class Alive {
 public:
  Alive(Outside& outside, std::shared_ptr<Outside::Life> life)
      : outside_(outside), life_(std::move(life)) {
    for (const auto* other : outside_.lives) {
      if (other->abandoned) continue;
      if (other->id == life_->id) outside_.blame("two of task " + life_->id.to_string());
      for (const auto& origin : life_->reads)
        if (other->reads.contains(origin))
          outside_.blame(life_->id.to_string() + " starts to read " + origin + " while " +
                         other->id.to_string() + " still does");
    }
    outside_.lives.insert(life_.get());
  }
  ~Alive() { outside_.lives.erase(life_.get()); }
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;

 private:
  Outside& outside_;
  const std::shared_ptr<Outside::Life> life_;
};

class Source : public plugin::SourceTask {
 public:
  Source(Outside& outside, std::shared_ptr<Outside::Life> life,
         std::vector<std::pair<Origin*, int64_t>> origins)
      : outside_(outside), alive_(outside, std::move(life)), origins_(std::move(origins)) {
    for (const auto& [origin, position] : origins_) partitions_.push_back(origin->partition_json());
  }

  plugin::Outcome poll(const sluice_poll_limits&, plugin::Batch& batch,
                       std::vector<plugin::RecordFailure>&, uint32_t& idle_ms) override {
    if (outside_.happens(outside_.trouble.poll)) return some_refusal(outside_);
    const size_t first = outside_.random() % origins_.size();
    for (size_t i = 0; i < origins_.size(); ++i) {
      const size_t number = (first + i) % origins_.size();
      auto& [origin, position] = origins_[number];
      if (position >= origin->available) continue;
      if (position < origin->acknowledged)
        outside_.blame("the source read records of " + origin->topic + " that it had acknowledged");
      const int64_t count = std::min<int64_t>(origin->available - position,
                                              1 + static_cast<int64_t>(outside_.random() % 20));
      fill(batch, static_cast<uint32_t>(number), position, count);
      position += count;
      ends_.push_back({origin, position});
      return {};
    }
    idle_ms = 50;
    return {};
  }
  plugin::Outcome ack(uint64_t batch) override {
    for (; acknowledged_ < batch; ++acknowledged_) {
      auto [origin, position] = ends_.at(acknowledged_);
      origin->acknowledged = std::max(origin->acknowledged, position);
    }
    return {};
  }
  void stop() override {}
  std::string_view topic_name(uint32_t topic) const override {
    return origins_[topic].first->topic;
  }
  std::string_view partition_json(uint32_t partition) const override {
    return partitions_[partition];
  }

 private:
  struct Memory {
    std::vector<std::string> texts;
    std::vector<sluice_record> records;
    std::string key = "position";
    sluice_value pair[2];
    sluice_source_offset offset{};
  };

  static void fill(plugin::Batch& batch, uint32_t origin, int64_t position, int64_t count) {
    auto memory = std::make_unique<Memory>();
    for (int64_t i = 0; i < count; ++i) memory->texts.push_back(std::to_string(position + i));
    for (const std::string& text : memory->texts) {
      sluice_record record{};
      record.key = record::null_value();
      record.value = record::string_value(text);
      record.timestamp_ms = SLUICE_NO_TIMESTAMP;
      record.topic = origin;
      // Which partition follows from the number alone, so that each partition's content is known.
      record.partition = static_cast<int32_t>(number_in(text) % kPartitions);
      memory->records.push_back(record);
    }
    memory->pair[0] = record::string_value(memory->key);
    memory->pair[1] = record::int_value(position + count);
    memory->offset = {origin, static_cast<uint32_t>(count - 1),
                      record::items_value(SLUICE_MAP, memory->pair, 1)};
    sluice_batch* raw = batch.raw();
    raw->record_size = sizeof(sluice_record);
    raw->records = memory->records.data();
    raw->record_count = static_cast<uint32_t>(count);
    raw->offsets = &memory->offset;
    raw->offset_count = 1;
    raw->private_data = memory.release();
    raw->release = [](sluice_batch* b) {
      std::unique_ptr<Memory> owned(static_cast<Memory*>(b->private_data));
      b->release = nullptr;
    };
  }

  Outside& outside_;
  Alive alive_;
  std::vector<std::pair<Origin*, int64_t>> origins_;  // and where each goes on
  std::vector<std::string> partitions_;
  std::vector<std::pair<Origin*, int64_t>> ends_;  // by batch number
  uint64_t acknowledged_ = 0;                      // batches
};

class Sink : public plugin::SinkTask {
 public:
  Sink(Outside& outside, std::shared_ptr<Outside::Life> life)
      : outside_(outside), target_(outside.targets[life->id.connector]), alive_(outside, life) {}

  uint32_t intern_topic(const std::string& name) override {
    auto found = std::find(topics_.begin(), topics_.end(), name);
    if (found == topics_.end()) found = topics_.insert(topics_.end(), name);
    return static_cast<uint32_t>(found - topics_.begin());
  }

  plugin::Outcome open(std::vector<sluice_partition_offset>& partitions, int64_t epoch) override {
    for (auto& given : partitions)
      if (epoch < of(given).epoch) return fenced();
    epoch_ = epoch;
    for (auto& given : partitions) {
      auto& partition = of(given);
      partition.epoch = epoch;
      partition.pending.clear();
      if (target_.exactly_once) given.next_offset = partition.next_offset;
      partition.put_next = std::max<int64_t>(given.next_offset, 0);
    }
    return {};
  }

  plugin::Outcome put(plugin::Batch& batch, std::vector<plugin::RecordFailure>&) override {
    for (size_t i = 0; i < batch.size(); ++i)
      if (epoch_ < of(batch.record(i)).epoch) return fenced();
    if (outside_.happens(outside_.trouble.put)) return some_refusal(outside_);
    for (size_t i = 0; i < batch.size(); ++i) {
      const sluice_record& record = batch.record(i);
      auto& partition = of(record);
      partition.pending.push_back(number_in(record::text(record.value)));
      partition.put_next = record.offset + 1;
    }
    return {};
  }

  plugin::Outcome commit(std::vector<sluice_partition_offset>& partitions) override {
    for (auto& given : partitions)
      if (epoch_ < of(given).epoch) return fenced();
    if (outside_.happens(outside_.trouble.commit)) return some_refusal(outside_);
    if (target_.lies) return {};
    for (auto& given : partitions) {
      auto& partition = of(given);
      for (int64_t value : partition.pending) partition.values.push_back(value);
      partition.pending.clear();
      partition.next_offset = partition.put_next;
      partition.durable_next = std::max(partition.durable_next, partition.put_next);
      given.next_offset = std::min(given.next_offset, partition.put_next);
    }
    return {};
  }
  void close(const std::vector<sluice_partition_offset>& partitions, bool) override {
    for (const auto& given : partitions) {
      auto& partition = of(given);
      if (epoch_ == partition.epoch) partition.pending.clear();
    }
  }
  void stop() override {}

 private:
  template <class Place>  // a record, or a partition with its offset
  Target::Partition& of(const Place& place) {
    return target_.partitions[{topics_.at(place.topic), place.partition}];
  }
  static plugin::Outcome fenced() { return plugin::Outcome::failure(SLUICE_FENCED, "older epoch"); }

  Outside& outside_;
  Target& target_;
  Alive alive_;
  std::vector<std::string> topics_;
  int64_t epoch_ = 0;
};

}  // namespace

std::vector<const Outside::Life*> Outside::alive(const std::string& connector) const {
  std::vector<const Life*> found;
  for (const auto* life : lives)
    if (life->id.connector == connector && !life->abandoned) found.push_back(life);
  return found;
}

task::SourceFactory source_factory(Outside& outside, std::shared_ptr<Outside::Life> life,
                                   const std::vector<std::string>& origins) {
  life->reads = {origins.begin(), origins.end()};
  return [&outside, life, origins](plugin::InstanceServices& services,
                                   std::unique_ptr<plugin::SourceTask>& task) {
    if (outside.happens(outside.trouble.create))
      return plugin::Outcome::failure(SLUICE_FATAL, "injected at start");
    std::vector<std::pair<Origin*, int64_t>> positions;
    for (const auto& name : origins) {
      Origin& origin = outside.origins.at(name);
      auto stored = services.read_offset(origin.partition_json());
      if (!stored.ok()) return plugin::Outcome::failure(SLUICE_FATAL, stored.error().message);
      positions.emplace_back(&origin, *stored ? number_in(**stored) : 0);
    }
    task = std::make_unique<Source>(outside, life, std::move(positions));
    return plugin::Outcome();
  };
}

task::SinkFactory sink_factory(Outside& outside, std::shared_ptr<Outside::Life> life) {
  return [&outside, life](plugin::InstanceServices&, std::unique_ptr<plugin::SinkTask>& task) {
    if (outside.happens(outside.trouble.create))
      return plugin::Outcome::failure(SLUICE_FATAL, "injected at start");
    task = std::make_unique<Sink>(outside, life);
    return plugin::Outcome();
  };
}

}  // namespace sluice::sim
