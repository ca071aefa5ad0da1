// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/config_store.hpp"

#include <condition_variable>
#include <mutex>
#include <set>

#include "runtime/store/json.hpp"
#include "runtime/store/topic_log.hpp"

namespace sluice::store {
namespace {

constexpr std::string_view kConnector = "connector-";
constexpr std::string_view kTask = "task-";
constexpr std::string_view kCommit = "commit-";
constexpr std::string_view kTargetState = "target-state-";

// What the records of the topic mean, applied one by one in their order, at start as well as after
// each write. Source: org.apache.kafka.connect.storage.KafkaConfigBackingStore.
class ConfigTable {
 public:
  explicit ConfigTable(Warn warn) : warn_(std::move(warn)) {}

  void apply(std::string_view key, std::optional<std::string_view> value) {
    if (key.starts_with(kConnector)) {
      apply_connector(std::string(key.substr(kConnector.size())), value);
    } else if (key.starts_with(kTask)) {
      apply_task(key, value);
    } else if (key.starts_with(kCommit)) {
      apply_commit(std::string(key.substr(kCommit.size())), value);
    } else if (key.starts_with(kTargetState)) {
      apply_target_state(std::string(key.substr(kTargetState.size())), value);
    }
    // All other keys (session-key, tasks-fencing-, restart-connector-, logger-cluster-) belong to a
    // cluster of Kafka Connect workers and say nothing about configs.
  }

  std::vector<std::string> connectors() const {
    std::vector<std::string> names;
    for (const auto& [name, config] : configs_) names.push_back(name);
    return names;
  }

  std::optional<ConnectorEntry> get(const std::string& name) const {
    auto config = configs_.find(name);
    if (config == configs_.end()) return std::nullopt;
    ConnectorEntry entry;
    entry.config = config->second;
    if (auto state = target_states_.find(name); state != target_states_.end())
      entry.target_state = state->second;
    if (auto tasks = tasks_.find(name); tasks != tasks_.end()) entry.tasks = tasks->second;
    entry.inconsistent = inconsistent_.contains(name);
    return entry;
  }

 private:
  void apply_connector(const std::string& name, std::optional<std::string_view> value) {
    if (!value) {
      configs_.erase(name);
      tasks_.erase(name);
      deferred_.erase(name);
      inconsistent_.erase(name);
      return;
    }
    auto config = json::read_properties(*value);
    if (!config) return unreadable(std::string(kConnector) + name);
    configs_[name] = std::move(*config);
  }

  void apply_task(std::string_view key, std::optional<std::string_view> value) {
    const std::string_view rest = key.substr(kTask.size());
    const size_t dash = rest.rfind('-');
    if (dash == std::string_view::npos || dash == 0) return unreadable(std::string(key));
    int number = 0;
    const std::string digits(rest.substr(dash + 1));
    if (digits.empty() || digits.size() > 9 ||
        digits.find_first_not_of("0123456789") != std::string::npos)
      return unreadable(std::string(key));
    number = std::stoi(digits);
    if (!value) return;  // nobody writes such; a task disappears with a smaller commit
    auto config = json::read_properties(*value);
    if (!config) return unreadable(std::string(key));
    deferred_[std::string(rest.substr(0, dash))][number] = std::move(*config);
  }

  void apply_commit(const std::string& name, std::optional<std::string_view> value) {
    if (!value) return;
    auto count = json::read_commit(*value);
    if (!count) return unreadable(std::string(kCommit) + name);
    auto pending = std::move(deferred_[name]);
    deferred_.erase(name);
    if (!configs_.contains(name)) return;  // the connector and its tombstone were compacted away
    std::vector<config::ConfigMap> configs;
    for (size_t i = 0; i < *count; ++i) {
      auto found = pending.find(static_cast<int>(i));
      if (found == pending.end()) {
        tasks_.erase(name);
        inconsistent_.insert(name);
        return;
      }
      configs.push_back(std::move(found->second));
    }
    tasks_[name] = std::move(configs);
    inconsistent_.erase(name);
  }

  void apply_target_state(const std::string& name, std::optional<std::string_view> value) {
    if (!value) {
      target_states_.erase(name);
      return;
    }
    auto state = json::read_target_state(*value);
    if (!state) return unreadable(std::string(kTargetState) + name);
    target_states_[name] = *state;
  }

  void unreadable(const std::string& key) {
    warn_("config topic: the record with key '" + key + "' cannot be read and is ignored");
  }

  Warn warn_;
  std::map<std::string, config::ConfigMap> configs_;
  std::map<std::string, std::vector<config::ConfigMap>> tasks_;
  std::map<std::string, std::map<int, config::ConfigMap>> deferred_;  // until their commit record
  std::map<std::string, TargetState> target_states_;
  std::set<std::string> inconsistent_;
};

class TopicConfigStore : public ConfigStore {
 public:
  TopicConfigStore(log::Log& log, Clock& clock, TopicSettings settings, Warn warn)
      : topic_(log, clock, std::move(settings)), table_(std::move(warn)) {}

  ~TopicConfigStore() override {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return writing_ == 0; });
  }

  Status open() {
    SLUICE_TRY(topic_.open());
    return topic_.read_new([this](std::string_view key, std::optional<std::string_view> value,
                                  int64_t) { table_.apply(key, value); });
  }

  std::vector<std::string> connectors() const override {
    std::lock_guard lock(mutex_);
    return table_.connectors();
  }

  std::optional<ConnectorEntry> get(const std::string& connector) const override {
    std::lock_guard lock(mutex_);
    return table_.get(connector);
  }

  void write(ConfigChange change, Done done) override {
    // Kafka Connect's order: the target state first, so that a connector made as STOPPED never
    // runs.
    std::vector<KeyValue> records;
    const std::string& name = change.connector;
    if (change.target_state)
      records.push_back(
          {std::string(kTargetState) + name, json::target_state(*change.target_state)});
    if (change.config)
      records.push_back({std::string(kConnector) + name, json::properties(*change.config)});
    if (change.tasks) {
      for (size_t i = 0; i < change.tasks->size(); ++i)
        records.push_back({std::string(kTask) + name + "-" + std::to_string(i),
                           json::properties((*change.tasks)[i])});
      records.push_back({std::string(kCommit) + name, json::commit(change.tasks->size())});
    }
    append(std::move(records), std::move(done));
  }

  void remove(const std::string& connector, Done done) override {
    append({{std::string(kConnector) + connector, std::nullopt},
            {std::string(kTargetState) + connector, std::nullopt}},
           std::move(done));
  }

 private:
  void append(std::vector<KeyValue> records, Done done) {
    if (records.empty()) return done(ok());
    {
      std::lock_guard lock(mutex_);
      ++writing_;
    }
    auto shared = std::make_shared<const std::vector<KeyValue>>(std::move(records));
    topic_.append(*shared, [this, shared, done = std::move(done)](Status status) {
      if (status.ok()) {
        std::lock_guard lock(mutex_);
        for (const KeyValue& record : *shared) {
          std::optional<std::string_view> value;
          if (record.value) value = *record.value;
          table_.apply(record.key, value);
        }
      }
      done(std::move(status));
      std::lock_guard lock(mutex_);
      --writing_;
      idle_.notify_all();
    });
  }

  TopicLog topic_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable idle_;
  int writing_ = 0;
  ConfigTable table_;
};

// Waits for a Done.
class Waiter {
 public:
  Done done() {
    return [this](Status status) {
      std::lock_guard lock(mutex_);
      status_ = std::move(status);
      set_.notify_all();
    };
  }
  Status wait() {
    std::unique_lock lock(mutex_);
    set_.wait(lock, [this] { return status_.has_value(); });
    return std::move(*status_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable set_;
  std::optional<Status> status_;
};

}  // namespace

const char* to_string(TargetState state) {
  switch (state) {
    case TargetState::kStarted:
      return "STARTED";
    case TargetState::kPaused:
      return "PAUSED";
    case TargetState::kStopped:
      return "STOPPED";
  }
  return "STARTED";
}

Result<std::unique_ptr<ConfigStore>> ConfigStore::open(log::Log& log, Clock& clock,
                                                       TopicSettings settings, Warn warn) {
  auto store = std::make_unique<TopicConfigStore>(log, clock, std::move(settings),
                                                  warn_or_log(std::move(warn)));
  SLUICE_TRY(store->open());
  return std::unique_ptr<ConfigStore>(std::move(store));
}

Status ConfigStore::write_and_wait(ConfigChange change) {
  Waiter waiter;
  write(std::move(change), waiter.done());
  return waiter.wait();
}

Status ConfigStore::remove_and_wait(const std::string& connector) {
  Waiter waiter;
  remove(connector, waiter.done());
  return waiter.wait();
}

}  // namespace sluice::store
