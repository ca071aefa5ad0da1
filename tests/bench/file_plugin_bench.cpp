// SPDX-License-Identifier: Apache-2.0
// Cost per 100-byte line of the file source's poll and of the file sink's put and commit, through the C ABI, without
// a worker: records are lent, looked at once, and released.
#include <benchmark/benchmark.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <sluice/testkit/driver.hpp>
#include <sluice/testkit/fake_host.hpp>

#include "plugins/file/sink_task.hpp"
#include "plugins/file/source_task.hpp"

namespace {

using namespace sluice;

constexpr size_t kLineBytes = 100;  // with the line end
constexpr int kLines = 1'000'000;

sluice_error make_error() {
  sluice_error error = {};
  error.struct_size = sizeof(error);
  return error;
}

std::string line(int number) {
  std::string text = std::to_string(number);
  return text + std::string(kLineBytes - 1 - text.size(), 'x');
}

const sluice_source_api* source_api() { return &sdk::detail::kSourceApi<file_plugin::FileSourceTask>; }
const sluice_sink_api* sink_api() { return &sdk::detail::kSinkApi<file_plugin::FileSinkTask>; }

// Reads a file of a million lines again and again; `range` records per batch at most.
void source_poll(benchmark::State& state) {
  testkit::FakeHost host;
  {
    std::ofstream out(host.root() / "in.txt");
    for (int i = 0; i < kLines; ++i) out << line(i) << '\n';
  }
  const testkit::ConfigTable config({{"file", "in.txt"},
                                     {"topic", "lines"},
                                     {"batch.size", std::to_string(state.range(0))},
                                     {"max.line.bytes", "1048576"},
                                     {"long.lines", "fail"}});
  const sluice_poll_limits limits = {sizeof(limits), 100'000, 16u << 20, 0, 0};
  uint64_t bytes = 0;
  for (auto _ : state) {
    sluice_error error = make_error();
    void* task = nullptr;
    if (source_api()->create(host.table(), host.make_context().raw(), config.raw(), &task, &error) != SLUICE_OK) {
      state.SkipWithError("create");
      return;
    }
    for (int lines = 0; lines < kLines;) {
      sluice_batch batch = {};
      batch.struct_size = sizeof(batch);
      sluice_poll_result result = {sizeof(result), 0};
      if (source_api()->poll(task, &limits, &batch, &result, &error) != SLUICE_OK) state.SkipWithError("poll");
      for (uint32_t i = 0; i < batch.record_count; ++i) bytes += batch.records[i].value.size;
      lines += static_cast<int>(batch.record_count);
      if (batch.release != nullptr) batch.release(&batch);
    }
    source_api()->destroy(task);
  }
  benchmark::DoNotOptimize(bytes);
  state.SetItemsProcessed(state.iterations() * kLines);
  state.SetBytesProcessed(state.iterations() * kLines * static_cast<int64_t>(kLineBytes));
}

struct Records {
  std::vector<std::string> lines;
  std::vector<sluice_record> records;
};

Records make_records(int count, uint32_t topic) {
  Records made;
  for (int i = 0; i < count; ++i) made.lines.push_back(line(i));
  for (int i = 0; i < count; ++i) {
    sluice_record record = {};
    record.value = sdk::Value::string(made.lines[static_cast<size_t>(i)]);
    record.topic = topic;
    record.timestamp_ms = SLUICE_NO_TIMESTAMP;
    made.records.push_back(record);
  }
  return made;
}

// Puts a million lines in batches of 1,024, with a commit after every `range` batches; the time contains the
// kernel's copy and the syncs. Compare with raw_write.
void sink_put(benchmark::State& state, const char* exactly_once) {
  constexpr int kBatch = 1024;
  testkit::FakeHost host;
  const testkit::ConfigTable config({{"file", "out.txt"}, {"exactly.once.support", exactly_once}});
  testkit::FakeContext& context = host.make_context();
  sluice_error error = make_error();
  void* task = nullptr;
  sluice_partition_offset partition = {context.intern_topic("lines"), 0, 0};
  if (sink_api()->create(host.table(), context.raw(), config.raw(), &task, &error) != SLUICE_OK ||
      sink_api()->open(task, &partition, 1, 1, &error) != SLUICE_OK) {
    state.SkipWithError("create");
    return;
  }
  Records records = make_records(kBatch, partition.topic);
  int64_t offset = 0;
  int64_t batches = 0;
  for (auto _ : state) {
    for (sluice_record& record : records.records) record.offset = offset++;
    sluice_batch batch = {};
    batch.struct_size = sizeof(batch);
    batch.record_size = sizeof(sluice_record);
    batch.records = records.records.data();
    batch.record_count = kBatch;
    if (sink_api()->put(task, &batch, &error) != SLUICE_OK) state.SkipWithError("put");
    if (++batches % state.range(0) != 0) continue;
    partition.next_offset = offset;
    if (sink_api()->commit(task, &partition, 1, &error) != SLUICE_OK) state.SkipWithError("commit");
  }
  sink_api()->destroy(task);
  state.SetItemsProcessed(state.iterations() * kBatch);
  state.SetBytesProcessed(state.iterations() * kBatch * static_cast<int64_t>(kLineBytes));
}
void sink_put_at_least_once(benchmark::State& state) { sink_put(state, "requested"); }
void sink_put_exactly_once(benchmark::State& state) { sink_put(state, "required"); }

// The same bytes by the same writes of half a MiB and the same syncs.
void raw_write(benchmark::State& state) {
  constexpr int kBatch = 1024;
  testkit::FakeHost host;
  testkit::FakeContext& context = host.make_context();
  file_plugin::HostFiles files(sdk::Context(host.table(), context.raw()));
  auto file = files.create("raw.txt").value();
  const std::string piece(512u << 10, 'x');
  uint64_t wanted = 0;
  uint64_t written = 0;
  int64_t batches = 0;
  for (auto _ : state) {
    wanted += kBatch * kLineBytes;
    if (wanted - written >= piece.size()) {
      if (!file->write_at(piece, written).ok()) state.SkipWithError("write");
      written += piece.size();
    }
    if (++batches % state.range(0) == 0 && !file->sync().ok()) state.SkipWithError("sync");
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
  state.SetBytesProcessed(state.iterations() * kBatch * static_cast<int64_t>(kLineBytes));
}

BENCHMARK(source_poll)->Arg(2000)->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK(sink_put_at_least_once)->Arg(1000);
BENCHMARK(sink_put_exactly_once)->Arg(1000);
BENCHMARK(raw_write)->Arg(1000);

}  // namespace

BENCHMARK_MAIN();
