// SPDX-License-Identifier: Apache-2.0
#include "runtime/task/dead_letters.hpp"

#include <algorithm>

#include "runtime/task/topic_creation.hpp"

namespace sluice::task {
namespace {

constexpr const char* kHeaderPrefix = "__connect.errors.";
// Of a topic that is made here: a record that is too large for its own topic has to fit.
constexpr const char* kLargestLetter = "33554432";

const char* name_of(Stage stage) {
  switch (stage) {
    case Stage::kPoll:
      return "TASK_POLL";
    case Stage::kPut:
      return "TASK_PUT";
    case Stage::kKeyConverter:
      return "KEY_CONVERTER";
    case Stage::kValueConverter:
      return "VALUE_CONVERTER";
    case Stage::kHeaderConverter:
      return "HEADER_CONVERTER";
    case Stage::kProduce:
      return "KAFKA_PRODUCE";
  }
  return "";
}

// What Kafka Connect throws there.
const char* exception_of(Stage stage) {
  return stage == Stage::kProduce ? "org.apache.kafka.connect.errors.ConnectException"
                                  : "org.apache.kafka.connect.errors.DataException";
}

}  // namespace

Status DeadLetters::open() {
  if (topic_) return ok();
  log::TopicSpec spec;
  spec.name = settings_.errors.dead_letter_topic;
  spec.partitions = 1;
  spec.replication_factor = settings_.errors.dead_letter_replication_factor;
  spec.configs["max.message.bytes"] = kLargestLetter;
  auto known = find_or_create_topic(log_, spec);
  if (!known.ok()) return std::move(known).error().with("the dead letter topic");
  topic_.emplace(spec.name, known->partitions, known->max_message_bytes);
  if (known->created) created_(spec.name);
  return ok();
}

Status DeadLetters::add(const DeadLetter& letter, size_t& bytes) {
  SLUICE_TRY(open());
  headers_.assign(letter.headers.begin(), letter.headers.end());
  texts_.clear();
  if (settings_.errors.dead_letter_context) add_context(letter);
  Status added = topic_->add(topic_->partition_for(letter.key), letter.timestamp, letter.key,
                             letter.value, headers_, bytes);
  if (!added.ok())
    return Error{ErrorKind::kFatal,
                 "a record cannot be written to the dead letter topic: " + added.error().message +
                     " Make the topic with a larger max.message.bytes."};
  ++count_;
  return ok();
}

void DeadLetters::add_context(const DeadLetter& letter) {
  const std::string error(letter.error);
  const std::string exception = exception_of(letter.stage);
  add_header("topic", std::string(letter.topic));
  add_header("partition", std::to_string(letter.partition));
  add_header("offset", std::to_string(letter.offset));
  add_header("connector.name", settings_.id.connector);
  add_header("task.id", std::to_string(settings_.id.task));
  add_header("stage", name_of(letter.stage));
  add_header("class.name", class_of(letter.stage));
  add_header("exception.class.name", exception);
  add_header("exception.message", error);
  add_header("exception.stacktrace", exception + ": " + error + "\n");
}

// As in Kafka Connect, a header that the record has already stays as it is.
void DeadLetters::add_header(const char* name, std::string value) {
  auto key = std::make_unique<std::string>(std::string(kHeaderPrefix) + name);
  if (std::ranges::any_of(headers_, [&](const auto& known) { return known.key == *key; })) return;
  auto text = std::make_unique<std::string>(std::move(value));
  headers_.push_back({*key, as_bytes(*text)});
  texts_.push_back(std::move(key));
  texts_.push_back(std::move(text));
}

const std::string& DeadLetters::class_of(Stage stage) const {
  switch (stage) {
    case Stage::kKeyConverter:
      return settings_.classes.key_converter;
    case Stage::kValueConverter:
      return settings_.classes.value_converter;
    case Stage::kHeaderConverter:
      return settings_.classes.header_converter;
    default:
      return settings_.classes.connector;
  }
}

void DeadLetters::finish(std::vector<log::BatchAppend>& out) {
  count_ = 0;
  if (!topic_) return;
  topic_->finish(out);
  topic_->turn();
}

void DeadLetters::forget_topic() {
  count_ = 0;
  topic_.reset();
}

}  // namespace sluice::task
