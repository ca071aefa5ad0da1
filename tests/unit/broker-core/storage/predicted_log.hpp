// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <functional>
#include <random>

#include "tests/unit/broker-core/storage/log_fixture.hpp"

namespace sluice::storage {

// The model of a log: what an offset holds is a function of seed, partition and offset (and of the
// attempt, where a crash makes an offset free again), so nobody has to remember what was written.
class PredictedLog {
 public:
  static constexpr int64_t kStartMs = 1'700'000'000'000;
  struct Record {
    std::string key;
    std::optional<std::string> value;
    bool operator==(const Record&) const = default;
  };

  PredictedLog(uint64_t seed, int keys) : seed_(seed), keys_(keys) {}

  std::string key(const TopicPartition& id, int64_t offset) const {
    return "k" + std::to_string(mix(id, offset, 0) % static_cast<uint64_t>(keys_));
  }
  bool tombstone(const TopicPartition& id, int64_t offset) const {
    return mix(id, offset, 1) % 9 == 0;
  }
  Record record(const TopicPartition& id, int64_t offset, int attempt = 0) const {
    Record result{key(id, offset), std::nullopt};
    if (tombstone(id, offset)) return result;
    result.value = std::to_string(offset) + ":" + std::to_string(attempt) + ":" +
                   std::string(mix(id, offset, 2) % 400, 'x');
    return result;
  }
  static int64_t timestamp(int64_t offset) { return kStartMs + offset; }

  // One batch for the offsets [from, to).
  Bytes batch(const TopicPartition& id, int64_t from, int64_t to, int attempt = 0) const {
    model::BatchBuilder builder;
    for (int64_t offset = from; offset < to; ++offset) {
      const auto one = record(id, offset, attempt);
      std::optional<ByteView> value;
      if (one.value) value = as_bytes(*one.value);
      builder.add(timestamp(offset), as_bytes(one.key), value);
    }
    return builder.finish();
  }

  // Whether a later record below `end` has the key of `offset`.
  bool superseded(const TopicPartition& id, int64_t offset, int64_t end) const {
    const std::string wanted = key(id, offset);
    for (int64_t later = offset + 1; later < end; ++later) {
      if (key(id, later) == wanted) return true;
    }
    return false;
  }

 private:
  uint64_t mix(const TopicPartition& id, int64_t offset, uint64_t salt) const {
    std::seed_seq seq{seed_, uint64_t{id.topic.bytes[0]},
                      static_cast<uint64_t>(id.partition.value()), static_cast<uint64_t>(offset),
                      salt};
    uint32_t out[2];
    seq.generate(out, out + 2);
    return uint64_t{out[0]} << 32 | out[1];
  }
  const uint64_t seed_;
  const int keys_;
};

// By dice: when a topic's segments are rolled, and when it is worth a compaction. `pace`:
// milliseconds that are long for the test's clock. What may be missing does not depend on these.
inline void roll_dice(TopicSettings& topic, std::mt19937_64& random, int64_t pace) {
  const auto milliseconds = [&] {
    return 1 + static_cast<int64_t>(random() % static_cast<uint64_t>(pace));
  };
  topic.segment_bytes = 1500 + random() % 8000;
  topic.segment_ms = random() % 2 == 0 ? INT64_MAX : milliseconds();
  topic.segment_index_bytes =
      random() % 2 == 0 ? 10u << 20 : 16 + random() % 100;  // one to twelve entries
  topic.index_interval_bytes = 200 + random() % 400;
  topic.min_cleanable_dirty_ratio = static_cast<double>(random() % 100) / 100;
  topic.max_compaction_lag_ms =
      random() % 2 == 0 ? INT64_MAX : topic.min_compaction_lag_ms + milliseconds();
}

// Takes what reads give, in order, and says where it differs from the model.
class Follower {
 public:
  struct Rules {
    std::function<PredictedLog::Record(int64_t)> record;
    std::function<bool(int64_t)> may_be_missing;
  };
  Follower(std::string name, Rules rules) : name_(std::move(name)), rules_(std::move(rules)) {}

  int64_t at() const { return at_; }
  void seek(int64_t offset) { at_ = offset; }
  uint64_t records() const { return records_; }

  // `batches` is what a read from at() gave; empty: there is nothing up to `high_watermark`.
  void take(ByteView batches, int64_t high_watermark) {
    if (batches.empty()) return skip_to(high_watermark);
    while (!batches.empty()) {
      auto header = model::read_batch_header(batches);
      ASSERT_TRUE(header.ok()) << name_ << ": " << header.error().message;
      auto reader = model::RecordReader::open(batches.first(header->size()));
      ASSERT_TRUE(reader.ok()) << name_ << ": " << reader.error().message;
      model::RecordView view;
      while (true) {
        auto more = reader->next(view);
        ASSERT_TRUE(more.ok()) << name_ << ": " << more.error().message;
        if (!*more) break;
        const int64_t offset = view.offset.value();
        ASSERT_LT(offset, high_watermark) << name_ << " serves more than is durable";
        PredictedLog::Record record{std::string(as_text(*view.key)), std::nullopt};
        if (view.value) record.value = std::string(as_text(*view.value));
        ASSERT_EQ(record.key, rules_.record(offset).key) << name_ << " offset " << offset;
        ASSERT_EQ(record.value, rules_.record(offset).value) << name_ << " offset " << offset;
        ASSERT_EQ(view.timestamp, PredictedLog::timestamp(offset)) << name_ << " offset " << offset;
        if (offset < at_) continue;  // of a batch that begins before the asked offset
        skip_to(offset);
        at_ = offset + 1;
        ++records_;
      }
      skip_to(header->next_offset().value());
      batches = batches.subspan(header->size());
    }
  }

 private:
  void skip_to(int64_t offset) {
    for (; at_ < offset; ++at_) {
      ASSERT_TRUE(rules_.may_be_missing(at_)) << name_ << " misses offset " << at_;
    }
  }

  const std::string name_;
  const Rules rules_;
  int64_t at_ = 0;
  uint64_t records_ = 0;
};

}  // namespace sluice::storage
