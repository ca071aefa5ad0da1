// SPDX-License-Identifier: Apache-2.0
// What the plugin boundary costs: batches of 1,024 borrowed records of 100 bytes from a library behind dlopen,
// through the C++ wrapper, each record looked at, each batch released; beside a loop that copies as many bytes.
// Goal: at most 5 ns a record. "records/s" and "time per record" stand in the counters.
#include <benchmark/benchmark.h>
#include <dlfcn.h>
#include <sluice/testkit/driver.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

using namespace sluice::testkit;

constexpr uint32_t kRecords = 1024;
constexpr size_t kBytes = 100;

const sluice_source_api* load() {
  void* library = ::dlopen(ABI_SOURCE, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::fprintf(stderr, "%s\n", ::dlerror());
    std::exit(1);
  }
  const auto entry = reinterpret_cast<sluice_plugin_entry_fn>(::dlsym(library, SLUICE_PLUGIN_ENTRY));
  return static_cast<const sluice_source_api*>(entry(SLUICE_ABI_VERSION)->classes[0]->api);
}

void report(benchmark::State& state) {
  const double records = static_cast<double>(state.iterations()) * kRecords;
  state.counters["records"] = benchmark::Counter(records, benchmark::Counter::kIsRate);
  state.counters["s_per_record"] =
      benchmark::Counter(records, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// One task for the life of the process; calls are made directly, without the checks of a driver.
void abi_poll(benchmark::State& state) {
  FakeHost host;
  FakeContext& context = host.make_context();
  const sluice_source_api* api = load();
  const ConfigTable config({{"record.bytes", std::to_string(kBytes)}});
  sluice_error error = sluice::sdk::detail::empty_error();
  void* task = nullptr;
  const FakeContext::Call call(context, "create");
  if (api->create(host.table(), context.raw(), config.raw(), &task, &error) != SLUICE_OK) {
    state.SkipWithError("create failed");
    return;
  }
  const sluice_poll_limits limits = {sizeof(limits), kRecords, UINT64_MAX, 0, 0};
  for (auto _ : state) {
    sluice_batch batch = {};
    batch.struct_size = sizeof(batch);
    sluice_poll_result result = {sizeof(result), 0};
    if (api->poll(task, &limits, &batch, &result, &error) != SLUICE_OK || batch.record_count != kRecords) {
      state.SkipWithError("poll failed");
      break;
    }
    uint64_t sum = 0;
    const auto* record = reinterpret_cast<const char*>(batch.records);
    for (uint32_t i = 0; i < batch.record_count; ++i, record += batch.record_size) {
      const auto& seen = *reinterpret_cast<const sluice_record*>(record);
      sum += seen.value.size + static_cast<unsigned char>(seen.value.as.bytes[0]) + seen.topic;
    }
    benchmark::DoNotOptimize(sum);
    batch.release(&batch);
  }
  api->destroy(task);
  report(state);
}

// The same bytes, copied record by record.
void memcpy_loop(benchmark::State& state) {
  const std::string from(kRecords * kBytes, 'x');
  std::string to(kRecords * kBytes, ' ');
  for (auto _ : state) {
    for (uint32_t i = 0; i < kRecords; ++i) std::memcpy(to.data() + i * kBytes, from.data() + i * kBytes, kBytes);
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
  report(state);
}

BENCHMARK(memcpy_loop)->Name("memcpy_a");
BENCHMARK(abi_poll);
BENCHMARK(memcpy_loop)->Name("memcpy_b");

}  // namespace

BENCHMARK_MAIN();
