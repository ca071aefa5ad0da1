// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/outside.hpp"

#include <charconv>

#include "runtime/record/value.hpp"

namespace sluice::sim {
namespace {

bool happens(std::mt19937_64& random, double probability) {
  return std::uniform_real_distribution<double>(0, 1)(random) < probability;
}

plugin::Outcome some_refusal(std::mt19937_64& random) {
  return {happens(random, 0.5) ? SLUICE_RETRIABLE : SLUICE_NOT_CONNECTED, "injected", 0, 0};
}

int64_t number_in(std::string_view text) {
  int64_t value = -1;
  const size_t digit = text.find_first_of("0123456789");
  if (digit != std::string_view::npos)
    std::from_chars(text.data() + digit, text.data() + text.size(), value);
  return value;
}

class Source : public plugin::SourceTask {
 public:
  Source(Origin& origin, const Trouble& trouble, std::mt19937_64& random, int64_t position)
      : origin_(origin), trouble_(trouble), random_(random), position_(position) {}

  plugin::Outcome poll(const sluice_poll_limits&, plugin::Batch& batch,
                       uint32_t& idle_ms) override {
    if (happens(random_, trouble_.poll)) return some_refusal(random_);
    if (position_ >= origin_.available) {
      idle_ms = 50;
      return {};
    }
    if (position_ < origin_.acknowledged) origin_.read_too_early = true;
    const int64_t count =
        std::min<int64_t>(origin_.available - position_, 1 + static_cast<int64_t>(random_() % 20));
    fill(batch, count);
    position_ += count;
    ends_.push_back(position_);
    return {};
  }
  plugin::Outcome ack(uint64_t batch) override {
    origin_.acknowledged = std::max(origin_.acknowledged, ends_.at(batch - 1));
    return {};
  }
  void stop() override {}
  std::string_view topic_name(uint32_t) const override { return "numbers"; }
  std::string_view partition_json(uint32_t) const override { return R"({"origin":"numbers"})"; }

 private:
  struct Memory {
    std::vector<std::string> texts;
    std::vector<sluice_record> records;
    std::string key = "position";
    sluice_value pair[2];
    sluice_source_offset offset{};
  };

  void fill(plugin::Batch& batch, int64_t count) {
    auto memory = std::make_unique<Memory>();
    for (int64_t i = 0; i < count; ++i) memory->texts.push_back(std::to_string(position_ + i));
    for (const std::string& text : memory->texts) {
      sluice_record record{};
      record.key = record::null_value();
      record.value = record::string_value(text);
      record.timestamp_ms = SLUICE_NO_TIMESTAMP;
      // Which partition follows from the number alone, so that each partition's content is known.
      record.partition = static_cast<int32_t>(number_in(text) % 3);
      memory->records.push_back(record);
    }
    memory->pair[0] = record::string_value(memory->key);
    memory->pair[1] = record::int_value(position_ + count);
    memory->offset = {0, static_cast<uint32_t>(count - 1),
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

  Origin& origin_;
  const Trouble& trouble_;
  std::mt19937_64& random_;
  int64_t position_;
  std::vector<int64_t> ends_;  // by batch number
};

class Sink : public plugin::SinkTask {
 public:
  Sink(Target& target, const Trouble& trouble, std::mt19937_64& random)
      : target_(target), trouble_(trouble), random_(random) {}

  uint32_t intern_topic(const std::string&) override { return 0; }

  plugin::Outcome open(std::vector<sluice_partition_offset>& partitions, int64_t epoch) override {
    for (auto& given : partitions)
      if (epoch < target_.partitions[given.partition].epoch) return fenced();
    epoch_ = epoch;
    for (auto& given : partitions) {
      auto& partition = target_.partitions[given.partition];
      partition.epoch = epoch;
      partition.pending.clear();
      if (target_.exactly_once) given.next_offset = partition.next_offset;
      partition.put_next = std::max<int64_t>(given.next_offset, 0);
    }
    return {};
  }

  plugin::Outcome put(plugin::Batch& batch, std::vector<plugin::RecordFailure>&) override {
    for (size_t i = 0; i < batch.size(); ++i)
      if (epoch_ < target_.partitions[batch.record(i).partition].epoch) return fenced();
    if (happens(random_, trouble_.put)) return some_refusal(random_);
    for (size_t i = 0; i < batch.size(); ++i) {
      const sluice_record& record = batch.record(i);
      auto& partition = target_.partitions[record.partition];
      partition.pending.push_back(number_in(record::text(record.value)));
      partition.put_next = record.offset + 1;
    }
    return {};
  }

  plugin::Outcome commit(std::vector<sluice_partition_offset>& partitions) override {
    for (auto& given : partitions)
      if (epoch_ < target_.partitions[given.partition].epoch) return fenced();
    if (happens(random_, trouble_.commit)) return some_refusal(random_);
    if (target_.lies) return {};
    for (auto& given : partitions) {
      auto& partition = target_.partitions[given.partition];
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
      auto& partition = target_.partitions[given.partition];
      if (epoch_ == partition.epoch) partition.pending.clear();
    }
  }
  void stop() override {}

 private:
  static plugin::Outcome fenced() { return plugin::Outcome::failure(SLUICE_FENCED, "older epoch"); }
  Target& target_;
  const Trouble& trouble_;
  std::mt19937_64& random_;
  int64_t epoch_ = 0;
};

}  // namespace

task::SourceFactory source_factory(Origin& origin, const Trouble& trouble,
                                   std::mt19937_64& random) {
  return [&](plugin::InstanceServices& services, std::unique_ptr<plugin::SourceTask>& task) {
    if (happens(random, trouble.create))
      return plugin::Outcome::failure(SLUICE_FATAL, "injected at start");
    auto stored = services.read_offset(R"({"origin":"numbers"})");
    if (!stored.ok()) return plugin::Outcome::failure(SLUICE_FATAL, stored.error().message);
    const int64_t position = *stored ? number_in(**stored) : 0;
    task = std::make_unique<Source>(origin, trouble, random, position);
    return plugin::Outcome();
  };
}

task::SinkFactory sink_factory(Target& target, const Trouble& trouble, std::mt19937_64& random) {
  return [&](plugin::InstanceServices&, std::unique_ptr<plugin::SinkTask>& task) {
    if (happens(random, trouble.create))
      return plugin::Outcome::failure(SLUICE_FATAL, "injected at start");
    task = std::make_unique<Sink>(target, trouble, random);
    return plugin::Outcome();
  };
}

}  // namespace sluice::sim
