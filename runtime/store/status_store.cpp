// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/status_store.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "runtime/store/json.hpp"
#include "runtime/store/topic_log.hpp"

namespace sluice::store {
namespace {

constexpr std::string_view kStatusConnector = "status-connector-";
constexpr std::string_view kStatusTask = "status-task-";
constexpr std::string_view kTopic = "status-topic-";
constexpr std::string_view kOfConnector = ":connector-";

constexpr std::chrono::milliseconds kRetryFirst(50);
constexpr std::chrono::milliseconds kRetryMax(5000);
constexpr size_t kRecordsPerAppend = 10'000;

std::string task_key(const std::string& connector, int task) {
  return std::string(kStatusTask) + connector + "-" + std::to_string(task);
}
std::string topic_key(const std::string& connector, const std::string& topic) {
  return std::string(kTopic) + topic + std::string(kOfConnector) + connector;
}

struct Entries {
  std::optional<StatusEntry> connector;
  std::map<int, StatusEntry> tasks;
  std::map<std::string, TopicStatus> topics;
  bool empty() const { return !connector && tasks.empty() && topics.empty(); }
};

class TopicStatusStore : public std::enable_shared_from_this<TopicStatusStore> {
 public:
  TopicStatusStore(log::Log& log, Executor& executor, Clock& clock, TopicSettings settings,
                   Warn warn)
      : topic_(log, clock, std::move(settings)),
        executor_(executor),
        clock_(clock),
        warn_(std::move(warn)) {}

  Status open() {
    SLUICE_TRY(topic_.open());
    std::lock_guard lock(mutex_);
    return topic_.read_new(
        [this](std::string_view key, std::optional<std::string_view> value, int64_t) {
          if (!apply(key, value))
            warn_("status topic: the record with key '" + std::string(key) +
                  "' cannot be read and is ignored");
        });
  }

  // No append begins any more; waits for the one under way. What still waits is dropped: flush()
  // before.
  void close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    idle_.wait(lock, [this] { return !writing_; });
    fail_waiters(lock, Error{ErrorKind::kShutdown, "the status store is closed"});
  }

  void put_connector(const std::string& name, StatusEntry status) {
    std::unique_lock lock(mutex_);
    std::string text = json::status(status);
    entries_[name].connector = std::move(status);
    put(lock, std::string(kStatusConnector) + name, std::move(text));
  }

  void put_task(const std::string& name, int task, StatusEntry status) {
    std::unique_lock lock(mutex_);
    std::string text = json::status(status);
    entries_[name].tasks[task] = std::move(status);
    put(lock, task_key(name, task), std::move(text));
  }

  void put_topic(const std::string& name, int task, const std::string& topic) {
    std::unique_lock lock(mutex_);
    auto [entry, inserted] = entries_[name].topics.try_emplace(topic);
    if (!inserted) return;
    entry->second = {topic, name, task, clock_.now_ms().value()};
    put(lock, topic_key(name, topic), json::topic_status(entry->second));
  }

  void remove_connector(const std::string& name) {
    std::unique_lock lock(mutex_);
    auto found = entries_.find(name);
    if (found == entries_.end()) return;
    Entries removed = std::move(found->second);
    entries_.erase(found);
    if (removed.connector) pending_[std::string(kStatusConnector) + name] = std::nullopt;
    for (const auto& [task, status] : removed.tasks) pending_[task_key(name, task)] = std::nullopt;
    for (const auto& [topic, status] : removed.topics)
      pending_[topic_key(name, topic)] = std::nullopt;
    write(lock);
  }

  void remove_task(const std::string& name, int task) {
    std::unique_lock lock(mutex_);
    auto found = entries_.find(name);
    if (found == entries_.end() || found->second.tasks.erase(task) == 0) return;
    if (found->second.empty()) entries_.erase(found);
    put(lock, task_key(name, task), std::nullopt);
  }

  void remove_topics(const std::string& name) {
    std::unique_lock lock(mutex_);
    auto found = entries_.find(name);
    if (found == entries_.end()) return;
    for (const auto& [topic, status] : found->second.topics)
      pending_[topic_key(name, topic)] = std::nullopt;
    found->second.topics.clear();
    if (found->second.empty()) entries_.erase(found);
    write(lock);
  }

  Entries of(const std::string& name) const {
    std::lock_guard lock(mutex_);
    auto found = entries_.find(name);
    return found == entries_.end() ? Entries{} : found->second;
  }

  std::vector<std::string> connectors() const {
    std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, entries] : entries_) names.push_back(name);
    return names;
  }

  void flush(Done done) {
    std::unique_lock lock(mutex_);
    if (closed_ || (pending_.empty() && !writing_)) {
      Status status =
          closed_ && !pending_.empty()
              ? Status(Error{ErrorKind::kShutdown, "the status store does not write any more"})
              : ok();
      lock.unlock();
      return done(std::move(status));
    }
    // With nothing waiting, the append under way is enough; else the one that takes the last of
    // what waits.
    flushing_.push_back({pending_.empty() ? next_write_ - 1 : kNotYet, std::move(done)});
  }

 private:
  using Lock = std::unique_lock<std::mutex>;

  void put(Lock& lock, std::string key, std::optional<std::string> value) {
    pending_[std::move(key)] = std::move(value);
    write(lock);
  }

  // Sends what waits unless an append is under way: its completion sends the rest.
  void write(Lock& lock) {
    if (writing_ || waiting_ || closed_ || pending_.empty()) return;
    writing_ = true;
    auto records = std::make_shared<std::vector<KeyValue>>();
    while (!pending_.empty() && records->size() < kRecordsPerAppend) {
      auto node = pending_.extract(pending_.begin());
      records->push_back({node.key(), std::move(node.mapped())});
    }
    const uint64_t number = next_write_++;
    if (pending_.empty())
      for (Flush& flush : flushing_) flush.write = std::min(flush.write, number);
    lock.unlock();
    topic_.append(*records, [self = shared_from_this(), records, number](Status status) {
      self->written(*records, number, std::move(status));
    });
    lock.lock();
  }

  void written(std::vector<KeyValue>& records, uint64_t number, Status status) {
    Lock lock(mutex_);
    writing_ = false;
    if (!status.ok()) {
      retry_later(lock, records, std::move(status));
    } else {
      retry_delay_ = kRetryFirst;
      std::vector<Done> finished;
      std::erase_if(flushing_, [&](Flush& flush) {
        if (flush.write > number) return false;
        finished.push_back(std::move(flush.done));
        return true;
      });
      write(lock);
      lock.unlock();
      for (Done& done : finished) done(ok());
      lock.lock();
    }
    idle_.notify_all();
  }

  void retry_later(Lock& lock, std::vector<KeyValue>& records, Status status) {
    for (KeyValue& record : records)  // a newer value of the same key wins
      pending_.try_emplace(std::move(record.key), std::move(record.value));
    const Error& error = status.error();
    if (error.kind != ErrorKind::kRetriable && error.kind != ErrorKind::kTimeout) {
      warn_("status topic: " + error.message + "; states are not written any more");
      closed_ = true;
      fail_waiters(lock, error);
      return;
    }
    for (Flush& flush : flushing_) flush.write = kNotYet;
    warn_("status topic: " + error.message + "; trying again");
    waiting_ = true;  // nobody else writes while the retry waits
    executor_.post_after(retry_delay_, [self = shared_from_this()] {
      Lock again(self->mutex_);
      self->waiting_ = false;
      self->write(again);
    });
    retry_delay_ = std::min(retry_delay_ * 2, kRetryMax);
  }

  void fail_waiters(Lock& lock, const Error& error) {
    auto waiting = std::move(flushing_);
    flushing_.clear();
    lock.unlock();
    for (Flush& flush : waiting) flush.done(error);
    lock.lock();
  }

  bool apply(std::string_view key, std::optional<std::string_view> value) {
    if (key.starts_with(kStatusConnector))
      return apply_connector(std::string(key.substr(kStatusConnector.size())), value);
    if (key.starts_with(kStatusTask)) return apply_task(key.substr(kStatusTask.size()), value);
    if (key.starts_with(kTopic)) return apply_topic(key.substr(kTopic.size()), value);
    return false;
  }

  bool apply_connector(const std::string& name, std::optional<std::string_view> value) {
    auto status = value ? json::read_status(*value) : std::nullopt;
    if (value && !status) return false;
    entries_[name].connector = std::move(status);
    if (entries_[name].empty()) entries_.erase(name);
    return true;
  }

  bool apply_task(std::string_view rest, std::optional<std::string_view> value) {
    const size_t dash = rest.rfind('-');
    if (dash == std::string_view::npos) return false;
    const std::string digits(rest.substr(dash + 1));
    if (digits.empty() || digits.size() > 9 ||
        digits.find_first_not_of("0123456789") != std::string::npos)
      return false;
    const std::string name(rest.substr(0, dash));
    if (!value) {
      entries_[name].tasks.erase(std::stoi(digits));
      if (entries_[name].empty()) entries_.erase(name);
      return true;
    }
    auto status = json::read_status(*value);
    if (!status) return false;
    entries_[name].tasks[std::stoi(digits)] = std::move(*status);
    return true;
  }

  bool apply_topic(std::string_view rest, std::optional<std::string_view> value) {
    const size_t colon = rest.find(kOfConnector);
    if (colon == std::string_view::npos) return false;
    const std::string topic(rest.substr(0, colon)), name(rest.substr(colon + kOfConnector.size()));
    if (!value) {
      entries_[name].topics.erase(topic);
      if (entries_[name].empty()) entries_.erase(name);
      return true;
    }
    auto status = json::read_topic_status(*value);
    if (!status) return false;
    entries_[name].topics[topic] = std::move(*status);
    return true;
  }

  static constexpr uint64_t kNotYet = UINT64_MAX;
  struct Flush {
    uint64_t write;  // number of the append after which all is durable
    Done done;
  };

  TopicLog topic_;
  Executor& executor_;
  Clock& clock_;
  Warn warn_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable idle_;
  std::map<std::string, Entries> entries_;
  std::map<std::string, std::optional<std::string>> pending_;  // by key: not written yet
  bool writing_ = false;                                       // an append is under way
  bool waiting_ = false;                                       // for the time of a retry
  bool closed_ = false;
  uint64_t next_write_ = 1;
  std::vector<Flush> flushing_;
  std::chrono::milliseconds retry_delay_ = kRetryFirst;
};

// The owner's side: a callback that is under way keeps the rest alive.
class OwnedStatusStore : public StatusStore {
 public:
  explicit OwnedStatusStore(std::shared_ptr<TopicStatusStore> store) : store_(std::move(store)) {}
  ~OwnedStatusStore() override { store_->close(); }

  void put_connector(const std::string& connector, StatusEntry status) override {
    store_->put_connector(connector, std::move(status));
  }
  void put_task(const std::string& connector, int task, StatusEntry status) override {
    store_->put_task(connector, task, std::move(status));
  }
  void put_topic(const std::string& connector, int task, const std::string& topic) override {
    store_->put_topic(connector, task, topic);
  }
  void remove_connector(const std::string& connector) override {
    store_->remove_connector(connector);
  }
  void remove_task(const std::string& connector, int task) override {
    store_->remove_task(connector, task);
  }
  void remove_topics(const std::string& connector) override { store_->remove_topics(connector); }

  std::optional<StatusEntry> connector(const std::string& connector) const override {
    return store_->of(connector).connector;
  }
  std::optional<StatusEntry> task(const std::string& connector, int task) const override {
    auto entries = store_->of(connector);
    auto found = entries.tasks.find(task);
    if (found == entries.tasks.end()) return std::nullopt;
    return std::move(found->second);
  }
  std::vector<std::pair<int, StatusEntry>> tasks(const std::string& connector) const override {
    auto entries = store_->of(connector);
    return {entries.tasks.begin(), entries.tasks.end()};
  }
  std::vector<TopicStatus> topics(const std::string& connector) const override {
    std::vector<TopicStatus> result;
    for (auto& [name, topic] : store_->of(connector).topics) result.push_back(topic);
    return result;
  }
  std::vector<std::string> connectors() const override { return store_->connectors(); }
  void flush(Done done) override { store_->flush(std::move(done)); }

 private:
  std::shared_ptr<TopicStatusStore> store_;
};

}  // namespace

Result<std::unique_ptr<StatusStore>> StatusStore::open(log::Log& log, Executor& executor,
                                                       Clock& clock, TopicSettings settings,
                                                       Warn warn) {
  auto store = std::make_shared<TopicStatusStore>(log, executor, clock, std::move(settings),
                                                  warn_or_log(std::move(warn)));
  SLUICE_TRY(store->open());
  return std::unique_ptr<StatusStore>(std::make_unique<OwnedStatusStore>(std::move(store)));
}

}  // namespace sluice::store
