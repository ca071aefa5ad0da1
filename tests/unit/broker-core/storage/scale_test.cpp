// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "tests/support/counting_disk.hpp"
#include "tests/unit/broker-core/storage/log_fixture.hpp"

// Ten thousand partitions in one data directory on a real disk: what is counted here does not
// depend on how fast the machine is. The times are measured by tests/bench/storage.py. With
// sanitizers a thousand, more than files may be open already: what is counted grows with them or
// not.
namespace sluice::storage {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr int32_t kPartitions = 1'000;
#else
constexpr int32_t kPartitions = 10'000;
#endif
constexpr int kProducers = 100;
constexpr size_t kBatch = 4 << 10;

class Scale : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/sluice-scale-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    topic_.name = "scale";
    topic_.retention_ms = -1;
    topic_.segment_ms = INT64_MAX;
    bytes_ = batch({std::string(kBatch, 'x')});
  }
  void TearDown() override {
    log_.reset();
    std::filesystem::remove_all(root_);
  }
  void open(const std::string& name, int32_t partitions) {
    Settings settings;
    settings.directory = root_ + "/" + name;
    settings.checkpoint_bytes = 1u << 30;  // only when asked for
    std::filesystem::create_directories(settings.directory);
    executor_.clear();
    auto opened =
        Log::open(settings, {disk_, clock_, &executor_}, [this](const TopicId&) { return topic_; });
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    log_ = std::move(*opened);
    ASSERT_TRUE(log_->add_partitions(topic_id(1), topic_, partitions).ok());
  }
  // Every producer appends one batch to each of its partitions, all producers at the same time.
  void produce(int32_t partitions) {
    for (int turn = 0; turn < kPartitions / kProducers; ++turn) {
      int answered = 0;
      for (int producer = 0; producer < kProducers; ++producer) {
        std::vector<PartitionAppend> entries;
        entries.push_back({partition(1, (turn * kProducers + producer) % partitions), bytes_});
        log_->append(std::move(entries), [&](Result<std::vector<AppendResult>> result) {
          EXPECT_TRUE(result.ok()) << result.error().message;
          ++answered;
        });
      }
      executor_.run_ready();
      ASSERT_EQ(answered, kProducers);
    }
  }
  void die() {
    disk_.cut_off(true);
    log_.reset();
    disk_.cut_off(false);
  }

  std::string root_;
  testing::CountingDisk disk_{posix_disk()};
  testing::SimClock clock_;
  testing::SimExecutor executor_{1, clock_};
  TopicSettings topic_;
  Bytes bytes_;
  std::unique_ptr<Log> log_;
};

TEST_F(Scale, thousandsOfPartitionsCostTheSyncsAndFilesOfOne) {
  auto& counts = disk_.counts;
  // One partition: what the same bytes in the same rounds cost.
  open("one", 1);
  disk_.forget();
  produce(1);
  const uint64_t syncs_of_one = counts.syncs;
  const uint64_t rounds_of_one = log_->stats().rounds;
  ASSERT_TRUE(log_->stop().ok());

  const auto heap_before = static_cast<int64_t>(::mallinfo2().uordblks);
  open("many", kPartitions);
  EXPECT_TRUE(disk_.list(root_ + "/many/topics")->empty()) << "an empty partition has files";
  disk_.forget();
  produce(kPartitions);
  EXPECT_EQ(log_->stats().rounds, rounds_of_one);
  EXPECT_EQ(counts.syncs, syncs_of_one);
  EXPECT_LE(counts.directory_syncs, 20u);  // new commit log files
  std::printf("%d partitions, %d producers: %llu rounds, %llu fdatasync (one partition: %llu)\n",
              kPartitions, kProducers, static_cast<unsigned long long>(log_->stats().rounds),
              static_cast<unsigned long long>(counts.syncs),
              static_cast<unsigned long long>(syncs_of_one));

  disk_.forget();
  ASSERT_TRUE(log_->checkpoint().ok());
  std::printf(
      "checkpoint of %d dirty partitions: %llu fdatasync, %llu fsync of folders, %llu syncfs\n",
      kPartitions, static_cast<unsigned long long>(counts.syncs),
      static_cast<unsigned long long>(counts.directory_syncs),
      static_cast<unsigned long long>(counts.whole_syncs));
  if (counts.whole_sync_known) {
    EXPECT_LE(counts.syncs + counts.directory_syncs + counts.whole_syncs, 10u);
  }
  EXPECT_LE(counts.open_max, 600u);
  ASSERT_TRUE(log_->stop().ok());
  log_.reset();

  // A start after a clean stop looks at no partition's files.
  disk_.forget();
  open("many", kPartitions);
  EXPECT_TRUE(log_->recovery().clean);
  EXPECT_LE(counts.opened, 10u);
  EXPECT_LE(counts.bytes_read, uint64_t{kPartitions} * 300);
  const auto memory = (static_cast<int64_t>(::mallinfo2().uordblks) - heap_before) / kPartitions;
  std::printf(
      "start after a clean stop: %llu files opened, %llu bytes read; %lld bytes of memory per idle "
      "partition\n",
      static_cast<unsigned long long>(counts.opened),
      static_cast<unsigned long long>(counts.bytes_read), static_cast<long long>(memory));
  EXPECT_LE(memory, 3000);  // a sanitizer's allocator says nothing of itself here

  // Neither does housekeeping, as long as nothing is due.
  disk_.forget();
  const auto cpu = std::clock();
  ASSERT_TRUE(log_->run_housekeeping().ok());
  ASSERT_TRUE(log_->checkpoint().ok());
  std::printf("housekeeping and checkpoint of %d idle partitions: %.1f ms of CPU\n", kPartitions,
              1e3 * static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC);
  EXPECT_EQ(counts.opened, 0u);
  EXPECT_EQ(counts.bytes_written, 0u);

  // After a kill the commit log is read, and of each partition in it what is needed to go on, not
  // its data.
  produce(kPartitions);
  die();
  disk_.forget();
  open("many", kPartitions);
  const auto& recovery = log_->recovery();
  EXPECT_EQ(recovery.replayed_frames, uint64_t{kPartitions});
  EXPECT_LE(counts.bytes_read,
            recovery.replayed_bytes + recovery.replayed_bytes / 4 + uint64_t{kPartitions} * 400);
  EXPECT_LE(counts.open_max, 600u);
  if (counts.whole_sync_known) {
    EXPECT_LE(counts.syncs + counts.directory_syncs + counts.whole_syncs, 20u);
  }
  std::printf("start after a kill: %llu files opened, %llu bytes read for %llu of the commit log\n",
              static_cast<unsigned long long>(counts.opened),
              static_cast<unsigned long long>(counts.bytes_read),
              static_cast<unsigned long long>(recovery.replayed_bytes));
  for (int32_t p : {0, 1, kPartitions / 2, kPartitions - 1}) {
    EXPECT_EQ(log_->state(partition(1, p))->high_watermark, Offset(2));
    EXPECT_EQ(records_of(log_->read(partition(1, p), Offset(1), 1)->batches).begin()->second.size(),
              kBatch);
  }
}

}  // namespace
}  // namespace sluice::storage
