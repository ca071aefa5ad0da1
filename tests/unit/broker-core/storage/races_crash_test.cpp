// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "tests/unit/broker-core/storage/predicted_log.hpp"

// Appends, deleted records, retention, compaction, rolls, checkpoints and a topic that is deleted,
// cut short by a kill or a power loss at any step of the disk, against the model.
namespace sluice::storage {
namespace {

constexpr uint8_t kBySize = 1, kCompacted = 2, kBoth = 3, kPlain = 4;
constexpr int64_t kPace = 100;
constexpr uint64_t kRetentionBytes = 12'000;
constexpr int64_t kRetentionMs = 120;

class CrashedRaces {
 public:
  explicit CrashedRaces(uint64_t seed) : random_(seed), model_(seed, 12), h_(seed) {
    h_.settings.checkpoint_bytes = 10'000 + random_() % 30'000;
    h_.settings.commit_file_bytes = 16'384;
    h_.settings.sync_all_from = seed % 2 == 0 ? 2 : 64;
    if (seed % 3 != 0) h_.settings.write_through_bytes = 1 + random_() % 1'500;
    h_.topics.clear();
    for (uint8_t id : {kBySize, kCompacted, kBoth, kPlain}) {
      TopicSettings& topic = h_.add_topic(id, "t" + std::to_string(id));
      topic.retention_ms = -1;
      topic.delete_retention_ms = static_cast<int64_t>(random_() % 80);
      if (random_() % 2 == 0) topic.min_compaction_lag_ms = static_cast<int64_t>(random_() % 80);
      roll_dice(topic, random_, kPace);
    }
    h_.topics[topic_id(kBySize)].retention_bytes = kRetentionBytes;
    h_.topics[topic_id(kCompacted)].compact = h_.topics[topic_id(kBoth)].compact = true;
    h_.topics[topic_id(kCompacted)].remove = false;
    h_.topics[topic_id(kBoth)].retention_ms = kRetentionMs;
    h_.open();
  }

  ~CrashedRaces() { count(); }

  // Of all runs; what never happened was not tried.
  static void expect_all_tried() {
    std::printf("%llu rolls, %llu segments deleted, %llu compacted\n",
                static_cast<unsigned long long>(done_.segments_rolled),
                static_cast<unsigned long long>(done_.segments_deleted),
                static_cast<unsigned long long>(done_.segments_compacted));
    EXPECT_GT(done_.segments_rolled, 0u);
    EXPECT_GT(done_.segments_deleted, 0u);
    EXPECT_GT(done_.segments_compacted, 0u);
  }

  // `steps` random steps, the power gone after `cut` changes of the disk (0: never), then the
  // checks. False if the cut was never reached.
  bool round(int steps, uint64_t cut) {
    if (cut != 0) h_.disk.power_off_after(cut);
    for (int i = 0; i < steps && !h_.disk.powered_off(); ++i) step();
    const bool reached = h_.disk.powered_off();
    count();
    if (random_() % 3 == 0) {
      h_.kill();
    } else {
      h_.crash();
    }
    h_.open();
    if (::testing::Test::HasFailure()) return reached;
    for (auto& [id, log] : logs_) recovered(id, log);
    for (int i = 0; i < 2; ++i) {
      check();
      if (::testing::Test::HasFailure()) return reached;
      h_.crash();
      h_.open();  // what was served stays
    }
    return reached;
  }

 private:
  struct Known {
    std::vector<int> attempts;    // of each offset that was given out
    std::vector<uint64_t> bytes;  // appended up to and with it
    int64_t acknowledged = 0;
    int64_t trimmed = 0;  // acknowledged by delete_records
    int64_t trim_asked = 0;
    int attempt = 0;
  };

  // Before the log goes, and its counters with it.
  void count() {
    if (!h_.log) return;
    const auto stats = h_.log->stats();
    done_.segments_rolled += stats.segments_rolled;
    done_.segments_deleted += stats.segments_deleted;
    done_.segments_compacted += stats.segments_compacted;
  }

  TopicPartition any() {
    const uint8_t ids[] = {kBySize, kCompacted, kBoth, kPlain};
    return partition(ids[random_() % 4]);
  }

  void step() {
    const auto what = random_() % 100;
    if (what < 60) return append(any());
    if (what < 75) return static_cast<void>(h_.log->run_housekeeping().ok());
    if (what < 82) return static_cast<void>(h_.log->checkpoint().ok());
    if (what < 90) return trim(any());
    if (what < 94) return come_and_go();
    if (what < 96) return change_settings(any().topic);
    h_.clock.move(std::chrono::milliseconds(random_() % 30));
  }

  void append(const TopicPartition& id) {
    Known& log = logs_[id];
    const auto from = static_cast<int64_t>(log.attempts.size());
    const int64_t to = from + 1 + static_cast<int64_t>(random_() % 4);
    Bytes bytes = model_.batch(id, from, to, log.attempt);
    const uint64_t before = log.bytes.empty() ? 0 : log.bytes.back();
    log.attempts.resize(static_cast<size_t>(to), log.attempt);
    log.bytes.resize(static_cast<size_t>(to), before + bytes.size());
    const auto behind = PredictedLog::timestamp(to) - h_.clock.now_ms().value();
    if (behind > 0) h_.clock.move(std::chrono::milliseconds(behind));
    std::vector<PartitionAppend> entries;
    entries.push_back({id, std::move(bytes)});
    auto result = h_.append(std::move(entries));
    if (!result.ok()) return;  // only without power
    EXPECT_EQ((*result)[0].base_offset, Offset(from));
    log.acknowledged = to;
  }

  void trim(const TopicPartition& id) {
    auto state = h_.log->state(id);
    const auto room = state->high_watermark - state->start_offset;
    const int64_t before =
        (state->start_offset + static_cast<int64_t>(random_() % static_cast<uint64_t>(room + 1)))
            .value();
    logs_[id].trim_asked = std::max(logs_[id].trim_asked, before);
    if (h_.log->delete_records(id, Offset(before)).ok()) logs_[id].trimmed = before;
  }

  void change_settings(const TopicId& id) {
    roll_dice(h_.topics[id], random_, kPace);
    h_.log->change_settings(id, h_.topics[id]);
  }

  void come_and_go() {
    const uint8_t id = 9;
    if (!h_.topics.contains(topic_id(id))) {
      h_.add_topic(id, "short").segment_bytes = 1500;
      EXPECT_TRUE(h_.log->add_partitions(topic_id(id), h_.topics[topic_id(id)], 3).ok());
    }
    for (int i = 0; i < 5; ++i)
      static_cast<void>(h_.append(partition(id), {std::string(900, 'x')}).ok());
    if (random_() % 2 == 0) return;
    h_.topics.erase(topic_id(id));  // metadata forgets it first
    h_.log->remove_topic(topic_id(id));
  }

  // What of the unanswered appends is there now stays, the rest of the offsets is given out again.
  void recovered(const TopicPartition& id, Known& log) {
    const int64_t end = h_.log->state(id)->high_watermark.value();
    EXPECT_GE(end, log.acknowledged) << "lost: " << h_.topics[id.topic].name;
    EXPECT_LE(end, static_cast<int64_t>(log.attempts.size()));
    log.attempts.resize(static_cast<size_t>(end));
    log.bytes.resize(static_cast<size_t>(end));
    log.acknowledged = end;
    ++log.attempt;
  }

  void check() {
    for (auto& [id, log] : logs_) {
      const TopicSettings& topic = h_.topics[id.topic];
      auto state = *h_.log->state(id);
      EXPECT_FALSE(state.offline) << state.offline->message;
      const int64_t end = state.high_watermark.value();
      const int64_t start = state.start_offset.value();
      ASSERT_EQ(end, log.acknowledged) << topic.name;
      EXPECT_GE(start, log.trimmed) << topic.name << ": deleted records are back";
      if (start > log.trim_asked) check_retention(id, log, start);
      auto missing = [&, id = id](int64_t offset) {
        const int64_t age = h_.clock.now_ms().value() - PredictedLog::timestamp(offset);
        if (!topic.compact || age < topic.min_compaction_lag_ms) return false;
        return model_.superseded(id, offset, end) ||
               (model_.tombstone(id, offset) && age >= topic.delete_retention_ms);
      };
      auto record = [&, id = id](int64_t offset) {
        return model_.record(id, offset, log.attempts.at(static_cast<size_t>(offset)));
      };
      Follower who(topic.name, {record, missing});
      who.seek(start);
      while (who.at() < end && !::testing::Test::HasFailure()) {
        auto read = h_.log->read(id, Offset(who.at()), 1 + random_() % 3000);
        ASSERT_TRUE(read.ok()) << read.error().message;
        who.take(read->batches, end);
      }
      if (start > 0) {
        EXPECT_EQ(h_.log->read(id, Offset(start - 1), 100).error().kind, ErrorKind::kOutOfRange);
      }
    }
  }

  void check_retention(const TopicPartition& id, const Known& log, int64_t start) {
    const auto gone = static_cast<size_t>(start - 1);
    if (id.topic == topic_id(kBySize)) {
      EXPECT_GE(log.bytes.back() - log.bytes.at(gone), kRetentionBytes);
    } else if (id.topic == topic_id(kBoth)) {
      EXPECT_LT(PredictedLog::timestamp(start - 1) + kRetentionMs, h_.clock.now_ms().value());
    } else {
      ADD_FAILURE() << "nothing may remove records of " << h_.topics[id.topic].name << " before "
                    << start;
    }
  }

  std::mt19937_64 random_;
  const PredictedLog model_;
  LogHarness h_;
  std::map<TopicPartition, Known> logs_;
  inline static Stats done_;
};

TEST(CrashedRaces, randomRunsAgreeWithTheModel) {
  const char* wanted = std::getenv("SLUICE_SEEDS");
  const uint64_t seeds = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 60;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    std::mt19937_64 random(seed);
    CrashedRaces run(seed);
    for (int generation = 0; generation < 4; ++generation) {
      run.round(20 + static_cast<int>(random() % 80), random() % 4 == 0 ? 0 : 1 + random() % 600);
      ASSERT_FALSE(HasFailure()) << "seed " << seed;
    }
  }
  CrashedRaces::expect_all_tried();
}

TEST(CrashedRaces, aCutAtEveryStepOfTheDiskAgreesWithTheModel) {
  const char* stride = std::getenv("SLUICE_SWEEP_STRIDE");
  const uint64_t by = stride != nullptr ? std::strtoull(stride, nullptr, 10) : 7;
  uint64_t cut = 1;
  for (bool reached = true; reached; cut += by) {
    CrashedRaces run(4711);
    run.round(50, 0);
    reached = run.round(60, cut);
    ASSERT_FALSE(HasFailure()) << "cut " << cut;
  }
  EXPECT_GT(cut, 100u);
  std::printf("%llu steps of the disk, every %llu. cut\n", static_cast<unsigned long long>(cut),
              static_cast<unsigned long long>(by));
}

}  // namespace
}  // namespace sluice::storage
