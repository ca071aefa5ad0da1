// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <optional>

#include "runtime/config/java_regex.hpp"
#include "runtime/log/embedded_log.hpp"

namespace sluice::log {

// A member of a consumer group in this process: joins and syncs by direct calls, leads the group if
// the coordinator says so (range assignment), and reads its partitions from the broker.
//
// Held by its owner through a handle and by nobody else: callbacks of the broker have weak
// pointers. Threads: the owner's calls one at a time; callbacks from anywhere. Ends with leave().
class EmbeddedConsumer : public std::enable_shared_from_this<EmbeddedConsumer> {
 public:
  EmbeddedConsumer(std::shared_ptr<EmbeddedShared> shared, Subscription subscription,
                   std::optional<config::JavaRegex> regex, std::function<void()> ready);

  Result<ConsumerEvent> next(size_t max_bytes);
  void seek(const TopicPartitionName& partition, Offset offset);
  void pause(const TopicPartitionName& partition, bool paused);
  void commit(std::vector<GroupOffset> offsets, std::function<void(Status)> done);
  int64_t epoch() const;
  void leave();
  // Topics came or went; any thread.
  void check_topics();

 private:
  enum class State {
    kOut,       // not joined, or about to join again: the owner has no partitions
    kJoining,   // an answer of the coordinator is awaited
    kAssigned,  // an assignment is there, the owner does not know yet
    kStable,
    kRevoked,  // the owner was told; joins again with the next call
  };
  struct Position {
    Offset next{-1};  // -1: as auto.offset.reset says
    bool paused = false;
  };
  using Lock = std::unique_lock<std::mutex>;

  void join(Lock& lock);
  void joined(coordinator::JoinResponse response);
  void sync(const coordinator::JoinResponse& response);
  void synced(coordinator::SyncResponse response);
  void out_of_group(Lock& lock, coordinator::GroupError error, const std::string& detail);
  std::map<std::string, Bytes> assign_all(const coordinator::JoinResponse& response) const;
  std::map<std::string, int32_t> wanted_topics() const;  // that exist, with their partitions
  bool matches(const std::string& topic) const;
  void rebalance_wanted();
  void call_ready(Lock& lock);

  Result<ConsumerEvent> revoke(Lock& lock);
  Result<ConsumerEvent> assign(Lock& lock);
  Result<ConsumerEvent> fetch(Lock& lock, size_t max_bytes);
  Result<std::optional<Fetched>> fetch_one(const TopicPartitionName& name, Position& position,
                                           size_t max_bytes);
  Status reset_position(const TopicPartitionName& name, Position& position);
  void wait_for_records(Lock& lock);

  const std::shared_ptr<EmbeddedShared> shared_;
  const Subscription subscription_;
  const std::optional<config::JavaRegex> regex_;
  mutable std::mutex mutex_;  // guards all below
  std::function<void()> ready_;
  State state_ = State::kOut;
  bool left_ = false;
  bool rebalance_ = false;  // the coordinator, or a change of topics, asks to join again
  bool waiting_ = false;    // the owner was told to wait: call ready_ once
  std::string member_id_;
  GenerationId generation_{-1};
  std::map<std::string, int32_t> known_topics_;  // as of the last join
  std::vector<TopicPartitionName> assignment_;
  std::map<TopicPartitionName, Position> positions_;
  size_t turn_ = 0;  // whose records are next
  int64_t epoch_ = 0;
  int refusals_ = 0;  // in a row, by the coordinator
  std::optional<Error> failure_;
  std::unique_ptr<server::Broker::Watch> watch_;
};

Result<std::unique_ptr<Consumer>> open_embedded_consumer(
    const std::shared_ptr<EmbeddedShared>& shared, const Subscription& subscription,
    std::function<void()> ready);
// All consumers look again at what topics there are.
void topics_changed(const std::shared_ptr<EmbeddedShared>& shared);

}  // namespace sluice::log
