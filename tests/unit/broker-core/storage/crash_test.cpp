// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <random>
#include <set>

#include "tests/unit/broker-core/storage/log_fixture.hpp"

// Random appends, checkpoints, full disks, failing syncs, kills and power losses under a seed, and a checker.
namespace sluice::storage {
namespace {

using testing::DiskCall;
using testing::DiskFault;

struct Append {
  std::vector<std::pair<TopicPartition, std::vector<std::string>>> parts;
  std::shared_ptr<LogHarness::Outcome> outcome;
  enum { kOpen, kAcknowledged, kFailed, kUnknown } state = kOpen;
  std::vector<AppendResult> result;
};

class CrashRun {
 public:
  explicit CrashRun(uint64_t seed) : random_(seed), h_(seed) {
    h_.settings.checkpoint_bytes = 20'000 + random_() % 50'000;
    h_.settings.commit_file_bytes = 16'384 + random_() % 65'536;
    h_.settings.round_bytes_max = 5'000 + random_() % 20'000;
    if (seed % 2 == 0) h_.settings.write_through_bytes = 1 + random_() % 4'000;
    for (auto& [id, topic] : h_.topics) topic.segment_bytes = 4'000 + random_() % 20'000;
  }

  void run() {
    h_.open();
    for (int generation = 0; generation < 4; ++generation) {
      if (random_() % 3 != 0) h_.disk.power_off_after(1 + random_() % 250);
      const size_t steps = 5 + random_() % 60;
      for (size_t i = 0; i < steps && !h_.disk.powered_off(); ++i) step();
      end_generation();
      if (::testing::Test::HasFailure()) return;
    }
  }

 private:
  void step() {
    const auto what = random_() % 100;
    if (what < 70) {
      start_append();
    } else if (what < 90) {
      h_.executor.run_ready(1 + random_() % 3);
    } else if (what < 94) {
      static_cast<void>(h_.log->checkpoint().ok());
    } else if (what < 97) {
      h_.disk.inject(random_() % 4 == 0 ? DiskCall::kAllocate : DiskCall::kWrite,
                     random_() % 2 == 0 ? DiskFault::kShortNoSpace : DiskFault::kNoSpace, 1 + random_() % 10);
    } else if (what == 97) {
      h_.disk.inject(DiskCall::kSync, DiskFault::kSyncDrops, 1 + random_() % 6);
    } else {
      check_visible();
    }
    collect();
  }

  void start_append() {
    Append append;
    std::vector<PartitionAppend> entries;
    const size_t parts = 1 + random_() % 3;
    for (size_t p = 0; p < parts; ++p) {
      const auto to = partition(static_cast<uint8_t>(1 + random_() % 2), static_cast<int32_t>(random_() % 3));
      std::vector<std::string> values;
      Bytes bytes;
      for (size_t b = 0; b < 1 + random_() % 2; ++b) {
        std::vector<std::string> texts;
        for (size_t r = 0; r < 1 + random_() % 3; ++r) {
          texts.push_back(std::to_string(next_value_++) + ":" + std::string(random_() % 700, 'x'));
        }
        auto one = batch(texts);
        bytes.insert(bytes.end(), one.begin(), one.end());
        values.insert(values.end(), texts.begin(), texts.end());
      }
      append.parts.emplace_back(to, values);
      entries.push_back({to, std::move(bytes)});
    }
    append.outcome = h_.start_append(std::move(entries));
    appends_.push_back(std::move(append));
  }

  void collect() {
    for (auto& append : appends_) {
      if (append.state != Append::kOpen || !append.outcome->has_value()) continue;
      auto& result = **append.outcome;
      if (result.ok()) {
        append.state = Append::kAcknowledged;
        append.result = *result;
      } else {
        // After a fatal error what is durable is open until the restart.
        append.state = result.error().kind == ErrorKind::kFatal ? Append::kUnknown : Append::kFailed;
      }
    }
  }

  std::map<TopicPartition, std::map<int64_t, std::string>> everything() {
    std::map<TopicPartition, std::map<int64_t, std::string>> all;
    for (uint8_t topic : {1, 2}) {
      for (int32_t number : {0, 1, 2}) {
        auto records = h_.read_all(partition(topic, number), 1 + random_() % 5000);
        if (!records.ok() && h_.disk.powered_off()) return {};
        EXPECT_TRUE(records.ok()) << records.error().message;
        if (records.ok()) all[partition(topic, number)] = std::move(*records);
      }
    }
    return all;
  }

  void check_visible() {
    collect();
    auto all = everything();
    if (h_.disk.powered_off()) return;
    check(all);
  }

  void check(const std::map<TopicPartition, std::map<int64_t, std::string>>& all) {
    std::map<std::string, std::pair<TopicPartition, int64_t>> places;
    for (const auto& [id, records] : all) {
      int64_t next = 0;
      for (const auto& [offset, value] : records) {
        EXPECT_EQ(offset, next++) << "gap";
        EXPECT_TRUE(places.emplace(value, std::pair{id, offset}).second) << "twice: " << value.substr(0, 8);
      }
    }
    for (const auto& append : appends_) {
      size_t found = 0, wanted = 0;
      for (size_t p = 0; p < append.parts.size(); ++p) {
        for (size_t i = 0; i < append.parts[p].second.size(); ++i, ++wanted) {
          auto it = places.find(append.parts[p].second[i]);
          if (it == places.end()) continue;
          ++found;
          if (append.state == Append::kAcknowledged) {
            EXPECT_EQ(it->second.first, append.result[p].partition);
            EXPECT_EQ(it->second.second, append.result[p].base_offset.value() + static_cast<int64_t>(i));
          }
        }
      }
      const std::string name = append.parts[0].second[0].substr(0, 8);
      if (append.state == Append::kAcknowledged) {
        EXPECT_EQ(found, wanted) << "lost: " << name;
      } else if (append.state == Append::kFailed) {
        EXPECT_EQ(found, 0u) << "failed, yet there: " << name;
      } else {
        EXPECT_TRUE(found == 0 || found == wanted) << "torn: " << name << " " << found << " of " << wanted;
      }
    }
  }

  void end_generation() {
    collect();
    for (auto& append : appends_) {
      if (append.state == Append::kOpen) append.state = Append::kUnknown;
    }
    h_.disk.clear_injections();
    if (random_() % 3 == 0) {
      h_.kill();
    } else {
      h_.crash();
    }
    // Recovery itself is cut short a few times.
    for (int i = 0; i < 3 && random_() % 2 == 0; ++i) {
      h_.disk.power_off_after(1 + random_() % 40);
      static_cast<void>(h_.try_open().ok());
      if (random_() % 2 == 0) {
        h_.kill();
      } else {
        h_.crash();
      }
    }
    if (random_() % 4 == 0) {  // what a crash leaves behind is no damage
      auto findings = verify_directory(h_.disk, "data", {});
      EXPECT_TRUE(findings.ok()) << findings.error().message;
      for (const auto& finding : *findings) EXPECT_FALSE(finding.damage) << finding.file << ": " << finding.text;
    }
    if (random_() % 3 == 0) {  // a replay rolls elsewhere than the appends did
      for (auto& [id, topic] : h_.topics) topic.segment_bytes = 4'000 + random_() % 20'000;
    }
    h_.open();
    if (::testing::Test::HasFailure()) return;
    auto served = everything();
    check(served);
    // What was served once stays, whatever the page cache did.
    if (random_() % 2 == 0) {
      h_.crash();
      h_.open();
      EXPECT_EQ(everything(), served) << "served, then lost";
    }
    // What is there now of the appends without an answer stays, what is not never comes.
    for (auto& append : appends_) {
      if (append.state != Append::kUnknown) continue;
      bool there = false;
      for (const auto& [offset, value] : served[append.parts[0].first]) {
        there = there || value == append.parts[0].second[0];
      }
      append.state = Append::kFailed;
      if (there) appends_to_keep_.insert(append.parts[0].second[0]);
    }
    std::erase_if(appends_, [&](const Append& append) {
      return append.state == Append::kFailed && appends_to_keep_.contains(append.parts[0].second[0]);
    });
  }

  std::mt19937_64 random_;
  LogHarness h_;
  std::vector<Append> appends_;
  std::set<std::string> appends_to_keep_;
  uint64_t next_value_ = 0;
};

TEST(LogCrash, randomRunsKeepEveryPromise) {
  const char* wanted = std::getenv("SLUICE_SEEDS");  // how many; more than the default for a long search
  const uint64_t seeds = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 200;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    CrashRun(seed).run();
    if (HasFailure()) {
      FAIL() << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace sluice::storage
