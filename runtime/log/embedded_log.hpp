// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <list>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "broker-core/server/broker.hpp"
#include "runtime/log/embedded.hpp"
#include "runtime/logging/logging.hpp"

namespace sluice::log {

class EmbeddedConsumer;

// What consumers and timers share with the log, and what outlives it for their sake.
struct EmbeddedShared {
  EmbeddedShared(EmbeddedSettings the_settings, EmbeddedDependencies dependencies)
      : settings(std::move(the_settings)),
        broker(dependencies.broker),
        disk(dependencies.disk),
        clock(dependencies.clock),
        executor(dependencies.executor) {}
  int64_t next_epoch() { return static_cast<int64_t>(incarnation << 32 | ++epochs); }

  const EmbeddedSettings settings;
  server::Broker& broker;
  Disk& disk;
  Clock& clock;
  Executor& executor;
  const logging::Logger logger{"log"};
  uint64_t incarnation = 0;  // grows with every start
  std::atomic<uint32_t> epochs{0};
  std::mutex mutex;  // guards all below
  std::list<std::weak_ptr<EmbeddedConsumer>> consumers;
  bool watching_topics = false;  // the timer is set
  bool closed = false;
};

// Log over the broker core in this process. See embedded.hpp.
class EmbeddedLog : public Log {
 public:
  explicit EmbeddedLog(std::shared_ptr<EmbeddedShared> shared) : shared_(std::move(shared)) {}
  ~EmbeddedLog() override;

  void append(AppendRequest request, AppendDone done) override;
  Result<Fetched> read(const TopicPartitionName& partition, Offset from, size_t max_bytes) override;
  std::unique_ptr<Watch> watch(std::vector<std::pair<TopicPartitionName, Offset>> from,
                               std::function<void()> ready) override;
  Result<std::unique_ptr<Consumer>> subscribe(const Subscription& subscription,
                                              std::function<void()> ready) override;
  Result<std::vector<GroupOffset>> group_offsets(const std::string& group) override;
  Result<TopicInfo> create_topic(const TopicSpec& spec) override;
  Status delete_topic(const std::string& name) override;
  Result<std::vector<TopicInfo>> topics(const std::string& name) override;
  Result<std::vector<PartitionRange>> ranges(const std::string& topic) override;
  Result<int64_t> fence(const std::string& producer) override;
  std::string cluster_id() override { return shared_->broker.cluster_id(); }

 private:
  struct Producer {
    int64_t epoch = 0;
    std::atomic<int> under_way{0};
  };
  using ProducerPtr = std::shared_ptr<Producer>;

  Status add_offsets(AppendRequest& request, std::vector<server::Broker::Batches>& entries);
  Result<int32_t> offsets_partitions();
  void hand_over(std::vector<server::Broker::Batches> entries, ProducerPtr producer,
                 AppendDone done);

  std::shared_ptr<EmbeddedShared> shared_;
  // Shared by an append from the check of its epoch until the broker has it, exclusive for a new
  // epoch: nothing of an old one gets in behind.
  std::shared_mutex fence_mutex_;
  std::unordered_map<std::string, ProducerPtr> producers_;
  std::atomic<int32_t> offsets_partitions_{0};  // 0 = not known yet
};

}  // namespace sluice::log
