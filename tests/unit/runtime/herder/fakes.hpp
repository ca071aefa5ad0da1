// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "runtime/herder/ports.hpp"
#include "runtime/herder/strand.hpp"

// In-memory stand-ins for what the control plane works with. Only for tests.
namespace sluice::herder::testing {

class FakeConfigs : public store::ConfigStore {
 public:
  explicit FakeConfigs(Executor& executor) : executor_(executor) {}
  std::vector<std::string> connectors() const override {
    std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, entry] : entries_) names.push_back(name);
    return names;
  }
  std::optional<store::ConnectorEntry> get(const std::string& name) const override {
    std::lock_guard lock(mutex_);
    auto entry = entries_.find(name);
    return entry == entries_.end() ? std::nullopt : std::optional(entry->second);
  }
  void write(store::ConfigChange change, store::Done done) override {
    executor_.post([this, change = std::move(change), done = std::move(done)] {
      if (fail_writes) return done(Error{ErrorKind::kIo, "no space left"});
      {
        std::lock_guard lock(mutex_);
        ++writes;
        auto& entry = entries_[change.connector];
        if (change.config) entry.config = *change.config;
        if (change.target_state) entry.target_state = *change.target_state;
        if (change.tasks) {
          entry.tasks = *change.tasks;
          entry.inconsistent = false;
        }
      }
      done(ok());
    });
  }
  void remove(const std::string& name, store::Done done) override {
    executor_.post([this, name, done = std::move(done)] {
      {
        std::lock_guard lock(mutex_);
        entries_.erase(name);
      }
      done(ok());
    });
  }
  void preset(const std::string& name, store::ConnectorEntry entry) {
    std::lock_guard lock(mutex_);
    entries_[name] = std::move(entry);
  }
  std::atomic<bool> fail_writes{false};
  std::atomic<int> writes{0};

 private:
  Executor& executor_;
  mutable std::mutex mutex_;
  std::map<std::string, store::ConnectorEntry> entries_;
};

class FakeStatuses : public store::StatusStore {
 public:
  void put_connector(const std::string& name, store::StatusEntry status) override {
    std::lock_guard lock(mutex_);
    history_.push_back(name + " " + status.state);
    connectors_[name] = std::move(status);
  }
  void put_task(const std::string& name, int task, store::StatusEntry status) override {
    std::lock_guard lock(mutex_);
    history_.push_back(name + "-" + std::to_string(task) + " " + status.state);
    tasks_[{name, task}] = std::move(status);
  }
  void put_topic(const std::string& name, int task, const std::string& topic) override {
    std::lock_guard lock(mutex_);
    topics_.insert({name, {topic, task}});
  }
  void remove_connector(const std::string& name) override {
    std::lock_guard lock(mutex_);
    connectors_.erase(name);
    std::erase_if(tasks_, [&](const auto& entry) { return entry.first.first == name; });
    std::erase_if(topics_, [&](const auto& entry) { return entry.first == name; });
  }
  void remove_task(const std::string& name, int task) override {
    std::lock_guard lock(mutex_);
    tasks_.erase({name, task});
  }
  void remove_topics(const std::string& name) override {
    std::lock_guard lock(mutex_);
    std::erase_if(topics_, [&](const auto& entry) { return entry.first == name; });
  }
  std::optional<store::StatusEntry> connector(const std::string& name) const override {
    std::lock_guard lock(mutex_);
    auto entry = connectors_.find(name);
    return entry == connectors_.end() ? std::nullopt : std::optional(entry->second);
  }
  std::optional<store::StatusEntry> task(const std::string& name, int task) const override {
    std::lock_guard lock(mutex_);
    auto entry = tasks_.find({name, task});
    return entry == tasks_.end() ? std::nullopt : std::optional(entry->second);
  }
  std::vector<std::pair<int, store::StatusEntry>> tasks(const std::string& name) const override {
    std::lock_guard lock(mutex_);
    std::vector<std::pair<int, store::StatusEntry>> result;
    for (const auto& [key, status] : tasks_) {
      if (key.first == name) result.emplace_back(key.second, status);
    }
    return result;
  }
  std::vector<store::TopicStatus> topics(const std::string& name) const override {
    std::lock_guard lock(mutex_);
    std::vector<store::TopicStatus> result;
    for (const auto& [connector, entry] : topics_) {
      if (connector == name) result.push_back({entry.first, connector, entry.second, 0});
    }
    return result;
  }
  std::vector<std::string> connectors() const override {
    std::lock_guard lock(mutex_);
    std::set<std::string> names;
    for (const auto& [name, status] : connectors_) names.insert(name);
    for (const auto& [key, status] : tasks_) names.insert(key.first);
    return {names.begin(), names.end()};
  }
  void flush(store::Done done) override {
    ++flushes;
    done(ok());
  }
  std::vector<std::string> history() const {
    std::lock_guard lock(mutex_);
    return history_;
  }
  std::atomic<int> flushes{0};

 private:
  mutable std::mutex mutex_;
  std::map<std::string, store::StatusEntry> connectors_;
  std::map<std::pair<std::string, int>, store::StatusEntry> tasks_;
  std::set<std::pair<std::string, std::pair<std::string, int>>> topics_;
  std::vector<std::string> history_;
};

class FakeOffsets : public store::OffsetStore {
 public:
  Result<std::optional<std::string>> read(const std::string&, const std::string&) override {
    return std::optional<std::string>();
  }
  Result<std::vector<std::pair<std::string, std::string>>> list(
      const std::string& connector) override {
    return offsets[connector];
  }
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> offsets;
};

// Lanes on a base executor. One whose name was given to hang() keeps its steps until release().
class FakeLanes : public Lanes {
 public:
  explicit FakeLanes(Executor& executor) : executor_(executor) {}
  ~FakeLanes() override {
    for (auto& lane : lanes_) lane->end();
  }
  std::shared_ptr<Lane> open(const std::string& name, std::function<void(bool)> hanging) override {
    std::lock_guard lock(mutex_);
    auto lane = std::make_shared<FakeLane>(name, std::make_shared<Strand>(executor_),
                                           hung_.count(name) > 0);
    lanes_.push_back(lane);
    hanging_[name] = std::move(hanging);
    return lane;
  }
  void hang(const std::string& name) {
    std::lock_guard lock(mutex_);
    hung_.insert(name);
    for (auto& lane : lanes_) {
      if (lane->name() == name) lane->keep(true);
    }
  }
  void report_hanging(const std::string& name) { hanging_.at(name)(true); }
  void release() {
    std::lock_guard lock(mutex_);
    hung_.clear();
    for (auto& lane : lanes_) lane->keep(false);
  }

 private:
  class FakeLane : public Lane {
   public:
    FakeLane(std::string name, std::shared_ptr<Strand> strand, bool keep)
        : name_(std::move(name)), strand_(std::move(strand)), keep_(keep) {}
    const std::string& name() const override { return name_; }
    void post(std::function<void()> step) override {
      std::lock_guard lock(mutex_);
      if (keep_) {
        kept_.push_back(std::move(step));
      } else if (strand_) {
        strand_->post(std::move(step));
      }
    }
    void keep(bool keep) {
      std::lock_guard lock(mutex_);
      keep_ = keep;
      if (keep_) return;
      for (auto& step : kept_) strand_->post(std::move(step));
      kept_.clear();
    }
    // Steps that wait own their instance, and that owns the lane: it must not own them for ever.
    void end() {
      std::shared_ptr<Strand> strand;  // goes, as the steps do, when the lock is released
      std::vector<std::function<void()>> kept;
      std::lock_guard lock(mutex_);
      strand.swap(strand_);
      kept.swap(kept_);
    }

   private:
    const std::string name_;
    std::shared_ptr<Strand> strand_;
    std::mutex mutex_;
    bool keep_;
    std::vector<std::function<void()>> kept_;
  };

  Executor& executor_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<FakeLane>> lanes_;
  std::map<std::string, std::function<void(bool)>> hanging_;
  std::set<std::string> hung_;
};

// Two classes: test.FileSourceConnector (key "file" required, "mode" one of fast, slow) and
// test.FileSinkConnector.
class FakeRegistry : public plugin::Registry {
 public:
  FakeRegistry() {
    source_ = make("test.FileSourceConnector", plugin::Kind::kSource);
    sink_ = make("test.FileSinkConnector", plugin::Kind::kSink);
  }
  std::vector<plugin::ClassPtr> list() override { return {source_, sink_}; }
  Result<plugin::ClassPtr> find(const std::string& name,
                                const std::vector<plugin::Kind>& kinds) override {
    for (const auto& cls : list()) {
      if (std::find(kinds.begin(), kinds.end(), cls->kind) == kinds.end()) continue;
      std::string simple = cls->name.substr(5);
      if (name == cls->name || name == simple || name + "Connector" == simple) return cls;
    }
    return Error{ErrorKind::kNotFound, "the nearest is test.FileSourceConnector"};
  }
  std::vector<Problem> problems() override { return {}; }
  plugin::Outcome validate(const plugin::ClassPtr&, const config::ConfigMap& config,
                           plugin::InstanceServices&, plugin::Validation& result) override {
    if (config.at("file") == "/forbidden") {
      config::ConfigValue value;
      value.name = "file";
      value.errors = {
          "Invalid value /forbidden for configuration file: it is outside of file.allowed.roots"};
      result.additions.push_back(value);
    }
    return {};
  }
  // Sources only; "mode" slow is a broker that is away.
  plugin::Outcome check(const plugin::ClassPtr& cls, const config::ConfigMap& config,
                        plugin::InstanceServices& services,
                        std::vector<plugin::Finding>& findings) override {
    if (cls != source_) return plugin::Outcome::failure(SLUICE_UNSUPPORTED, "no check");
    findings.push_back({"file", config.at("file") + " for " + services.setting("connector.name")});
    if (config.at("mode") == "slow")
      return plugin::Outcome::failure(SLUICE_NOT_CONNECTED, "the other side is away");
    return {};
  }
  plugin::Outcome create_connector(const plugin::ClassPtr&, const config::ConfigMap& config,
                                   plugin::InstanceServices& services,
                                   std::unique_ptr<plugin::Connector>& connector) override {
    ++created;
    if (fail_creates > 0) {
      --fail_creates;
      return plugin::Outcome::failure(SLUICE_NOT_CONNECTED, "the other side is away");
    }
    services_ = &services;
    connector = std::make_unique<FakeConnector>(*this, config);
    return {};
  }
  plugin::Outcome create_source(const plugin::ClassPtr&, const config::ConfigMap&,
                                plugin::InstanceServices&,
                                std::unique_ptr<plugin::SourceTask>&) override {
    return plugin::Outcome::failure(SLUICE_FATAL, "not here");
  }
  plugin::Outcome create_sink(const plugin::ClassPtr&, const config::ConfigMap&,
                              plugin::InstanceServices&,
                              std::unique_ptr<plugin::SinkTask>&) override {
    return plugin::Outcome::failure(SLUICE_FATAL, "not here");
  }
  std::atomic<int> created{0};
  std::atomic<int> stopped{0};
  std::atomic<int> fail_creates{0};
  plugin::InstanceServices* services_ = nullptr;

 private:
  // As many tasks as "parts" says, or as it may.
  class FakeConnector : public plugin::Connector {
   public:
    FakeConnector(FakeRegistry& registry, config::ConfigMap config)
        : registry_(registry), config_(std::move(config)) {}
    plugin::Outcome task_configs(uint32_t max, std::vector<config::ConfigMap>& configs) override {
      auto parts = config_.find("parts");
      auto count = parts == config_.end() ? max : static_cast<uint32_t>(std::stoi(parts->second));
      for (uint32_t i = 0; i < count; ++i) {
        configs.push_back({{"file", config_.at("file")}, {"part", std::to_string(i)}});
      }
      return {};
    }
    void stop() override { ++registry_.stopped; }

   private:
    FakeRegistry& registry_;
    config::ConfigMap config_;
  };

  static plugin::ClassPtr make(const std::string& name, plugin::Kind kind) {
    auto cls = std::make_shared<plugin::ClassInfo>();
    cls->name = name;
    cls->kind = kind;
    cls->version = "1.0";
    config::ConfigKey file;
    file.name = "file";
    file.required = true;
    file.importance = config::Importance::kHigh;
    file.documentation = "The file.";
    cls->config.define(file);
    config::ConfigKey mode;
    mode.name = "mode";
    mode.default_value = "fast";
    mode.allowed = {"fast", "slow"};
    cls->config.define(mode);
    return cls;
  }
  plugin::ClassPtr source_, sink_;
};

// A task that does what the test says.
class FakeRunner : public task::TaskRunner {
 public:
  FakeRunner(task::TaskId task, config::ConfigMap with, bool paused,
             std::shared_ptr<task::TaskListener> listener)
      : id(std::move(task)),
        config(std::move(with)),
        listener_(std::move(listener)),
        paused_(paused) {}
  void begin() { report(paused_ ? task::TaskState::kPaused : task::TaskState::kRunning); }
  void fail(const std::string& trace, bool restartable = true) {
    listener_->on_state(id, task::TaskState::kFailed, trace, restartable);
  }
  void topic(const std::string& name) { listener_->on_topic(id, name); }
  void attach(std::shared_ptr<task::Drive>) override {}
  void pause(bool paused) override {
    if (paused_ != paused) report(paused ? task::TaskState::kPaused : task::TaskState::kRunning);
    paused_ = paused;
  }
  void stop(std::function<void()> done) override {
    stop_called = true;
    if (!deaf) done();
  }
  void abandon() override { abandoned = true; }
  task::Next step() override { return task::Next::done(); }
  task::TaskState state() const override { return task::TaskState::kRunning; }
  std::string trace() const override { return ""; }
  task::MetricsSnapshot metrics() const override { return {}; }

  const task::TaskId id;
  const config::ConfigMap config;
  std::atomic<bool> deaf{false};
  std::atomic<bool> stop_called{false};
  std::atomic<bool> abandoned{false};

 private:
  void report(task::TaskState state) { listener_->on_state(id, state, "", true); }
  std::shared_ptr<task::TaskListener> listener_;
  std::atomic<bool> paused_;
};

class FakeHost : public TaskHost {
 public:
  Result<std::shared_ptr<task::TaskRunner>> start(
      TaskSpec spec, std::shared_ptr<task::TaskListener> listener) override {
    std::lock_guard lock(mutex_);
    if (auto bad = spec.config.find("bad"); bad != spec.config.end()) {
      return Error{ErrorKind::kInvalid, "Invalid value for configuration bad"};
    }
    auto runner =
        std::make_shared<FakeRunner>(spec.id, spec.config, spec.paused, std::move(listener));
    started_.push_back(runner);
    runner->begin();
    return std::shared_ptr<task::TaskRunner>(runner);
  }
  // All that were ever started, in order.
  std::vector<std::shared_ptr<FakeRunner>> started() const {
    std::lock_guard lock(mutex_);
    return started_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<FakeRunner>> started_;
};

}  // namespace sluice::herder::testing
