// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tests/sim/outside.hpp"

// The classes of connectors that the simulated worker knows.
namespace sluice::sim {
namespace {

// Shares the origins among the tasks; a sink's tasks are all alike.
class SimConnector : public plugin::Connector {
 public:
  SimConnector(Outside& outside, config::ConfigMap config, bool source)
      : outside_(outside), config_(std::move(config)), source_(source) {}

  plugin::Outcome task_configs(uint32_t tasks_max,
                               std::vector<config::ConfigMap>& configs) override {
    if (outside_.happens(outside_.trouble.create))
      return plugin::Outcome::failure(SLUICE_NOT_CONNECTED, "injected");
    if (!source_) {
      configs.resize(tasks_max);
      return {};
    }
    const auto origins = config::split_list(config_.at("origins"));
    configs.resize(std::min<size_t>(tasks_max, origins.size()));
    for (size_t i = 0; i < origins.size(); ++i) {
      std::string& mine = configs[i % configs.size()]["task.origins"];
      mine += (mine.empty() ? "" : ",") + origins[i];
    }
    return {};
  }
  void stop() override {}

 private:
  Outside& outside_;
  const config::ConfigMap config_;
  const bool source_;
};

class SimRegistry : public plugin::Registry {
 public:
  explicit SimRegistry(Outside& outside) : outside_(outside) {
    for (auto [name, kind] : {std::pair("sim.Source", plugin::Kind::kSource),
                              std::pair("sim.Sink", plugin::Kind::kSink)}) {
      auto cls = std::make_shared<plugin::ClassInfo>();
      cls->name = name;
      cls->kind = kind;
      cls->version = "1";
      cls->capabilities = SLUICE_CAP_NON_BLOCKING;
      classes_.push_back(std::move(cls));
    }
  }
  std::vector<plugin::ClassPtr> list() override { return classes_; }
  Result<plugin::ClassPtr> find(const std::string& name,
                                const std::vector<plugin::Kind>&) override {
    for (const auto& cls : classes_)
      if (cls->name == name) return cls;
    return Error{ErrorKind::kNotFound, name + " is no class of the simulation"};
  }
  std::vector<Problem> problems() override { return {}; }
  plugin::Outcome validate(const plugin::ClassPtr&, const config::ConfigMap&,
                           plugin::InstanceServices&, plugin::Validation&) override {
    return {};
  }
  plugin::Outcome check(const plugin::ClassPtr&, const config::ConfigMap&,
                        plugin::InstanceServices&, std::vector<plugin::Finding>&) override {
    return {};
  }
  plugin::Outcome create_connector(const plugin::ClassPtr& cls, const config::ConfigMap& config,
                                   plugin::InstanceServices&,
                                   std::unique_ptr<plugin::Connector>& connector) override {
    if (outside_.happens(outside_.trouble.create))
      return plugin::Outcome::failure(SLUICE_FATAL, "injected at start");
    connector =
        std::make_unique<SimConnector>(outside_, config, cls->kind == plugin::Kind::kSource);
    return {};
  }
  // The host makes tasks itself: it knows which start of a task is which.
  plugin::Outcome create_source(const plugin::ClassPtr&, const config::ConfigMap&,
                                plugin::InstanceServices&,
                                std::unique_ptr<plugin::SourceTask>&) override {
    return plugin::Outcome::failure(SLUICE_UNSUPPORTED, "see SimHost");
  }
  plugin::Outcome create_sink(const plugin::ClassPtr&, const config::ConfigMap&,
                              plugin::InstanceServices&,
                              std::unique_ptr<plugin::SinkTask>&) override {
    return plugin::Outcome::failure(SLUICE_UNSUPPORTED, "see SimHost");
  }

 private:
  Outside& outside_;
  std::vector<plugin::ClassPtr> classes_;
};

}  // namespace

std::unique_ptr<plugin::Registry> make_registry(Outside& outside) {
  return std::make_unique<SimRegistry>(outside);
}

}  // namespace sluice::sim
