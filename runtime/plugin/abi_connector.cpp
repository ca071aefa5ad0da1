// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>

#include "runtime/plugin/abi.hpp"
#include "runtime/plugin/call_guard.hpp"

namespace sluice::plugin {
namespace {

constexpr uint32_t kMaxEntries = 10'000;  // of one task's config

// Collects what task_configs hands out.
struct Collector {
  uint32_t tasks_max = 0;
  std::vector<config::ConfigMap>* configs = nullptr;
  std::string broken;
};

void collect(void* pointer, const sluice_pair* entries, uint32_t count) noexcept {
  auto& collector = *static_cast<Collector*>(pointer);
  if (collector.configs->size() >= collector.tasks_max) {
    collector.broken = "it gave more than " + std::to_string(collector.tasks_max) + " task configs";
    return;
  }
  if (count > kMaxEntries || (count > 0 && entries == nullptr)) {
    collector.broken = "it gave a task config that is no valid list";
    return;
  }
  config::ConfigMap config;
  for (uint32_t i = 0; i < count; ++i) {
    if (entries[i].value.data == nullptr) continue;  // absent and null are the same
    config[text_of(entries[i].key)] = text_of(entries[i].value);
  }
  collector.configs->push_back(std::move(config));
}

// A connector without control code: one task with the connector's own config.
class PlainConnector final : public Connector {
 public:
  explicit PlainConnector(config::ConfigMap config) : config_(std::move(config)) {}
  Outcome task_configs(uint32_t, std::vector<config::ConfigMap>& configs) override {
    configs.assign(1, config_);
    return {};
  }
  void stop() override {}

 private:
  const config::ConfigMap config_;
};

// A running connector in a library. Owned by the herder; called on the connector's control lane,
// stop() from anywhere.
class AbiConnector final : public Connector {
 public:
  AbiConnector(const sluice_connector_api& api, ClassPtr info, config::ConfigMap config,
               InstanceServices& services, const HostServices& host)
      : api_(api),
        info_(std::move(info)),
        config_(std::move(config)),
        context_(services, host, info_->name) {}

  ~AbiConnector() override {
    if (!created_) return;
    stop();
    if (auto thrown = call_guarded([&] { api_.destroy(connector_); }))
      context_.log.error("destroy: " + *thrown);
  }

  Outcome start() {
    ConfigView view(config_);
    auto outcome = call_plugin("create", [&](sluice_error* error) {
      return api_.create(host_table(), &context_, view.get(), &connector_, error);
    });
    created_ = outcome.ok();
    return outcome;
  }

  Outcome task_configs(uint32_t tasks_max, std::vector<config::ConfigMap>& configs) override {
    configs.clear();
    if (api_.task_configs == nullptr) {
      configs.push_back(config_);
      return {};
    }
    if (info_->capabilities & SLUICE_CAP_ONE_TASK) tasks_max = std::min<uint32_t>(tasks_max, 1);
    Collector collector{tasks_max, &configs, {}};
    auto outcome = call_plugin("task_configs", [&](sluice_error* error) {
      return api_.task_configs(connector_, tasks_max, &collect, &collector, error);
    });
    if (outcome.ok() && !collector.broken.empty()) {
      outcome = Outcome::failure(
          SLUICE_FATAL, "the plugin broke its contract in task_configs: " + collector.broken);
    }
    if (!outcome.ok()) configs.clear();
    return outcome;
  }

  void stop() override {
    if (!created_ || api_.stop == nullptr || stopped_.exchange(true)) return;
    if (auto thrown = call_guarded([&] { api_.stop(connector_); }))
      context_.log.error("stop: " + *thrown);
  }

 private:
  const sluice_connector_api api_;
  const ClassPtr info_;
  const config::ConfigMap config_;
  sluice_context context_;
  void* connector_ = nullptr;
  bool created_ = false;
  std::atomic<bool> stopped_{false};
};

}  // namespace

Outcome abi_validate(const AbiClass& cls, const config::ConfigMap& config,
                     InstanceServices& services, const HostServices& host, Validation& result) {
  auto api = read_table(cls.raw.connector);
  if (api.validate == nullptr) return {};  // no checks beyond the ConfigDef
  sluice_context context(services, host, cls.info->name);
  context.validation = &result;
  ConfigView view(config);
  return call_plugin("validate", [&](sluice_error* error) {
    return api.validate(host_table(), &context, view.get(), error);
  });
}

Outcome abi_check(const AbiClass& cls, const config::ConfigMap& config, InstanceServices& services,
                  const HostServices& host, std::vector<Finding>& findings) {
  auto api = read_table(cls.raw.connector);
  if (api.check == nullptr)
    return Outcome::failure(SLUICE_UNSUPPORTED, cls.info->name + " has no connection check");
  sluice_context context(services, host, cls.info->name);
  context.findings = &findings;
  ConfigView view(config);
  return call_plugin("check", [&](sluice_error* error) {
    return api.check(host_table(), &context, view.get(), error);
  });
}

Outcome make_abi_connector(const AbiClass& cls, const config::ConfigMap& config,
                           InstanceServices& services, const HostServices& host,
                           std::unique_ptr<Connector>& connector) {
  if (cls.info->kind != Kind::kSource && cls.info->kind != Kind::kSink) {
    return Outcome::failure(SLUICE_CONFIG_ERROR, cls.info->name + " is no connector");
  }
  auto api = read_table(cls.raw.connector);
  if (api.create == nullptr) {
    connector = std::make_unique<PlainConnector>(config);
    return {};
  }
  if (api.destroy == nullptr)
    return Outcome::failure(SLUICE_UNSUPPORTED, cls.info->name + " lacks destroy");
  auto made = std::make_unique<AbiConnector>(api, cls.info, config, services, host);
  auto outcome = made->start();
  if (outcome.ok()) connector = std::move(made);
  return outcome;
}

}  // namespace sluice::plugin
