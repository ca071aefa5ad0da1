// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/host.hpp"

#include "runtime/config/config_def.hpp"

namespace sluice::sim {

// Passes on what a runner reports, and counts.
class SimHost::Listener : public task::TaskListener {
 public:
  Listener(const Parts& parts, std::shared_ptr<task::TaskListener> next)
      : parts_(parts), next_(std::move(next)) {}
  void on_state(const task::TaskId& id, task::TaskState state, const std::string& trace,
                bool restartable) override {
    parts_.on_state(state);
    next_->on_state(id, state, trace, restartable);
  }
  void on_event(const task::TaskId& id, const std::string& kind, const std::string& text) override {
    parts_.on_event(kind);
    next_->on_event(id, kind, text);
  }
  void on_topic(const task::TaskId& id, const std::string& topic) override {
    next_->on_topic(id, topic);
  }
  void on_reconfiguration_requested(const task::TaskId& id) override {
    next_->on_reconfiguration_requested(id);
  }

 private:
  const Parts& parts_;
  const std::shared_ptr<task::TaskListener> next_;
};

struct SimHost::Running {
  std::shared_ptr<Outside::Life> life;
  std::shared_ptr<Listener> listener;
  std::shared_ptr<task::TaskRunner> runner;
  std::shared_ptr<testing::StepDrive> drive;
};

// The runner as the control plane has it: what it decides about the task is noted.
class SimHost::Watched : public task::TaskRunner {
 public:
  Watched(std::shared_ptr<task::TaskRunner> runner, std::shared_ptr<Outside::Life> life,
          bool forget_stop)
      : runner_(std::move(runner)), life_(std::move(life)), forget_stop_(forget_stop) {}
  void attach(std::shared_ptr<task::Drive> drive) override { runner_->attach(std::move(drive)); }
  void pause(bool paused) override { runner_->pause(paused); }
  void stop(std::function<void()> done) override {
    if (forget_stop_) return done();
    runner_->stop(std::move(done));
  }
  void abandon() override {
    life_->abandoned = true;
    runner_->abandon();
  }
  task::Next step() override { return runner_->step(); }
  task::TaskState state() const override { return runner_->state(); }
  std::string trace() const override { return runner_->trace(); }
  task::MetricsSnapshot metrics() const override { return runner_->metrics(); }

 private:
  const std::shared_ptr<task::TaskRunner> runner_;
  const std::shared_ptr<Outside::Life> life_;
  const bool forget_stop_;
};

task::RunnerContext SimHost::context(task::TaskListener& listener) const {
  task::RunnerContext context{
      parts_.log, parts_.clock, parts_.random, listener, &parts_.offsets, {}, {}, {}};
  const std::string cls = "org.apache.kafka.connect.storage.StringConverter";
  context.key_converter = record::make_converter(cls, {}, true).value();
  context.value_converter = record::make_converter(cls, {}, false).value();
  context.header_converter =
      record::make_header_converter("org.apache.kafka.connect.storage.SimpleHeaderConverter", {})
          .value();
  return context;
}

Result<std::shared_ptr<task::TaskRunner>> SimHost::start(
    herder::TaskSpec spec, std::shared_ptr<task::TaskListener> listener) {
  std::erase_if(running_, [](const auto& old) { return old->drive->done(); });
  auto running = std::make_shared<Running>();
  running->life = std::make_shared<Outside::Life>();
  running->life->id = spec.id;
  running->listener = std::make_shared<Listener>(parts_, std::move(listener));
  const config::ConfigMap worker = {{"offset.flush.interval.ms", "200"}};
  if (spec.cls->kind == plugin::Kind::kSource) {
    SLUICE_ASSIGN(auto settings, task::source_settings(spec.id, spec.config, worker));
    settings.in_flight_bytes_max = 2000;
    running->runner = task::make_source_runner(
        settings, context(*running->listener),
        source_factory(parts_.outside, running->life,
                       config::split_list(spec.config.at("task.origins"))));
  } else {
    SLUICE_ASSIGN(auto settings, task::sink_settings(spec.id, spec.config, worker));
    settings.batch_bytes_max = 300;
    running->runner = task::make_sink_runner(settings, context(*running->listener),
                                             sink_factory(parts_.outside, running->life));
  }
  running->runner->pause(spec.paused);
  running->drive = std::make_shared<testing::StepDrive>(parts_.executor, running->runner);
  running->runner->attach(running->drive);
  running_.push_back(running);
  return std::shared_ptr<task::TaskRunner>(
      std::make_shared<Watched>(running->runner, running->life, parts_.forget_stop));
}

void SimHost::hold_one(std::chrono::nanoseconds time) {
  if (!running_.empty()) running_[parts_.outside.random() % running_.size()]->drive->hold(time);
}

namespace {

class SimLane : public herder::Lane, public std::enable_shared_from_this<SimLane> {
 public:
  SimLane(std::string name, std::function<void(bool)> hanging, testing::SimExecutor& executor,
          Outside& outside)
      : name_(std::move(name)),
        hanging_(std::move(hanging)),
        executor_(executor),
        outside_(outside) {}
  const std::string& name() const override { return name_; }
  void post(std::function<void()> step) override {
    if (ended_) return;
    steps_.push_back(std::move(step));
    if (!std::exchange(busy_, true)) next();
  }
  void end() {
    ended_ = true;
    const auto forgotten = std::exchange(steps_, {});
  }

 private:
  void next() {
    if (!outside_.happens(outside_.trouble.hang))
      return executor_.post([self = shared_from_this()] { self->run(false); });
    const std::chrono::milliseconds takes(outside_.random() % 20'000);
    const bool noticed = takes > std::chrono::seconds(2);
    if (noticed)
      executor_.post_after(std::chrono::seconds(2),
                           [self = shared_from_this()] { self->hanging_(true); });
    executor_.post_after(takes, [self = shared_from_this(), noticed] { self->run(noticed); });
  }
  void run(bool was_hanging) {
    if (ended_) return;
    auto step = std::move(steps_.front());
    steps_.pop_front();
    step();
    if (was_hanging) hanging_(false);
    busy_ = !steps_.empty();
    if (busy_) next();
  }

  const std::string name_;
  const std::function<void(bool)> hanging_;
  testing::SimExecutor& executor_;
  Outside& outside_;
  std::deque<std::function<void()>> steps_;
  bool busy_ = false;
  bool ended_ = false;
};

}  // namespace

std::shared_ptr<herder::Lane> SimLanes::open(const std::string& name,
                                             std::function<void(bool)> hanging) {
  auto lane = std::make_shared<SimLane>(name, std::move(hanging), executor_, outside_);
  endings_.push_back([weak = std::weak_ptr(lane)] {
    if (auto still = weak.lock()) still->end();
  });
  return lane;
}

SimLanes::~SimLanes() {
  for (const auto& end : endings_) end();
}

}  // namespace sluice::sim
