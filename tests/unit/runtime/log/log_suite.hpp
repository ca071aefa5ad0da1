// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "broker-core/model/record_batch.hpp"
#include "runtime/log/log.hpp"

// What every backend of log::Log must do. A backend gives a factory; the suite runs over all of
// them.
namespace sluice::log::suite {

// One log and the world below it.
class Fixture {
 public:
  virtual ~Fixture() = default;
  virtual Log& log() = 0;
  // Goes on until `done` says true; false when it never will (nothing left to do, or a deadline).
  virtual bool until(const std::function<bool()>& done) = 0;
  // Closes the log and opens it again over the same data. All consumers must be gone.
  virtual void reopen() = 0;
};

struct Backend {
  std::string name;
  std::function<std::unique_ptr<Fixture>()> make;
};
inline void PrintTo(const Backend& backend, std::ostream* out) {
  *out << backend.name;
}

inline Bytes batch_of(const std::vector<std::string>& values) {
  model::BatchBuilder builder;
  for (const std::string& value : values)
    EXPECT_TRUE(builder.add(1, as_bytes("k"), as_bytes(value)));
  return builder.finish();
}

inline std::vector<std::string> values_of(ByteView bytes, Offset from = Offset(0)) {
  std::vector<std::string> values;
  while (!bytes.empty()) {
    auto reader = model::RecordReader::open(bytes);
    EXPECT_TRUE(reader.ok());
    model::RecordView view;
    while (reader->next(view).value())
      if (view.offset >= from) values.emplace_back(view.value ? as_text(*view.value) : "null");
    bytes = bytes.subspan(reader->header().size());
  }
  return values;
}

// What a callback answers, maybe on a thread of the log.
template <class T>
class Answer {
 public:
  void set(T value) {
    std::lock_guard lock(mutex_);
    value_ = std::move(value);
  }
  bool has_come() {
    std::lock_guard lock(mutex_);
    return value_.has_value();
  }
  T take() {
    std::lock_guard lock(mutex_);
    return std::move(*value_);
  }

 private:
  std::mutex mutex_;
  std::optional<T> value_;
};

class LogSuite : public ::testing::TestWithParam<Backend> {
 protected:
  LogSuite() : fixture_(GetParam().make()) {}
  Log& log() { return fixture_->log(); }

  Result<std::vector<Appended>> append(AppendRequest request) {
    auto answer = std::make_shared<Answer<Result<std::vector<Appended>>>>();
    log().append(std::move(request), [answer](auto result) { answer->set(std::move(result)); });
    EXPECT_TRUE(fixture_->until([&] { return answer->has_come(); }));
    return answer->take();
  }
  Result<std::vector<Appended>> append(const std::string& topic, int partition,
                                       const std::vector<std::string>& values) {
    AppendRequest request;
    request.batches.push_back({{topic, PartitionId(partition)}, batch_of(values)});
    return append(std::move(request));
  }
  std::vector<std::string> read(const std::string& topic, int partition, int64_t from = 0) {
    auto fetched = log().read({topic, PartitionId(partition)}, Offset(from), 1 << 20);
    EXPECT_TRUE(fetched.ok()) << (fetched.ok() ? "" : fetched.error().message);
    return fetched.ok() ? values_of(fetched->batches, Offset(from)) : std::vector<std::string>{};
  }
  std::vector<std::string> read_offsets() {
    std::vector<std::string> all;
    for (int p = 0; p < 25; ++p)
      for (auto& value : read("connect-offsets", p)) all.push_back(std::move(value));
    return all;
  }
  void make_topic(const std::string& name, int partitions = 1) {
    auto topic = log().create_topic({name, partitions, -1, {}});
    ASSERT_TRUE(topic.ok()) << topic.error().message;
  }

  std::unique_ptr<Fixture> fixture_;
};

// A consumer driven as a sink task does it.
class Member {
 public:
  Member(Fixture& fixture, Subscription subscription) : fixture_(fixture) {
    auto consumer = fixture.log().subscribe(subscription, [this] { ++woken; });
    EXPECT_TRUE(consumer.ok()) << (consumer.ok() ? "" : consumer.error().message);
    consumer_ = std::move(*consumer);
  }
  ~Member() { consumer_.reset(); }

  // Handles events until there are none; a revocation commits what was read before it lets go.
  void drain() {
    for (int guard = 0; guard < 1000; ++guard) {
      auto event = consumer_->next(1 << 20);
      if (!event.ok()) {
        errors.push_back(event.error());
        return;
      }
      if (std::holds_alternative<std::monostate>(*event)) return;
      if (auto* assign = std::get_if<Assign>(&*event)) {
        epochs.push_back(consumer_->epoch());
        for (auto& offset : assign->partitions) owned[offset.partition] = offset.next;
        ++assignments;
      } else if (auto* revoke = std::get_if<Revoke>(&*event)) {
        lost = lost || revoke->lost;
        for (auto& partition : revoke->partitions) owned.erase(partition);
        ++revocations;
      } else {
        auto& fetched = std::get<Fetched>(*event);
        for (auto& value : values_of(fetched.batches, fetched.from)) read.push_back(value);
      }
    }
    ADD_FAILURE() << "the consumer has no end of events";
  }
  Status commit(const TopicPartitionName& partition, int64_t next) {
    auto answer = std::make_shared<Answer<Status>>();
    consumer_->commit({{partition, Offset(next)}},
                      [answer](Status status) { answer->set(std::move(status)); });
    EXPECT_TRUE(fixture_.until([&] { return answer->has_come(); }));
    return answer->take();
  }
  Consumer& consumer() { return *consumer_; }

  std::map<TopicPartitionName, Offset> owned;
  std::vector<std::string> read;
  std::vector<Error> errors;
  std::vector<int64_t> epochs;
  int assignments = 0, revocations = 0;
  bool lost = false;
  std::atomic<int> woken{0};

 private:
  Fixture& fixture_;
  std::unique_ptr<Consumer> consumer_;
};

inline Subscription subscription(const std::string& group, std::vector<std::string> topics) {
  Subscription result;
  result.group = group;
  result.client_id = "connector-consumer-test";
  result.topics = std::move(topics);
  return result;
}

}  // namespace sluice::log::suite
