// SPDX-License-Identifier: Apache-2.0
// Appends to the log beside a raw loop that writes and syncs the same number of bytes, in turns (A B A B ...).
// usage: storage_bench DIR [MIB [PARTITIONS [BATCH_KIB]]]; prints one JSON line
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <vector>

#include "broker-core/model/record_batch.hpp"
#include "broker-core/storage/log.hpp"

using namespace sluice;
using Clock_ = std::chrono::steady_clock;

namespace {

double seconds_since(Clock_::time_point begin) {
  return std::chrono::duration<double>(Clock_::now() - begin).count();
}

Bytes make_batch(size_t bytes) {
  model::BatchBuilder builder;
  const std::string value(92, 'x');
  while (builder.size_bytes() + 110 < bytes) builder.add(1, std::nullopt, as_bytes(value));
  return builder.finish();
}

// One write and one sync for each part, to preallocated files of 64 MiB.
double raw_loop(const std::string& directory, size_t part, size_t parts, std::vector<double>& latencies) {
  constexpr uint64_t kFile = 64u << 20;
  const Bytes data(part, std::byte{7});
  std::unique_ptr<File> file;
  uint64_t at = kFile;
  const auto begin = Clock_::now();
  for (size_t i = 0; i < parts; ++i) {
    const auto start = Clock_::now();
    if (at + part > kFile) {
      file = std::move(posix_disk().open(directory + "/raw-" + std::to_string(i), OpenMode::kOpenOrCreate)).value();
      if (!file->allocate(std::max<uint64_t>(kFile, part)).ok()) std::abort();
      at = 0;
    }
    if (!file->write_at(at, data).ok() || !file->sync().ok()) std::abort();
    at += part;
    latencies.push_back(seconds_since(start));
  }
  return seconds_since(begin);
}

// `window` appends are under way at a time, as a source task does it.
double log_loop(const std::string& directory, const Bytes& batch, size_t count, int partitions, size_t window,
                std::vector<double>& latencies, double* read_seconds) {
  storage::Settings settings;
  settings.directory = directory;
  storage::TopicSettings topic;
  topic.name = "bench";
  topic.max_message_bytes = 64u << 20;
  TopicId id;
  id.bytes.fill(1);
  auto log = std::move(storage::Log::open(settings, {posix_disk(), system_clock()}, [&](const TopicId&) {
               return std::optional(topic);
             })).value();
  if (!log->add_partitions(id, topic, partitions).ok()) std::abort();
  std::mutex mutex;
  std::condition_variable done;
  size_t under_way = 0;
  const auto begin = Clock_::now();
  for (size_t i = 0; i < count; ++i) {
    {
      std::unique_lock lock(mutex);
      done.wait(lock, [&] { return under_way < window; });
      ++under_way;
    }
    const auto start = Clock_::now();
    std::vector<storage::PartitionAppend> entries;
    entries.push_back({{id, PartitionId(static_cast<int32_t>(i) % partitions)}, batch});
    log->append(std::move(entries), [&, start](Result<std::vector<storage::AppendResult>> result) {
      if (!result.ok()) std::abort();
      std::lock_guard lock(mutex);
      latencies.push_back(seconds_since(start));
      --under_way;
      done.notify_one();
    });
  }
  std::unique_lock lock(mutex);
  done.wait(lock, [&] { return under_way == 0; });
  const double taken = seconds_since(begin);
  const auto read_begin = Clock_::now();
  for (int p = 0; p < partitions; ++p) {
    const TopicPartition from{id, PartitionId(p)};
    Offset at(0);
    while (true) {
      auto read = log->read(from, at, 1 << 20);
      if (!read.ok()) std::abort();
      if (read->batches.empty()) break;
      for (ByteView rest = read->batches; !rest.empty();) {
        auto header = *model::read_batch_header(rest);
        at = header.next_offset();
        rest = rest.subspan(header.size());
      }
    }
  }
  *read_seconds = seconds_since(read_begin);
  return taken;
}

double percentile(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[static_cast<size_t>(p * static_cast<double>(values.size() - 1))];
}

double number(int argc, char** argv, int index, double otherwise) {
  return argc > index ? std::strtod(argv[index], nullptr) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: storage_bench DIR [MIB [PARTITIONS [BATCH_KIB]]]\n");
    return 2;
  }
  const double mib = number(argc, argv, 2, 512);
  const int partitions = static_cast<int>(number(argc, argv, 3, 1));
  const double kib = number(argc, argv, 4, 1024);
  const Bytes batch = make_batch(static_cast<size_t>(kib * 1024));
  const auto count = static_cast<size_t>(mib * 1024 / kib);
  std::vector<double> raw, log, reads, raw_latency, log_latency;
  for (int turn = 0; turn < 3; ++turn) {
    for (bool ours : {false, true}) {
      const std::string directory = std::string(argv[1]) + "/storage-bench";
      std::filesystem::remove_all(directory);
      std::filesystem::create_directories(directory);
      double read = 0;
      if (ours) {
        log.push_back(log_loop(directory, batch, count, partitions, 1, log_latency, &read));
        reads.push_back(read);
      } else {
        raw.push_back(raw_loop(directory, batch.size(), count, raw_latency));
      }
      std::filesystem::remove_all(directory);
    }
  }
  std::printf("{\"mib\":%.0f,\"partitions\":%d,\"batch_kib\":%.0f,\"raw_mib_s\":%.0f,\"log_mib_s\":%.0f,"
              "\"ratio\":%.2f,\"read_mib_s\":%.0f,\"raw_p50_ms\":%.3f,\"raw_p99_ms\":%.3f,\"append_p50_ms\":%.3f,"
              "\"append_p99_ms\":%.3f}\n",
              mib, partitions, kib, mib / percentile(raw, 0.5), mib / percentile(log, 0.5),
              percentile(raw, 0.5) / percentile(log, 0.5), mib / percentile(reads, 0.5),
              percentile(raw_latency, 0.5) * 1e3, percentile(raw_latency, 0.99) * 1e3,
              percentile(log_latency, 0.5) * 1e3, percentile(log_latency, 0.99) * 1e3);
  return 0;
}
