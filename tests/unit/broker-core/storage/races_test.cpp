// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>

#include "tests/unit/broker-core/storage/predicted_log.hpp"

// Appends, reads, watches, deleted records, retention, compaction, rolls, checkpoints and topics
// that come and go, all at once on a real disk, against the model.
namespace sluice::storage {
namespace {

// Follows the records' timestamps, so that the time rules of topics count in offsets.
class RecordClock : public Clock {
 public:
  TimestampMs now_ms() override { return TimestampMs(now_); }
  std::chrono::nanoseconds steady() override { return system_clock().steady(); }
  void reach(int64_t now) {
    int64_t before = now_;
    while (before < now && !now_.compare_exchange_weak(before, now)) {
    }
  }

 private:
  std::atomic<int64_t> now_{PredictedLog::kStartMs};
};

uint64_t chosen_seed() {
  const char* wanted = std::getenv("SLUICE_SEED");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : std::random_device()();
}

// Records of each topic; more than the default for a long search.
int64_t chosen_records() {
  const char* wanted = std::getenv("SLUICE_RACES");
  return wanted != nullptr ? std::strtoll(wanted, nullptr, 10) : 1000;
}

class Races : public ::testing::Test {
 protected:
  static constexpr uint8_t kPlain = 1, kBySize = 2, kCompacted = 3, kBoth = 4, kTrimmed = 5,
                           kTopics = 5;
  static constexpr uint8_t kShortLived = 100;
  static constexpr int64_t kDeleteRetention = 100;
  static constexpr int64_t kPace = 300;
  static constexpr double kRatio = 0.2;  // of kCompacted, so that at least one is compacted

  void SetUp() override {
    std::printf("seed %llu (SLUICE_SEED repeats the choices, not the threads)\n",
                static_cast<unsigned long long>(seed_));
    std::string pattern = ::testing::TempDir() + "/sluice-races-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    settings_.directory = pattern;
    settings_.commit_file_bytes = 256 << 10;
    settings_.checkpoint_bytes = 256 << 10;
    settings_.open_segments_max = 24;
    settings_.sync_all_from = seed_ % 2 == 0 ? 3 : 64;
    std::mt19937_64 random(seed_ * 13);
    for (uint8_t id = 1; id <= kTopics; ++id) {
      TopicSettings topic;
      topic.name = "races" + std::to_string(id);
      topic.retention_ms = -1;
      topic.delete_retention_ms = kDeleteRetention;
      roll_dice(topic, random, kPace);
      if (id == kCompacted) topic.min_cleanable_dirty_ratio = kRatio;
      topics_[topic_id(id)] = topic;
    }
    topics_[topic_id(kBySize)].retention_bytes = 40'000;
    topics_[topic_id(kCompacted)].compact = topics_[topic_id(kBoth)].compact = true;
    topics_[topic_id(kCompacted)].remove = false;
    topics_[topic_id(kBoth)].retention_ms = 500;
    open();
  }
  void TearDown() override {
    log_.reset();
    std::filesystem::remove_all(settings_.directory);
  }
  void open() {
    auto opened = Log::open(settings_, {posix_disk(), clock_}, [this](const TopicId& id) {
      auto found = topics_.find(id);
      return found == topics_.end() ? std::nullopt : std::optional(found->second);
    });
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    log_ = std::move(*opened);
    for (const auto& [id, topic] : topics_) ASSERT_TRUE(log_->add_partitions(id, topic, 1).ok());
  }

  Follower follower(const TopicPartition& id) {
    const bool compacts = topics_[id.topic].compact;
    auto missing = [this, id, compacts](int64_t offset) {
      if (!compacts) return false;
      const auto state = log_->state(id);
      if (model_.superseded(id, offset, state->high_watermark.value())) return true;
      return model_.tombstone(id, offset) &&
             clock_.now_ms().value() >= PredictedLog::timestamp(offset) + kDeleteRetention;
    };
    return {topics_[id.topic].name,
            {[this, id](int64_t offset) { return model_.record(id, offset); }, missing}};
  }

  // One read of `who`; false at the end. An offset out of range must really be below the log start.
  bool step(Follower& who, const TopicPartition& id, size_t bytes) {
    auto read = log_->read(id, Offset(who.at()), bytes);
    if (!read.ok()) {
      EXPECT_EQ(read.error().kind, ErrorKind::kOutOfRange) << read.error().message;
      const auto start = log_->state(id)->start_offset;
      EXPECT_GT(start, Offset(who.at())) << read.error().message;
      who.seek(start.value());
      ++out_of_range_;
      return read.error().kind == ErrorKind::kOutOfRange && !HasFailure();
    }
    if (read->batches.empty() && read->high_watermark == Offset(who.at())) return false;
    who.take(read->batches, read->high_watermark.value());
    return !HasFailure();
  }

  // Until there is something behind `at`, or the topic's writer is done.
  void wait_for_growth(const TopicPartition& id, uint8_t topic, int64_t at) {
    bool ready = false;
    auto watch = log_->watch({{id, Offset(at)}}, [&] {
      std::lock_guard lock(mutex_);
      ready = true;
      changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ready || ends_[topic] >= 0; });
  }

  // Appends in order, up to eight at a time, and checks that each gets the offset that the model
  // says.
  void write(uint8_t topic, int64_t records) {
    std::mt19937_64 random(seed_ + topic);
    const auto id = partition(topic);
    std::mutex mutex;
    std::condition_variable changed;
    int under_way = 0;
    int64_t next = 0;
    while (next < records && !HasFailure()) {
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return under_way < 8; });
        ++under_way;
      }
      const int64_t from = next;
      Bytes bytes;
      for (uint64_t batches = 1 + random() % 2; batches > 0; --batches) {
        const int64_t to = next + 1 + static_cast<int64_t>(random() % 4);
        const Bytes one = model_.batch(id, next, to);
        bytes.insert(bytes.end(), one.begin(), one.end());
        next = to;
      }
      clock_.reach(PredictedLog::timestamp(next));
      std::vector<PartitionAppend> entries;
      entries.push_back({id, std::move(bytes)});
      log_->append(std::move(entries), [&, from, next](Result<std::vector<AppendResult>> result) {
        EXPECT_TRUE(result.ok()) << result.error().message;
        if (result.ok()) {
          EXPECT_EQ((*result)[0].base_offset, Offset(from));
          EXPECT_EQ((*result)[0].next_offset, Offset(next));
        }
        std::lock_guard lock(mutex);
        --under_way;
        changed.notify_one();
      });
    }
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return under_way == 0; });
    std::lock_guard done(mutex_);
    ends_[topic] = next;
    ++writers_done_;
    changed_.notify_all();
  }

  // From the start to the end as it grows, waiting by watches.
  void follow(uint8_t topic) {
    std::mt19937_64 random(seed_ * 31 + topic);
    const auto id = partition(topic);
    auto who = follower(id);
    while (!HasFailure()) {
      const bool last = ends_[topic] >= 0;
      if (step(who, id, 1 + random() % 6000)) continue;
      if (last) break;
      wait_for_growth(id, topic, who.at());
    }
    if (!HasFailure()) {
      EXPECT_EQ(who.at(), ends_[topic]) << static_cast<int>(topic);
    }
    read_ += who.records();
  }

  // Reads from anywhere, also from where there is nothing any more.
  void jump() {
    std::mt19937_64 random(seed_ * 77);
    while (writers_done_ < kTopics && !HasFailure()) {
      const auto id = partition(static_cast<uint8_t>(1 + random() % kTopics));
      auto who = follower(id);
      const int64_t end = log_->state(id)->high_watermark.value();
      who.seek(static_cast<int64_t>(random() % static_cast<uint64_t>(end + 1)));
      for (int reads = 0; reads < 5 && step(who, id, 1 + random() % 3000); ++reads) {
      }
      const int64_t wanted = static_cast<int64_t>(random() % static_cast<uint64_t>(end + 1));
      auto found = log_->offset_for_timestamp(id, TimestampMs(PredictedLog::timestamp(wanted)));
      ASSERT_TRUE(found.ok()) << found.error().message;
      if (wanted < end && *found && **found > Offset(wanted)) {
        // Then the batch with it is gone.
        const bool gone =
            log_->state(id)->start_offset > Offset(wanted) || topics_[id.topic].compact;
        EXPECT_TRUE(gone) << "offset " << (*found)->value() << " for " << wanted;
      }
    }
  }

  void trim() {
    std::mt19937_64 random(seed_ * 5);
    const auto id = partition(kTrimmed);
    while (writers_done_ < kTopics && !HasFailure()) {
      const auto state = *log_->state(id);
      const auto room = state.high_watermark - state.start_offset;
      const Offset before =
          random() % 3 == 0 ? state.high_watermark
                            : state.start_offset +
                                  static_cast<int64_t>(random() % static_cast<uint64_t>(room + 1));
      auto done = log_->delete_records(id, before);
      ASSERT_TRUE(done.ok()) << done.error().message;
      ASSERT_EQ(log_->state(id)->start_offset, before);
    }
  }

  void keep_house() {
    std::mt19937_64 random(seed_ * 3);
    while (writers_done_ < kTopics && !HasFailure()) {
      auto done = log_->run_housekeeping();
      ASSERT_TRUE(done.ok()) << done.error().message;
      if (random() % 2 == 0) {
        const auto id = topic_id(static_cast<uint8_t>(1 + random() % kTopics));
        auto topic = topics_[id];
        roll_dice(topic, random, kPace);
        if (id == topic_id(kCompacted)) topic.min_cleanable_dirty_ratio = kRatio;
        log_->change_settings(id, topic);
      }
    }
  }

  void checkpoint() {
    while (writers_done_ < kTopics && !HasFailure()) {
      auto done = log_->checkpoint();
      ASSERT_TRUE(done.ok()) << done.error().message;
    }
  }

  // Topics that are deleted in the middle of everything.
  void come_and_go() {
    std::mt19937_64 random(seed_ * 13);
    uint8_t number = kShortLived;
    while (writers_done_ < kTopics && !HasFailure()) {
      number = number == 255 ? kShortLived : static_cast<uint8_t>(number + 1);
      TopicId topic = topic_id(number);
      topic.bytes[15] = static_cast<uint8_t>(random());  // ids are never used twice
      topic.bytes[14] = static_cast<uint8_t>(random());
      TopicSettings settings = topics_[topic_id(random() % 2 == 0 ? kCompacted : kBySize)];
      settings.name = "short";
      settings.min_cleanable_dirty_ratio = 0;
      ASSERT_TRUE(log_->add_partitions(topic, settings, 2).ok());
      std::atomic<int> open{0};
      auto append = [&](int32_t to) {
        std::vector<PartitionAppend> entries;
        entries.push_back({{topic, PartitionId(to)}, batch({std::string(3000, 'x')})});
        ++open;
        log_->append(std::move(entries), [&](Result<std::vector<AppendResult>> result) {
          if (!result.ok()) {
            EXPECT_EQ(result.error().kind, ErrorKind::kNotFound) << result.error().message;
          }
          --open;
          open.notify_one();
        });
      };
      for (uint64_t i = random() % 40; i > 0; --i) append(static_cast<int32_t>(i % 2));
      std::thread reader([&] {
        Offset at(0);
        while (true) {
          auto read = log_->read({topic, PartitionId(0)}, at, 5000);
          if (!read.ok()) {
            if (read.error().kind == ErrorKind::kOutOfRange) {
              auto state = log_->state({topic, PartitionId(0)});
              if (!state.ok()) return;
              at = state->start_offset;
              continue;
            }
            EXPECT_EQ(read.error().kind, ErrorKind::kNotFound) << read.error().message;
            return;
          }
          at = at == read->high_watermark ? Offset(0) : read->high_watermark;
        }
      });
      for (uint64_t i = random() % 10; i > 0; --i) append(static_cast<int32_t>(i % 2));
      if (random() % 3 == 0) {
        EXPECT_TRUE(log_->run_housekeeping().ok());
      }
      log_->remove_topic(topic);
      reader.join();
      for (int left = open; left > 0; left = open) open.wait(left);
      EXPECT_EQ(log_->state({topic, PartitionId(0)}).error().kind, ErrorKind::kNotFound);
      ++topics_deleted_;
    }
  }

  void check_all() {
    for (uint8_t topic = 1; topic <= kTopics; ++topic) {
      const auto id = partition(topic);
      ASSERT_EQ(log_->state(id)->high_watermark, Offset(ends_[topic]));
      auto who = follower(id);
      who.seek(log_->state(id)->start_offset.value());
      while (step(who, id, 5000)) {
      }
      EXPECT_EQ(who.at(), ends_[topic]);
    }
    EXPECT_EQ(log_->state(partition(kPlain))->start_offset, Offset(0));
    EXPECT_GE(log_->state(partition(kBySize))->size_bytes, 40'000u);
    EXPECT_FALSE(log_->stats().failed) << log_->stats().failure;
  }

  const uint64_t seed_ = chosen_seed();
  const PredictedLog model_{seed_, 60};
  RecordClock clock_;
  Settings settings_;
  std::map<TopicId, TopicSettings> topics_;
  std::unique_ptr<Log> log_;
  std::mutex mutex_;
  std::condition_variable changed_;  // of ready watches and ends_
  std::array<std::atomic<int64_t>, kTopics + 1> ends_;
  std::atomic<int> writers_done_{0};
  std::atomic<int> out_of_range_{0}, topics_deleted_{0};
  std::atomic<uint64_t> read_{0};
};

TEST_F(Races, everythingAtOnceAgreesWithTheModel) {
  for (auto& end : ends_) end = -1;
  const int64_t records = chosen_records();
  std::vector<std::thread> threads;
  for (uint8_t topic = 1; topic <= kTopics; ++topic) {
    threads.emplace_back([this, topic, records] { write(topic, records); });
    threads.emplace_back([this, topic] { follow(topic); });
  }
  threads.emplace_back([this] { jump(); });
  threads.emplace_back([this] { trim(); });
  threads.emplace_back([this] { keep_house(); });
  threads.emplace_back([this] { checkpoint(); });
  threads.emplace_back([this] { come_and_go(); });
  for (auto& thread : threads) thread.join();
  ASSERT_FALSE(HasFailure()) << "seed " << seed_;
  check_all();
  const auto stats = log_->stats();
  std::printf(
      "%llu records followed, %llu rolls, %llu segments deleted, %llu compacted, %llu checkpoints, "
      "%d reads out of range, %d topics deleted\n",
      static_cast<unsigned long long>(read_),
      static_cast<unsigned long long>(stats.segments_rolled),
      static_cast<unsigned long long>(stats.segments_deleted),
      static_cast<unsigned long long>(stats.segments_compacted),
      static_cast<unsigned long long>(stats.checkpoints), out_of_range_.load(),
      topics_deleted_.load());
  EXPECT_GT(stats.segments_deleted, 0u);
  EXPECT_GT(stats.segments_compacted, 0u);
  EXPECT_GT(topics_deleted_, 0);
  ASSERT_TRUE(log_->stop().ok());
  log_.reset();
  auto findings = verify_directory(posix_disk(), settings_.directory, nullptr);
  ASSERT_TRUE(findings.ok()) << findings.error().message;
  for (const auto& finding : *findings)
    EXPECT_FALSE(finding.damage) << finding.file << ": " << finding.text;
  open();
  EXPECT_TRUE(log_->recovery().clean);
  check_all();
  ASSERT_FALSE(HasFailure()) << "seed " << seed_;
}

}  // namespace
}  // namespace sluice::storage
