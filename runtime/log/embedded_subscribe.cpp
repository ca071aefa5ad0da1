// SPDX-License-Identifier: Apache-2.0
#include "runtime/log/embedded_consumer.hpp"

// A consumer as its owner has it, and the look for topics that come and go.
namespace sluice::log {

namespace {

class ConsumerHandle : public Consumer {
 public:
  explicit ConsumerHandle(std::shared_ptr<EmbeddedConsumer> consumer)
      : consumer_(std::move(consumer)) {}
  ~ConsumerHandle() override { consumer_->leave(); }
  Result<ConsumerEvent> next(size_t max_bytes) override { return consumer_->next(max_bytes); }
  void seek(const TopicPartitionName& partition, Offset offset) override {
    consumer_->seek(partition, offset);
  }
  void pause(const TopicPartitionName& partition, bool paused) override {
    consumer_->pause(partition, paused);
  }
  void commit(std::vector<GroupOffset> offsets, std::function<void(Status)> done) override {
    consumer_->commit(std::move(offsets), std::move(done));
  }
  int64_t epoch() const override { return consumer_->epoch(); }
  void leave() override { consumer_->leave(); }

 private:
  std::shared_ptr<EmbeddedConsumer> consumer_;
};

void look_for_topics_later(const std::shared_ptr<EmbeddedShared>& shared) {
  shared->executor.post_after(shared->settings.topics_interval, [weak = std::weak_ptr(shared)] {
    auto alive = weak.lock();
    if (!alive) return;
    topics_changed(alive);
    {
      std::lock_guard lock(alive->mutex);
      if (alive->closed || alive->consumers.empty()) {
        alive->watching_topics = false;
        return;
      }
    }
    look_for_topics_later(alive);
  });
}

}  // namespace

void topics_changed(const std::shared_ptr<EmbeddedShared>& shared) {
  std::vector<std::shared_ptr<EmbeddedConsumer>> consumers;
  {
    std::lock_guard lock(shared->mutex);
    if (shared->closed) return;
    std::erase_if(shared->consumers, [&](const std::weak_ptr<EmbeddedConsumer>& weak) {
      auto consumer = weak.lock();
      if (consumer) consumers.push_back(consumer);
      return consumer == nullptr;
    });
  }
  for (auto& consumer : consumers) consumer->check_topics();
}

Result<std::unique_ptr<Consumer>> open_embedded_consumer(
    const std::shared_ptr<EmbeddedShared>& shared, const Subscription& subscription,
    std::function<void()> ready) {
  std::optional<config::JavaRegex> regex;
  if (!subscription.topics_regex.empty()) {
    auto compiled = config::JavaRegex::compile(subscription.topics_regex);
    if (!compiled.ok()) return compiled.error().with("topics.regex: " + subscription.topics_regex);
    regex = std::move(*compiled);
  }
  auto consumer =
      std::make_shared<EmbeddedConsumer>(shared, subscription, std::move(regex), std::move(ready));
  bool start_timer = false;
  {
    std::lock_guard lock(shared->mutex);
    shared->consumers.push_back(consumer);
    start_timer = !std::exchange(shared->watching_topics, true);
  }
  if (start_timer) look_for_topics_later(shared);
  return std::unique_ptr<Consumer>(std::make_unique<ConsumerHandle>(std::move(consumer)));
}

}  // namespace sluice::log
