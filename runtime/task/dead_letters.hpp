// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/log/log.hpp"
#include "runtime/task/settings.hpp"
#include "runtime/task/topic_batches.hpp"

namespace sluice::task {

// Where a record failed: Kafka Connect's TASK_POLL, TASK_PUT, KEY_CONVERTER, VALUE_CONVERTER,
// HEADER_CONVERTER, KAFKA_PRODUCE.
enum class Stage { kPoll, kPut, kKeyConverter, kValueConverter, kHeaderConverter, kProduce };

// A bad record as it came, and what is wrong with it. Borrowed.
struct DeadLetter {
  std::string_view topic;  // which a sink read it from, or a source meant it for
  int32_t partition = -1;
  int64_t offset = -1;
  int64_t timestamp = 0;
  std::optional<ByteView> key;
  std::optional<ByteView> value;
  std::span<const model::HeaderView> headers;
  Stage stage = Stage::kPoll;
  std::string_view error;
};

// The dead letter topic of one task (KIP-298): makes it, and turns bad records into what an append
// carries there. Whoever appends sees to it that no offset passes a record before its letter is
// durable. Owned by the task, used by its thread; all of it is off the record path.
class DeadLetters {
 public:
  // `settings` outlives it. `created`: told of a topic that it made.
  DeadLetters(const CommonSettings& settings, log::Log& log,
              std::function<void(const std::string& topic)> created)
      : settings_(settings), log_(log), created_(std::move(created)) {}

  bool enabled() const {
    return settings_.errors.tolerate_all && !settings_.errors.dead_letter_topic.empty();
  }
  // Finds the topic, or makes it.
  Status open();
  // Adds a letter, and to `bytes` what it takes. kFatal: the topic takes none so large. Other
  // errors: the topic cannot be found or made (kRetriable among them).
  Status add(const DeadLetter& letter, size_t& bytes);
  uint64_t count() const { return count_; }  // of letters added
  // Moves what was added to the end of `out`.
  void finish(std::vector<log::BatchAppend>& out);
  // Forgets what is known of the topic (it was deleted), and what was added.
  void forget_topic();

 private:
  void add_context(const DeadLetter& letter);
  void add_header(const char* name, std::string value);
  const std::string& class_of(Stage stage) const;

  const CommonSettings& settings_;
  log::Log& log_;
  std::function<void(const std::string& topic)> created_;
  std::optional<TopicBatches> topic_;
  uint64_t count_ = 0;
  std::vector<model::HeaderView> headers_;
  std::vector<std::unique_ptr<std::string>> texts_;  // of the headers of the letter in work
};

}  // namespace sluice::task
