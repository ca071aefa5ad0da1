// SPDX-License-Identifier: Apache-2.0
// The log beside raw loops that write, sync and read the same bytes. Log and raw loop take turns in
// short blocks, so that what else the machine does hits both. Each command prints one JSON line.
// DIR is emptied.
//
//   storage_bench append DIR PARTITIONS BATCH_KIB COUNT   one append at a time, to one partition
//   after the other storage_bench stream DIR MIB                          1 MiB appends, then reads
//   from the beginning to the end storage_bench recover DIR MIB                         start after
//   a kill with MIB of commit log storage_bench compact DIR MIB                         compaction
//   of 1 KiB records, nine of ten superseded storage_bench scale DIR GIB PARTITIONS many
//   partitions: memory, start after a stop and a kill
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>

#include "broker-core/model/record_batch.hpp"
#include "broker-core/storage/log.hpp"

using namespace sluice;

namespace {

using Time = std::chrono::steady_clock;
constexpr double kMiB = 1 << 20;

double since(Time::time_point begin) {
  return std::chrono::duration<double>(Time::now() - begin).count();
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

double heap_bytes() {
  return static_cast<double>(mallinfo2().uordblks);
}

template <class T>
T must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::abort();
  }
  return std::move(result).value();
}
void must(const Status& status) {
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.error().message.c_str());
    std::abort();
  }
}

double percentile(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0
                        : values[static_cast<size_t>(p * static_cast<double>(values.size() - 1))];
}

// Records of 100 bytes.
Bytes make_batch(size_t bytes) {
  model::BatchBuilder builder;
  const std::string value(92, 'x');
  do {
    builder.add(1, std::nullopt, as_bytes(value));
  } while (builder.size_bytes() + 110 < bytes);
  return builder.finish();
}

TopicId bench_topic() {
  TopicId id;
  id.bytes.fill(1);
  return id;
}

struct Bench {
  explicit Bench(std::string folder) : directory(std::move(folder) + "/storage-bench") {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory + "/log");
    settings.directory = directory + "/log";
    topic.name = "bench";
    topic.max_message_bytes = 64u << 20;
    topic.retention_ms = -1;
    topic.segment_ms = INT64_MAX;
  }
  ~Bench() {
    log.reset();
    std::filesystem::remove_all(directory);
  }
  double open(int partitions) {
    const auto begin = Time::now();
    log = must(storage::Log::open(settings, {posix_disk(), system_clock()},
                                  [this](const TopicId&) { return std::optional(topic); }));
    must(log->add_partitions(bench_topic(), topic, partitions));
    return since(begin);
  }
  // Returns as soon as less than `window` appends are under way.
  void append(int partition, Bytes batch, size_t window, std::vector<double>* latencies = nullptr) {
    std::unique_lock lock(mutex);
    ++under_way;
    const auto start = Time::now();
    std::vector<storage::PartitionAppend> entries;
    entries.push_back({{bench_topic(), PartitionId(partition)}, std::move(batch)});
    lock.unlock();
    log->append(std::move(entries),
                [this, start, latencies](Result<std::vector<storage::AppendResult>> result) {
                  must(std::move(result));
                  std::lock_guard guard(mutex);
                  if (latencies != nullptr) latencies->push_back(since(start));
                  --under_way;
                  changed.notify_one();
                });
    lock.lock();
    changed.wait(lock, [&] { return under_way < window; });
  }
  void drain() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return under_way == 0; });
  }
  // Reads all of a partition; gives the bytes.
  uint64_t read(int partition) {
    uint64_t bytes = 0;
    for (Offset at(0);;) {
      auto read = must(log->read({bench_topic(), PartitionId(partition)}, at, 1 << 20));
      if (read.batches.empty()) return bytes;
      bytes += read.batches.size();
      for (ByteView rest = read.batches; !rest.empty();) {
        auto header = *model::read_batch_header(rest);
        at = header.next_offset();
        rest = rest.subspan(header.size());
      }
    }
  }

  const std::string directory;
  storage::Settings settings;
  storage::TopicSettings topic;
  std::unique_ptr<storage::Log> log;
  std::mutex mutex;  // guards the next two
  std::condition_variable changed;
  size_t under_way = 0;
};

// Preallocated files of 64 MiB, written part by part with a sync after each, as the commit log is.
class RawFile {
 public:
  explicit RawFile(std::string folder) : folder_(std::move(folder)) {}
  void append(ByteView data) {
    if (!file_ || at_ + data.size() > kFile) {
      paths_.push_back(folder_ + "/raw-" + std::to_string(paths_.size()));
      file_ = must(posix_disk().open(paths_.back(), OpenMode::kOpenOrCreate));
      must(file_->allocate(std::max<uint64_t>(kFile, data.size())));
      must(file_->sync());
      at_ = 0;
    }
    must(file_->write_at(at_, data));
    must(file_->sync());
    at_ += data.size();
  }
  uint64_t read() {
    Bytes buffer(1 << 20);
    uint64_t bytes = 0;
    for (const auto& path : paths_) {
      auto file = must(posix_disk().open(path, OpenMode::kRead));
      for (uint64_t at = 0; size_t got = must(file->read_at(at, buffer)); at += got) bytes += got;
    }
    return bytes;
  }

 private:
  static constexpr uint64_t kFile = 64u << 20;
  const std::string folder_;
  std::vector<std::string> paths_;
  std::unique_ptr<File> file_;
  uint64_t at_ = 0;
};

void append_beside_raw(Bench& bench, int partitions, double batch_kib, int count) {
  const Bytes batch = make_batch(static_cast<size_t>(batch_kib * 1024));
  bench.open(partitions);
  for (int p = 0; p < partitions; ++p)
    bench.append(p, batch, 200);  // the first append makes the files
  bench.drain();
  must(bench.log->checkpoint());
  RawFile raw(bench.directory);
  raw.append(batch);
  std::vector<double> ours, theirs;
  int next = 0;
  while (static_cast<int>(ours.size()) < count) {
    bench.append(next++ % partitions, batch, 1, &ours);
    const auto start = Time::now();
    raw.append(batch);
    theirs.push_back(since(start));
  }
  const double log_p50 = percentile(ours, 0.5), raw_p50 = percentile(theirs, 0.5);
  std::printf(
      "{\"append\": {\"partitions\": %d, \"batch_kib\": %g, \"log_p50_ms\": %.3f, \"log_p99_ms\": "
      "%.3f, "
      "\"raw_p50_ms\": %.3f, \"raw_p99_ms\": %.3f, \"ratio_p50\": %.2f, \"ratio_p99\": %.2f}}\n",
      partitions, batch_kib, log_p50 * 1e3, percentile(ours, 0.99) * 1e3, raw_p50 * 1e3,
      percentile(theirs, 0.99) * 1e3, log_p50 / raw_p50,
      percentile(ours, 0.99) / percentile(theirs, 0.99));
}

void stream(Bench& bench, int mib) {
  const Bytes batch = make_batch(1 << 20);
  bench.open(1);
  RawFile raw(bench.directory);
  double ours = 0, theirs = 0, ours_read = 0, theirs_read = 0;
  for (int done = 0; done < mib; done += 32) {
    auto begin = Time::now();
    for (int i = 0; i < 32; ++i) bench.append(0, batch, 4);
    bench.drain();
    ours += since(begin);
    begin = Time::now();
    for (int i = 0; i < 32; ++i) raw.append(batch);
    theirs += since(begin);
  }
  uint64_t bytes = 0;
  for (int turn = 0; turn < 3; ++turn) {
    auto begin = Time::now();
    bytes = bench.read(0);
    ours_read += since(begin);
    begin = Time::now();
    raw.read();
    theirs_read += since(begin);
  }
  const double size = static_cast<double>(bytes) / kMiB;
  std::printf(
      "{\"stream\": {\"mib\": %.0f, \"log_append_mib_s\": %.0f, \"raw_append_mib_s\": %.0f, "
      "\"log_read_mib_s\": %.0f, \"raw_read_mib_s\": %.0f}}\n",
      size, size / ours, size / theirs, 3 * size / ours_read, 3 * size / theirs_read);
}

// Runs `work` in a child process that ends without any clean-up, as a killed one does.
void in_killed_process(const std::function<void()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) std::abort();
}

void recover(Bench& bench, int mib) {
  bench.settings.checkpoint_bytes = uint64_t{1} << 40;
  in_killed_process([&] {
    bench.open(16);
    const Bytes batch = make_batch(1 << 18);
    for (int i = 0; i < mib * 4; ++i) bench.append(i % 16, batch, 16);
    bench.drain();
  });
  const double cpu = cpu_seconds();
  const double seconds = bench.open(16);
  const double gb = static_cast<double>(bench.log->recovery().replayed_bytes) / 1e9;
  std::printf(
      "{\"recover\": {\"gb\": %.2f, \"seconds\": %.2f, \"gb_s\": %.2f, \"cpu_s_per_gb\": %.2f}}\n",
      gb, seconds, gb / seconds, (cpu_seconds() - cpu) / gb);
}

void compact(Bench& bench, int mib) {
  bench.topic.compact = true;
  bench.topic.remove = false;
  bench.topic.segment_bytes = 16u << 20;
  bench.settings.housekeeping_interval_ms = INT32_MAX;
  bench.open(1);
  std::mt19937_64 random(1);
  const int records = mib << 10;
  const std::string value(1000, 'v');
  for (int done = 0; done < records;) {
    model::BatchBuilder builder;
    for (int i = 0; i < 64; ++i, ++done) {
      builder.add(done,
                  as_bytes("key-" + std::to_string(random() % static_cast<uint64_t>(records / 10))),
                  as_bytes(value));
    }
    bench.append(0, builder.finish(), 16);
  }
  bench.drain();
  must(bench.log->checkpoint());
  const double before =
      static_cast<double>(bench.log->state({bench_topic(), PartitionId(0)})->size_bytes) / 1e9;
  const double cpu = cpu_seconds();
  const auto begin = Time::now();
  must(bench.log->run_housekeeping());
  const double seconds = since(begin), used = cpu_seconds() - cpu;
  const double after =
      static_cast<double>(bench.log->state({bench_topic(), PartitionId(0)})->size_bytes) / 1e9;
  std::printf(
      "{\"compact\": {\"gb\": %.2f, \"gb_after\": %.2f, \"seconds\": %.2f, \"cpu_s_per_gb\": "
      "%.2f}}\n",
      before, after, seconds, used / before);
}

void scale(Bench& bench, double gib, int partitions) {
  const Bytes batch = make_batch(64 << 10);
  const auto appends = static_cast<int>(gib * (1 << 30) / static_cast<double>(batch.size()));
  in_killed_process([&] {
    bench.open(partitions);
    std::vector<double> latencies;
    latencies.reserve(static_cast<size_t>(appends));
    const auto begin = Time::now();
    for (int i = 0; i < appends; ++i) bench.append(i % partitions, batch, 100, &latencies);
    bench.drain();
    const auto stats = bench.log->stats();
    std::printf(
        "{\"scale_fill\": {\"partitions\": %d, \"gib\": %g, \"mib_s\": %.0f, \"rounds\": %llu, "
        "\"commit_syncs\": %llu, \"checkpoints\": %llu, \"p50_ms\": %.2f, \"p99_ms\": %.2f, "
        "\"max_ms\": %.0f, "
        "\"open_files\": %zu}}\n",
        partitions, gib, gib * 1024 / since(begin), static_cast<unsigned long long>(stats.rounds),
        static_cast<unsigned long long>(stats.syncs),
        static_cast<unsigned long long>(stats.checkpoints), percentile(latencies, 0.5) * 1e3,
        percentile(latencies, 0.99) * 1e3, percentile(latencies, 1) * 1e3,
        static_cast<size_t>(
            std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {})));
    std::fflush(stdout);
  });
  const double killed = bench.open(partitions);
  const double replayed = static_cast<double>(bench.log->recovery().replayed_bytes) / kMiB;
  must(bench.log->stop());
  bench.log.reset();
  const double memory = heap_bytes();
  const double clean = bench.open(partitions);
  const double idle = heap_bytes();
  const double cpu = cpu_seconds();
  must(bench.log->run_housekeeping());
  must(bench.log->checkpoint());
  std::printf(
      "{\"scale_start\": {\"partitions\": %d, \"after_kill_s (goal <= 10)\": %.2f, "
      "\"replayed_mib\": %.0f, "
      "\"after_stop_s (goal <= 1)\": %.3f, \"bytes_per_idle_partition\": %.0f, "
      "\"idle_housekeeping_cpu_ms\": "
      "%.1f}}\n",
      partitions, killed, replayed, clean, (idle - memory) / partitions,
      (cpu_seconds() - cpu) * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  auto number = [&](int index) { return argc > index ? std::strtod(argv[index], nullptr) : 0.0; };
  const std::string command = argc > 3 ? argv[1] : "";
  const std::map<std::string, std::pair<int, std::function<void(Bench&)>>> commands = {
      {"append",
       {6,
        [&](Bench& b) {
          append_beside_raw(b, static_cast<int>(number(3)), number(4), static_cast<int>(number(5)));
        }}},
      {"stream", {4, [&](Bench& b) { stream(b, static_cast<int>(number(3))); }}},
      {"recover", {4, [&](Bench& b) { recover(b, static_cast<int>(number(3))); }}},
      {"compact", {4, [&](Bench& b) { compact(b, static_cast<int>(number(3))); }}},
      {"scale", {5, [&](Bench& b) { scale(b, number(3), static_cast<int>(number(4))); }}},
  };
  const auto found = commands.find(command);
  if (found == commands.end() || argc != found->second.first) {
    std::fprintf(stderr,
                 "usage: storage_bench append DIR PARTITIONS BATCH_KIB COUNT | stream DIR MIB | "
                 "recover DIR MIB | compact DIR MIB | scale DIR GIB PARTITIONS\n");
    return 2;
  }
  Bench bench(argv[2]);
  found->second.second(bench);
  return 0;
}
