// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/offset_store.hpp"

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "runtime/store/json.hpp"
#include "runtime/store/topic_log.hpp"

namespace sluice::store {
namespace {

// How often new records are taken in while sources write: bounds what a read has to catch up with.
constexpr std::chrono::seconds kCatchUpInterval(2);

struct Stored {
  std::string partition;  // as written last
  std::optional<std::string> offset;
  int64_t timestamp = 0;
};

class TopicOffsetStore : public OffsetStore, public std::enable_shared_from_this<TopicOffsetStore> {
 public:
  TopicOffsetStore(log::Log& log, Executor* executor, TopicSettings settings, Warn warn)
      : log_(log),
        executor_(executor),
        topic_(log, system_clock(), std::move(settings)),
        warn_(std::move(warn)) {}

  Status open() {
    SLUICE_TRY(topic_.open());
    std::lock_guard lock(mutex_);
    SLUICE_TRY(catch_up());
    watch_again();
    return ok();
  }

  void close() {
    std::unique_ptr<log::Log::Watch> watch;
    std::lock_guard lock(watch_mutex_);
    closed_ = true;
    watch = std::move(watch_);
  }

  Result<std::optional<std::string>> read(const std::string& connector,
                                          const std::string& partition) override {
    auto key = json::normalized(partition);
    if (!key)
      return Error{ErrorKind::kInvalid, "a source partition must be a JSON object: " + partition};
    std::lock_guard lock(mutex_);
    SLUICE_TRY(catch_up());
    auto found = offsets_.find(connector);
    if (found == offsets_.end()) return std::optional<std::string>();
    auto stored = found->second.find(*key);
    if (stored == found->second.end()) return std::optional<std::string>();
    return stored->second.offset;
  }

  Result<std::vector<std::pair<std::string, std::string>>> list(
      const std::string& connector) override {
    std::lock_guard lock(mutex_);
    SLUICE_TRY(catch_up());
    std::vector<std::pair<std::string, std::string>> result;
    auto found = offsets_.find(connector);
    if (found == offsets_.end()) return result;
    for (const auto& [normalized, stored] : found->second)
      if (stored.offset) result.emplace_back(stored.partition, *stored.offset);
    return result;
  }

 private:
  // Under mutex_.
  Status catch_up() {
    return topic_.read_new(
        [this](std::string_view key, std::optional<std::string_view> value, int64_t timestamp) {
          // Keys repeat a million times, so their parsed form is kept.
          auto known = keys_.find(std::string(key));
          if (known == keys_.end()) {
            auto parsed = json::read_offset_key(key);
            if (!parsed) {
              warn_("offset topic: the record with key '" + std::string(key) +
                    "' cannot be read and is ignored");
              return;
            }
            known = keys_.emplace(std::string(key), std::move(*parsed)).first;
          }
          Stored& stored = offsets_[known->second.connector][known->second.normalized];
          // The same partition may have been written with its keys in another order, to another
          // Kafka partition.
          if (timestamp < stored.timestamp && stored.partition != known->second.partition) return;
          stored.partition = known->second.partition;
          stored.timestamp = timestamp;
          stored.offset.reset();
          if (value && *value != "null") stored.offset = std::string(*value);
        });
  }

  void watch_again() {
    if (executor_ == nullptr) return;
    auto positions = topic_.positions();
    auto watch = log_.watch(std::move(positions), [weak = weak_from_this()] {
      auto self = weak.lock();
      if (self) self->schedule();
    });
    std::lock_guard lock(watch_mutex_);
    if (!closed_) watch_ = std::move(watch);
  }

  void schedule() {
    executor_->post_after(kCatchUpInterval, [weak = weak_from_this()] {
      auto self = weak.lock();
      if (!self) return;
      {
        std::lock_guard lock(self->watch_mutex_);
        if (self->closed_) return;
      }
      std::lock_guard lock(self->mutex_);
      auto status = self->catch_up();
      if (!status.ok()) {
        // Readers meet the same error and report it; the background stops so as not to repeat it
        // for ever.
        if (self->warn_) self->warn_("offset topic: " + status.error().message);
        return;
      }
      self->watch_again();
    });
  }

  log::Log& log_;
  Executor* executor_;
  std::mutex mutex_;  // guards topic_, keys_, offsets_
  TopicLog topic_;
  Warn warn_;
  std::unordered_map<std::string, json::OffsetKey> keys_;
  std::map<std::string, std::map<std::string, Stored>> offsets_;
  std::mutex watch_mutex_;
  bool closed_ = false;
  std::unique_ptr<log::Log::Watch> watch_;
};

// Keeps the store alive for a callback that is under way while its owner lets go of it.
class OwnedOffsetStore : public OffsetStore {
 public:
  explicit OwnedOffsetStore(std::shared_ptr<TopicOffsetStore> store) : store_(std::move(store)) {}
  ~OwnedOffsetStore() override { store_->close(); }
  Result<std::optional<std::string>> read(const std::string& connector,
                                          const std::string& partition) override {
    return store_->read(connector, partition);
  }
  Result<std::vector<std::pair<std::string, std::string>>> list(
      const std::string& connector) override {
    return store_->list(connector);
  }

 private:
  std::shared_ptr<TopicOffsetStore> store_;
};

}  // namespace

Result<std::unique_ptr<OffsetStore>> OffsetStore::open(log::Log& log, Executor* executor,
                                                       TopicSettings settings, Warn warn) {
  auto store = std::make_shared<TopicOffsetStore>(log, executor, std::move(settings),
                                                  warn_or_log(std::move(warn)));
  SLUICE_TRY(store->open());
  return std::unique_ptr<OffsetStore>(std::make_unique<OwnedOffsetStore>(std::move(store)));
}

}  // namespace sluice::store
