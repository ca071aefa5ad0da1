// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "runtime/log/log.hpp"

namespace sluice::testing {

// A consumer whose events the test chooses.
struct ScriptedConsumer {
  std::mutex mutex;  // guards all below
  std::deque<Result<log::ConsumerEvent>> events;
  std::vector<std::pair<TopicPartitionName, Offset>> seeks;
  std::map<TopicPartitionName, bool> paused;
  std::vector<std::vector<log::GroupOffset>> commits;
  std::vector<std::function<void(Status)>> held_commits;
  bool hold_commits = false;
  Status commit_status = ok();
  int64_t epoch = 1;
  bool left = false;
  std::function<void()> ready;
  size_t asked = 0;  // calls of next()

  void push(log::ConsumerEvent event);
  void fail(Error error);
};

// A log in memory for tests of what sits on top of it: completions can be held back and errors
// injected, consumers are scripted. Thread-safe. Completions run in the thread that appends, or in
// release().
class FakeLog : public log::Log {
 public:
  FakeLog() = default;

  // --- what tests do to it
  void hold(bool on);  // appends complete only by release()
  size_t held() const;
  void release(size_t count = SIZE_MAX);          // in order
  void fail_next(Error error, size_t times = 1);  // appends
  uint64_t appends() const;
  std::vector<std::pair<std::string, std::optional<std::string>>> values(
      const std::string& topic) const;
  // (connector, partition) -> offset, as made durable
  std::map<std::pair<std::string, std::string>, std::string> offsets() const;
  std::shared_ptr<ScriptedConsumer> consumer() { return consumer_; }

  // --- log::Log
  void append(log::AppendRequest request, log::AppendDone done) override;
  Result<log::Fetched> read(const TopicPartitionName& partition, Offset from,
                            size_t max_bytes) override;
  std::unique_ptr<Watch> watch(std::vector<std::pair<TopicPartitionName, Offset>> from,
                               std::function<void()> ready) override;
  Result<std::unique_ptr<log::Consumer>> subscribe(const log::Subscription& subscription,
                                                   std::function<void()> ready) override;
  Result<std::vector<log::GroupOffset>> group_offsets(const std::string& group) override;
  Result<log::TopicInfo> create_topic(const log::TopicSpec& spec) override;
  Status delete_topic(const std::string& name) override;
  Result<std::vector<log::TopicInfo>> topics(const std::string& name) override;
  Result<std::vector<log::PartitionRange>> ranges(const std::string& topic) override;
  Result<int64_t> fence(const std::string& producer) override;
  std::string cluster_id() override { return "fake"; }

 private:
  struct Partition {
    std::vector<Bytes> batches;
    Offset end{0};
  };
  struct Held {
    log::AppendRequest request;
    log::AppendDone done;
  };
  Result<std::vector<log::Appended>> apply(log::AppendRequest& request);

  mutable std::mutex mutex_;  // guards all below
  std::map<std::string, log::TopicInfo> topics_;
  std::map<TopicPartitionName, Partition> partitions_;
  std::map<std::pair<std::string, std::string>, std::string> offsets_;
  std::map<std::string, int64_t> epochs_;
  std::deque<Held> held_;
  bool hold_ = false;
  std::deque<Error> failures_;
  uint64_t appends_ = 0;
  std::vector<std::pair<std::weak_ptr<void>, std::function<void()>>> watchers_;
  std::shared_ptr<ScriptedConsumer> consumer_ = std::make_shared<ScriptedConsumer>();
};

}  // namespace sluice::testing
