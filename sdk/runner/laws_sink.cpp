// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "laws.hpp"

namespace sluice::runner {

using testkit::FakeHost;
using testkit::Input;
using testkit::Outcome;
using testkit::SinkDriver;

namespace {

constexpr const char* kTopic = "conformance";
constexpr int kBatches = 4;
constexpr int kRecords = 10;
constexpr int kRetries = 20;

using Offsets = std::vector<sluice_partition_offset>;

const sluice_sink_api* api_of(const Subject& subject) {
  return static_cast<const sluice_sink_api*>(subject.cls.api);
}

bool again(const Outcome& outcome) {
  return outcome.status == SLUICE_RETRIABLE || outcome.status == SLUICE_NOT_CONNECTED;
}

std::string told(const char* call, const Outcome& outcome) {
  return std::string(call) + " answered " + testkit::status_name(outcome.status) + ": " + outcome.text;
}

// Puts until the sink takes the batch, fails, or has asked too often.
Outcome put(SinkDriver& sink, const std::vector<Input>& records, Verdict& verdict) {
  Outcome outcome = sink.put(records);
  for (int i = 0; i < kRetries && again(outcome); ++i) {
    sink.context().wait_for_wake(std::chrono::milliseconds(20));
    outcome = sink.put(records);
  }
  if (again(outcome)) verdict.note("the sink never took a batch: " + outcome.text);
  if (!outcome.ok() && !again(outcome) && outcome.status != SLUICE_RECORD_ERROR) verdict.fail(told("put", outcome));
  return outcome;
}

std::vector<Input> next_records(Offsets& offsets, std::vector<std::string>& texts) {
  texts.clear();
  texts.reserve(offsets.size() * kRecords);
  std::vector<Input> records;
  for (int i = 0; i < kRecords; ++i) {
    for (sluice_partition_offset& partition : offsets) {
      if (partition.next_offset < 0) partition.next_offset = 0;
      texts.push_back("record " + std::to_string(partition.partition) + "/" + std::to_string(partition.next_offset));
      Input input;
      input.topic = kTopic;
      input.partition = partition.partition;
      input.offset = partition.next_offset++;
      input.value = sdk::Value::string(texts.back());
      input.timestamp_ms = 1700000000000 + input.offset;
      if (i % 2 == 0) input.key = sdk::Value::string("key");
      if (i % 3 == 0) input.headers = {{"header", sdk::Value::string("value")}};
      records.push_back(std::move(input));
    }
  }
  return records;
}

bool start(const Subject& subject, SinkDriver& sink, Offsets& offsets, int64_t epoch, Verdict& verdict) {
  verdict.step("create");
  Outcome outcome = sink.start();
  if (!outcome.ok()) {
    refused(subject, outcome, verdict);
    return false;
  }
  verdict.step("open");
  outcome = sink.open(offsets, epoch);
  if (!outcome.ok()) verdict.fail(told("open", outcome));
  return outcome.ok();
}

Offsets partitions(SinkDriver& sink, const Subject& subject) {
  const uint32_t topic = sink.topic(kTopic);
  if ((subject.cls.capabilities & SLUICE_CAP_ONE_TASK) != 0) return {{topic, 0, -1}};
  return {{topic, 0, -1}, {topic, 1, -1}};
}

}  // namespace

void law_sink_lifecycle(const Subject& subject, Verdict& verdict) {
  const Balance balance;
  FakeHost host;
  use_root(host, subject);
  for (const bool lost : {false, true}) {
    SinkDriver sink(host, api_of(subject), subject.config);
    Offsets offsets = partitions(sink, subject);
    if (!start(subject, sink, offsets, lost ? 2 : 1, verdict)) return;
    verdict.step("a heartbeat");
    const Outcome beat = sink.put({});
    if (!beat.ok() && !again(beat)) verdict.fail(told("put without records", beat));
    std::vector<std::string> texts;
    for (int i = 0; i < kBatches; ++i) {
      verdict.step("put " + std::to_string(i + 1));
      put(sink, next_records(offsets, texts), verdict);
      if (i % 2 == 0) continue;
      verdict.step("commit");
      Offsets answer = offsets;
      const Outcome outcome = sink.commit(answer);
      if (!outcome.ok() && !again(outcome)) verdict.fail(told("commit", outcome));
    }
    verdict.step(lost ? "close, partitions lost" : "close");
    sink.close(offsets, lost);
    verdict.step("stop and destroy");
    sink.stop();
    sink.stop();
    sink.destroy();
  }
  balance.check(host, verdict);
}

void law_sink_stop(const Subject& subject, Verdict& verdict) {
  const Balance balance;
  FakeHost host;
  use_root(host, subject);
  {
    SinkDriver sink(host, api_of(subject), subject.config);
    Offsets offsets = partitions(sink, subject);
    if (!start(subject, sink, offsets, 1, verdict)) return;
    verdict.step("stop from another thread while put runs");
    std::mutex mutex;
    std::condition_variable changed;
    int puts = 0;
    bool over = false;
    bool ended = false;
    std::thread putter([&] {
      std::vector<std::string> texts;
      for (int i = 0; i < 100; ++i) {
        const Outcome outcome = sink.put(next_records(offsets, texts));
        const std::lock_guard lock(mutex);
        ++puts;
        changed.notify_all();
        if (over || (!outcome.ok() && outcome.status != SLUICE_RECORD_ERROR)) break;
      }
      const std::lock_guard lock(mutex);
      ended = true;
      changed.notify_all();
    });
    {
      std::unique_lock lock(mutex);
      changed.wait_for(lock, std::chrono::milliseconds(500), [&] { return puts >= 3; });
    }
    sink.stop();
    {
      std::unique_lock lock(mutex);
      over = true;
      const int seen = puts;
      const auto back = [&] { return puts > seen || ended; };
      if (!changed.wait_for(lock, subject.options.call_limit, back)) {
        verdict.fail("put did not return within " + std::to_string(subject.options.call_limit.count()) +
                     " ms after stop");
        verdict.done();
        ::_exit(0);  // that thread cannot be ended
      }
    }
    putter.join();
    verdict.step("destroy");
    sink.close(offsets, false);
    sink.destroy();
  }
  balance.check(host, verdict);
}

}  // namespace sluice::runner
