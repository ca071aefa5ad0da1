// SPDX-License-Identifier: Apache-2.0
// Cost per record of building and of walking a batch of 100-byte records.
#include <benchmark/benchmark.h>

#include "broker-core/model/record_batch.hpp"

namespace {

using namespace sluice;

constexpr int kRecords = 10'000;

void build(benchmark::State& state, std::optional<ByteView> key) {
  const std::string line(static_cast<size_t>(state.range(0)), 'x');
  model::BatchBuilder builder(kRecords * (line.size() + 16));
  for (auto _ : state) {
    for (int i = 0; i < kRecords; ++i) {
      builder.add(1'700'000'000'000 + i / 100, key, as_bytes(line));
    }
    benchmark::DoNotOptimize(builder.finish());
  }
  state.SetItemsProcessed(state.iterations() * kRecords);
  state.SetBytesProcessed(state.iterations() * kRecords * state.range(0));
}

void build_values(benchmark::State& state) { build(state, std::nullopt); }
void build_keyed(benchmark::State& state) { build(state, as_bytes("key-12345")); }

void walk(benchmark::State& state) {
  const std::string line(static_cast<size_t>(state.range(0)), 'x');
  model::BatchBuilder builder;
  for (int i = 0; i < kRecords; ++i) builder.add(1'700'000'000'000, std::nullopt, as_bytes(line));
  const Bytes batch = builder.finish();
  model::RecordView record;
  for (auto _ : state) {
    if (!model::verify_batch_crc(batch).ok()) state.SkipWithError("CRC");
    auto reader = model::RecordReader::open(batch);
    size_t bytes = 0;
    while (*reader->next(record)) bytes += record.value->size();
    benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(state.iterations() * kRecords);
  state.SetBytesProcessed(state.iterations() * kRecords * state.range(0));
}

BENCHMARK(build_values)->Arg(10)->Arg(100)->Arg(1000);
BENCHMARK(build_keyed)->Arg(100);
BENCHMARK(walk)->Arg(100);

}  // namespace

BENCHMARK_MAIN();
