// SPDX-License-Identifier: Apache-2.0
#include "runtime/herder/instance.hpp"

namespace sluice::herder {

class Instance::Services : public plugin::InstanceServices {
 public:
  Services(store::OffsetStore& offsets, std::string connector,
           std::map<std::string, std::string> facts, const Events& events)
      : offsets_(offsets),
        connector_(std::move(connector)),
        facts_(std::move(facts)),
        events_(events) {}

  std::string setting(const std::string& name) override {
    auto fact = facts_.find(name);
    return fact == facts_.end() ? "" : fact->second;
  }
  Result<std::optional<std::string>> read_offset(const std::string& partition) override {
    return offsets_.read(connector_, partition);
  }
  Result<std::vector<std::pair<std::string, std::string>>> list_offsets() override {
    return offsets_.list(connector_);
  }
  void wake() override {}  // nothing of a connector sleeps
  void request_reconfiguration() override { events_.reconfiguration_requested(); }
  void report_event(const std::string& kind, const std::string& text) override {
    events_.event(kind, text);
  }

 private:
  store::OffsetStore& offsets_;
  const std::string connector_;
  const std::map<std::string, std::string> facts_;
  const Events& events_;
};

Instance::Instance(plugin::Registry& registry, Lanes& lanes, std::shared_ptr<Lane> lane,
                   store::OffsetStore& offsets, std::string connector,
                   std::map<std::string, std::string> facts, Events events)
    : registry_(registry), lanes_(lanes), lane_(std::move(lane)), events_(std::move(events)) {
  services_ = std::make_unique<Services>(offsets, std::move(connector), std::move(facts), events_);
}

Instance::~Instance() = default;

void Instance::start(plugin::ClassPtr cls, config::ConfigMap config, uint32_t tasks_max) {
  lane_->post(
      [self = shared_from_this(), cls = std::move(cls), config = std::move(config), tasks_max] {
        auto outcome = self->create(cls, config);
        if (outcome.ok()) {
          self->ask(tasks_max);
        } else {
          self->events_.configured(std::move(outcome), {});
        }
      });
}

void Instance::reconfigure(uint32_t tasks_max) {
  lane_->post([self = shared_from_this(), tasks_max] { self->ask(tasks_max); });
}

plugin::Outcome Instance::create(const plugin::ClassPtr& cls, const config::ConfigMap& config) {
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return plugin::Outcome::failure(SLUICE_END, "stopped before it was created");
    calling_ = true;
  }
  std::unique_ptr<plugin::Connector> made;
  auto outcome = registry_.create_connector(cls, config, *services_, made);
  std::lock_guard lock(mutex_);
  calling_ = false;
  if (!outcome.ok()) return outcome;
  connector_ = std::move(made);
  return outcome;
}

void Instance::ask(uint32_t tasks_max) {
  std::shared_ptr<plugin::Connector> connector;
  {
    std::lock_guard lock(mutex_);
    if (stopped_ || !connector_) return;
    connector = connector_;
    calling_ = true;
  }
  std::vector<config::ConfigMap> configs;
  auto outcome = connector->task_configs(tasks_max, configs);
  bool stopped = false;
  {
    std::lock_guard lock(mutex_);
    calling_ = false;
    stopped = stopped_;
  }
  if (!stopped) events_.configured(std::move(outcome), std::move(configs));
}

void Instance::stop() {
  bool calling = false;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    stopped_ = true;
    calling = calling_;
  }
  if (calling) {
    // The lane is inside of the plugin: another thread has to tell it to come back.
    lanes_.open(lane_->name() + " (stop)", [](bool) {})->post([self = shared_from_this()] {
      std::shared_ptr<plugin::Connector> connector;
      {
        std::lock_guard lock(self->mutex_);
        connector = self->connector_;
        self->told_ = connector != nullptr;
      }
      if (connector) connector->stop();
    });
  }
  lane_->post([self = shared_from_this()] {
    std::shared_ptr<plugin::Connector> connector;
    bool told = false;
    {
      std::lock_guard lock(self->mutex_);
      connector.swap(self->connector_);
      told = self->told_;
    }
    if (connector && !told) connector->stop();
    connector.reset();  // the helper's reference, if it still has one, is the last one then
  });
}

}  // namespace sluice::herder
