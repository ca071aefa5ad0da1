// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "tests/unit/broker-core/storage/log_fixture.hpp"

// The log with its own threads on a real file system; what ThreadSanitizer looks at.
namespace sluice::storage {
namespace {

class Threads : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/sluice-storage-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    settings_.directory = pattern;
    settings_.commit_file_bytes = 1 << 20;
    settings_.checkpoint_bytes = 1 << 20;
    topic_.name = "threads";
    topic_.segment_bytes = 256 * 1024;
    topic_.retention_ms = -1;  // the batches' timestamps are old
    open();
  }
  void TearDown() override {
    log_.reset();
    std::filesystem::remove_all(settings_.directory);
  }
  void open() {
    auto opened = Log::open(settings_, {posix_disk(), system_clock()}, [this](const TopicId&) { return topic_; });
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    log_ = std::move(*opened);
    ASSERT_TRUE(log_->add_partitions(topic_id(1), topic_, kPartitions).ok());
  }

  static constexpr int kPartitions = 4;
  static constexpr int kAppends = 300;
  Settings settings_;
  TopicSettings topic_;
  std::unique_ptr<Log> log_;
};

TEST_F(Threads, writersReadersCheckpointsAndHousekeepingTogether) {
  std::atomic<int> acknowledged{0};
  std::vector<std::thread> threads;
  for (int p = 0; p < kPartitions; ++p) {
    threads.emplace_back([&, p] {
      for (int i = 0; i < kAppends; ++i) {
        std::vector<PartitionAppend> entries;
        entries.push_back({partition(1, p), batch({std::to_string(i) + std::string(2000, 'x')})});
        log_->append(std::move(entries), [&](Result<std::vector<AppendResult>> result) {
          EXPECT_TRUE(result.ok());
          ++acknowledged;
        });
      }
    });
    threads.emplace_back([&, p] {  // reads to the end, waiting by watches
      Offset at(0);
      while (at < Offset(kAppends)) {
        std::mutex mutex;
        std::condition_variable grown;
        bool ready = false;
        auto watch = log_->watch({{partition(1, p), at}}, [&] {
          std::lock_guard lock(mutex);
          ready = true;
          grown.notify_one();
        });
        {
          std::unique_lock lock(mutex);
          grown.wait(lock, [&] { return ready; });
        }
        auto result = log_->read(partition(1, p), at, 10'000);
        ASSERT_TRUE(result.ok()) << result.error().message;
        for (auto& [offset, value] : records_of(result->batches)) {
          ASSERT_EQ(std::stoll(value), offset);
          at = Offset(offset + 1);
        }
      }
    });
  }
  std::atomic<bool> stop{false};
  threads.emplace_back([&] {
    while (!stop) {
      EXPECT_TRUE(log_->checkpoint().ok());
      EXPECT_TRUE(log_->run_housekeeping().ok());
      EXPECT_TRUE(log_->state(partition(1, 0)).ok());
      EXPECT_TRUE(log_->offset_for_timestamp(partition(1, 1), TimestampMs(0)).ok());
      EXPECT_FALSE(log_->stats().failed);
    }
  });
  for (size_t i = 0; i + 1 < threads.size(); ++i) threads[i].join();
  stop = true;
  threads.back().join();
  EXPECT_TRUE(log_->stop().ok());
  EXPECT_EQ(acknowledged, kPartitions * kAppends);
  open();
  EXPECT_TRUE(log_->recovery().clean);
  for (int p = 0; p < kPartitions; ++p) {
    EXPECT_EQ(log_->state(partition(1, p))->high_watermark, Offset(kAppends));
  }
}

TEST_F(Threads, everyAppendIsAnsweredHoweverLateItComes) {
  std::atomic<int> open{0}, refused{0};
  std::atomic<bool> stopped{false};
  std::vector<std::thread> threads;
  for (int p = 0; p < kPartitions; ++p) {
    threads.emplace_back([&, p] {
      for (int more = 10; more > 0;) {
        if (stopped) --more;
        std::vector<PartitionAppend> entries;
        entries.push_back({partition(1, p), batch({"x"})});
        ++open;
        log_->append(std::move(entries), [&](Result<std::vector<AppendResult>> result) {
          if (!result.ok() && result.error().kind == ErrorKind::kShutdown) ++refused;
          --open;
        });
      }
    });
  }
  EXPECT_TRUE(log_->stop().ok());
  stopped = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(open, 0);
  EXPECT_GE(refused, kPartitions * 10);
}

// The sync of a large round runs beside the writing of the segments. If these have no space, the frames that the sync
// has made durable are taken back.
TEST(ThreadsOnFullDisk, aLargeRoundThatFailsInTheSegmentsLeavesNothing) {
  LogHarness h;
  h.settings.commit_file_bytes = 8 << 20;
  h.settings.checkpoint_bytes = 1 << 30;  // none: the replay is what is looked at
  TopicSettings topic;
  topic.name = "one";
  topic.max_message_bytes = 2 << 20;
  auto open = [&] {
    auto log = Log::open(h.settings, {h.disk, h.clock}, [&](const TopicId&) { return topic; });
    EXPECT_TRUE(log.ok());
    EXPECT_TRUE((*log)->add_partitions(topic_id(1), topic, 1).ok());
    return std::move(*log);
  };
  auto append = [](Log& log, const std::string& value) {
    std::promise<Status> answer;
    std::vector<PartitionAppend> entries;
    entries.push_back({partition(1), batch({value + std::string(512 * 1024, 'x')})});
    log.append(std::move(entries), [&](Result<std::vector<AppendResult>> result) {
      answer.set_value(result.ok() ? ok() : Status(result.error()));
    });
    return answer.get_future().get();
  };
  auto values = [](Log& log) {
    std::vector<std::string> found;
    auto result = log.read(partition(1), Offset(0), 64 << 20);
    EXPECT_TRUE(result.ok());
    for (auto& [offset, value] : records_of(result->batches)) found.push_back(value.substr(0, 1));
    return found;
  };
  auto log = open();
  ASSERT_TRUE(append(*log, "a").ok());
  h.disk.inject(testing::DiskCall::kWrite, testing::DiskFault::kShortNoSpace, 1, 1, ".log");
  auto full = append(*log, "b");
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().kind, ErrorKind::kRetriable) << full.error().message;
  EXPECT_EQ(values(*log), std::vector<std::string>{"a"});
  ASSERT_TRUE(append(*log, "c").ok());
  EXPECT_EQ(values(*log), (std::vector<std::string>{"a", "c"}));
  // Nothing of it comes back from the commit log either.
  h.disk.inject(testing::DiskCall::kWrite, testing::DiskFault::kShortNoSpace, 1, 1, ".log");
  ASSERT_FALSE(append(*log, "d").ok());
  h.disk.power_off_after(1);
  log.reset();
  h.disk.power_on();
  h.disk.crash();
  log = open();
  EXPECT_GT(log->recovery().replayed_frames, 0u);
  EXPECT_EQ(values(*log), (std::vector<std::string>{"a", "c"}));
}

}  // namespace
}  // namespace sluice::storage
