// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "runtime/plugin/connector.hpp"
#include "runtime/record/value.hpp"
#include "runtime/task/task_runner.hpp"
#include "tests/support/seeded_random.hpp"

// Plugin tasks and the worker's side of a task, as tests script and observe them. One thread.
namespace sluice::testing {

struct FakeRecord {
  std::string value;
  std::optional<std::string> key = {};
  int32_t partition = SLUICE_ANY_PARTITION;
  uint32_t topic = 0;
  bool convertible = true;  // false: an integer, which ByteArrayConverter refuses
  std::string fault = {};   // what the plugin reports of it
};

// A batch that owns what it points to and counts its releases.
inline plugin::Batch make_batch(std::vector<FakeRecord> content, int64_t position,
                                int* alive = nullptr) {
  struct Memory {
    std::vector<FakeRecord> content;
    std::vector<sluice_record> records;
    sluice_value pair[2];
    std::string position_key = "position";
    sluice_source_offset offset{};
    int* alive = nullptr;
  };
  auto memory = std::make_unique<Memory>();
  memory->content = std::move(content);
  memory->alive = alive;
  if (alive) ++*alive;
  for (const FakeRecord& fake : memory->content) {
    sluice_record record{};
    record.value = fake.convertible ? record::bytes_value(fake.value) : record::int_value(7);
    record.key = fake.key ? record::string_value(*fake.key) : record::null_value();
    record.timestamp_ms = SLUICE_NO_TIMESTAMP;
    record.topic = fake.topic;
    record.partition = fake.partition;
    memory->records.push_back(record);
  }
  plugin::Batch batch;
  sluice_batch* raw = batch.raw();
  raw->record_size = sizeof(sluice_record);
  raw->records = memory->records.data();
  raw->record_count = static_cast<uint32_t>(memory->records.size());
  if (position >= 0) {
    memory->pair[0] = record::string_value(memory->position_key);
    memory->pair[1] = record::int_value(position);
    memory->offset.partition = 0;
    memory->offset.last_record = raw->record_count ? raw->record_count - 1 : 0;
    memory->offset.offset = record::items_value(SLUICE_MAP, memory->pair, 1);
    raw->offsets = &memory->offset;
    raw->offset_count = 1;
  }
  raw->private_data = memory.release();
  raw->release = [](sluice_batch* b) {
    std::unique_ptr<Memory> owned(static_cast<Memory*>(b->private_data));
    if (owned->alive) --*owned->alive;
    b->release = nullptr;
  };
  return batch;
}

struct FakeSource {
  struct Answer {
    plugin::Outcome outcome;
    std::vector<FakeRecord> records;
    int64_t position = -1;
    uint32_t idle_ms = 0;
  };
  std::deque<Answer> answers;  // then: nothing new
  std::vector<uint64_t> acks;
  std::vector<std::string> topics{"lines"};
  plugin::Outcome ack_outcome;
  int polls = 0, stops = 0, made = 0, destroyed = 0, batches_alive = 0;
  sluice_poll_limits last_limits{};
  plugin::InstanceServices* services = nullptr;

  void records(std::vector<std::string> values, int64_t position) {
    Answer answer;
    for (auto& value : values) answer.records.push_back({std::move(value), {}});
    answer.position = position;
    answers.push_back(std::move(answer));
  }
  void fails(sluice_status status, const std::string& text, uint32_t retry_after_ms = 0) {
    Answer answer;
    answer.outcome = {status, text, retry_after_ms, 0};
    answers.push_back(std::move(answer));
  }
  task::SourceFactory factory() {
    return [this](plugin::InstanceServices& given, std::unique_ptr<plugin::SourceTask>& task) {
      services = &given;
      ++made;
      task = std::make_unique<Task>(*this);
      return plugin::Outcome();
    };
  }

 private:
  class Task : public plugin::SourceTask {
   public:
    explicit Task(FakeSource& script) : script_(script) {}
    ~Task() override { ++script_.destroyed; }
    plugin::Outcome poll(const sluice_poll_limits& limits, plugin::Batch& batch,
                         std::vector<plugin::RecordFailure>& failures, uint32_t& idle_ms) override {
      ++script_.polls;
      script_.last_limits = limits;
      if (script_.answers.empty()) {
        idle_ms = 1000;
        return {};
      }
      Answer answer = std::move(script_.answers.front());
      script_.answers.pop_front();
      idle_ms = answer.idle_ms;
      for (uint32_t i = 0; i < answer.records.size(); ++i)
        if (const std::string& fault = answer.records[i].fault; !fault.empty())
          failures.push_back({i, plugin::Outcome::failure(SLUICE_RECORD_ERROR, fault)});
      if (answer.outcome.ok() && (!answer.records.empty() || answer.position >= 0))
        batch = make_batch(std::move(answer.records), answer.position, &script_.batches_alive);
      return answer.outcome;
    }
    plugin::Outcome ack(uint64_t batch) override {
      script_.acks.push_back(batch);
      return script_.ack_outcome;
    }
    void stop() override { ++script_.stops; }
    std::string_view topic_name(uint32_t topic) const override {
      return topic < script_.topics.size() ? std::string_view(script_.topics[topic])
                                           : std::string_view();
    }
    std::string_view partition_json(uint32_t) const override { return R"({"filename":"/a"})"; }

   private:
    FakeSource& script_;
  };
};

struct FakeSink {
  std::deque<plugin::Outcome> put_outcomes, commit_outcomes, heartbeat_outcomes;  // then: OK
  std::vector<plugin::RecordFailure> put_failures;                                // of the next put
  std::vector<std::pair<int64_t, std::string>> taken;                             // offset, value
  std::vector<std::string> calls;
  std::map<std::string, int64_t> open_at;  // "topic-partition" -> position of the target
  std::function<void(std::vector<sluice_partition_offset>&)> on_commit;
  std::vector<std::string> topics;
  int stops = 0, destroyed = 0, empty_puts = 0;
  int64_t epoch = 0;
  bool keep_batches = false;
  std::vector<plugin::Batch> kept;
  plugin::InstanceServices* services = nullptr;

  task::SinkFactory factory() {
    return [this](plugin::InstanceServices& given, std::unique_ptr<plugin::SinkTask>& task) {
      services = &given;
      task = std::make_unique<Task>(*this);
      return plugin::Outcome();
    };
  }

 private:
  class Task : public plugin::SinkTask {
   public:
    explicit Task(FakeSink& script) : script_(script) {}
    ~Task() override { ++script_.destroyed; }
    uint32_t intern_topic(const std::string& name) override {
      for (uint32_t i = 0; i < script_.topics.size(); ++i)
        if (script_.topics[i] == name) return i;
      script_.topics.push_back(name);
      return static_cast<uint32_t>(script_.topics.size() - 1);
    }
    plugin::Outcome open(std::vector<sluice_partition_offset>& partitions, int64_t epoch) override {
      script_.epoch = epoch;
      script_.calls.push_back("open" + describe(partitions));
      for (auto& partition : partitions) {
        auto found = script_.open_at.find(name(partition));
        if (found != script_.open_at.end()) partition.next_offset = found->second;
      }
      return {};
    }
    plugin::Outcome put(plugin::Batch& batch,
                        std::vector<plugin::RecordFailure>& failures) override {
      if (batch.size() == 0) {
        ++script_.empty_puts;
        return next(script_.heartbeat_outcomes);
      }
      script_.calls.push_back("put");
      plugin::Outcome outcome = next(script_.put_outcomes);
      if (!outcome.ok()) return outcome;
      failures = std::move(script_.put_failures);
      script_.put_failures.clear();
      for (size_t i = 0; i < batch.size(); ++i) {
        const sluice_record& record = batch.record(i);
        bool failed = false;
        for (auto& failure : failures) failed = failed || failure.index == i;
        if (!failed)
          script_.taken.emplace_back(record.offset, std::string(record::text(record.value)));
      }
      if (script_.keep_batches) script_.kept.push_back(std::move(batch));
      return {};
    }
    plugin::Outcome commit(std::vector<sluice_partition_offset>& partitions) override {
      script_.calls.push_back("commit" + describe(partitions));
      plugin::Outcome outcome = next(script_.commit_outcomes);
      if (outcome.ok() && script_.on_commit) script_.on_commit(partitions);
      return outcome;
    }
    void close(const std::vector<sluice_partition_offset>& partitions, bool lost) override {
      script_.calls.push_back((lost ? "lost" : "close") + describe(partitions));
    }
    void stop() override { ++script_.stops; }

   private:
    static plugin::Outcome next(std::deque<plugin::Outcome>& outcomes) {
      if (outcomes.empty()) return {};
      plugin::Outcome outcome = std::move(outcomes.front());
      outcomes.pop_front();
      return outcome;
    }
    std::string name(const sluice_partition_offset& partition) const {
      return script_.topics.at(partition.topic) + "-" + std::to_string(partition.partition);
    }
    std::string describe(const std::vector<sluice_partition_offset>& partitions) const {
      std::string text;
      for (const auto& p : partitions) text += " " + name(p) + "@" + std::to_string(p.next_offset);
      return text;
    }
    FakeSink& script_;
  };
};

struct FakeListener : task::TaskListener {
  struct StateChange {
    task::TaskState state;
    std::string trace;
    bool restartable;
  };
  std::vector<StateChange> states;
  std::vector<std::string> events, topics;
  int reconfigurations = 0;
  void on_state(const task::TaskId&, task::TaskState state, const std::string& trace,
                bool restartable) override {
    states.push_back({state, trace, restartable});
  }
  void on_event(const task::TaskId&, const std::string& kind, const std::string&) override {
    events.push_back(kind);
  }
  void on_topic(const task::TaskId&, const std::string& topic) override { topics.push_back(topic); }
  void on_reconfiguration_requested(const task::TaskId&) override { ++reconfigurations; }
};

}  // namespace sluice::testing
