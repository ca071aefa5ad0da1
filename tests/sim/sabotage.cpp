// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sabotage.hpp"

namespace sluice::sim {
namespace {

class Saboteur : public log::Log {
 public:
  Saboteur(std::unique_ptr<log::Log> log, Sabotage sabotage)
      : log_(std::move(log)), sabotage_(sabotage) {}

  void append(log::AppendRequest request, log::AppendDone done) override {
    if (sabotage_ == Sabotage::kAcknowledgeBeforeDurable) {
      log_->append(std::move(request), [](auto) {});
      return done(std::vector<log::Appended>());
    }
    if (sabotage_ == Sabotage::kConfigForgotten) {
      if (!request.batches.empty() && request.batches[0].partition.topic == "connect-configs")
        return done(std::vector<log::Appended>());
      return log_->append(std::move(request), std::move(done));
    }
    log::AppendRequest offsets;
    offsets.offsets = std::move(request.offsets);
    offsets.producer = request.producer;
    offsets.epoch = request.epoch;
    request.offsets.clear();
    log_->append(std::move(offsets),
                 [this, request = std::move(request), done = std::move(done)](auto result) {
                   if (!result.ok()) return done(std::move(result));
                   log_->append(request, done);
                 });
  }
  Result<log::Fetched> read(const TopicPartitionName& partition, Offset from,
                            size_t max_bytes) override {
    return log_->read(partition, from, max_bytes);
  }
  std::unique_ptr<Watch> watch(std::vector<std::pair<TopicPartitionName, Offset>> from,
                               std::function<void()> ready) override {
    return log_->watch(std::move(from), std::move(ready));
  }
  Result<std::unique_ptr<log::Consumer>> subscribe(const log::Subscription& subscription,
                                                   std::function<void()> ready) override {
    return log_->subscribe(subscription, std::move(ready));
  }
  Result<std::vector<log::GroupOffset>> group_offsets(const std::string& group) override {
    return log_->group_offsets(group);
  }
  Result<log::TopicInfo> create_topic(const log::TopicSpec& spec) override {
    return log_->create_topic(spec);
  }
  Status delete_topic(const std::string& name) override { return log_->delete_topic(name); }
  Result<std::vector<log::TopicInfo>> topics(const std::string& name) override {
    return log_->topics(name);
  }
  Result<std::vector<log::PartitionRange>> ranges(const std::string& topic) override {
    return log_->ranges(topic);
  }
  Result<int64_t> fence(const std::string& producer) override { return log_->fence(producer); }
  std::string cluster_id() override { return log_->cluster_id(); }

 private:
  std::unique_ptr<log::Log> log_;
  const Sabotage sabotage_;
};

}  // namespace

std::unique_ptr<log::Log> sabotaged(std::unique_ptr<log::Log> log, Sabotage sabotage) {
  if (sabotage != Sabotage::kAcknowledgeBeforeDurable && sabotage != Sabotage::kOffsetsBeforeData &&
      sabotage != Sabotage::kConfigForgotten)
    return log;
  return std::make_unique<Saboteur>(std::move(log), sabotage);
}

}  // namespace sluice::sim
