// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "runtime/herder/herder.hpp"
#include "runtime/plugin/connector.hpp"

namespace sluice::herder {

// Runs `work` where plugin code may block, one call per lane at a time; an error when it does not
// return in time, or when the lane is held by a call that hangs. `work` may outlive the call.
// Production: plugin::ControlLanes.
using LaneCall = std::function<Status(const std::string& lane, const std::string& subject,
                                      const std::string& what, std::chrono::milliseconds timeout,
                                      std::function<void()> work)>;

struct ValidatorParts {
  plugin::Registry& registry;
  LaneCall lane;
  // The framework's keys for one config (those of its transforms and topic creation groups as
  // well).
  std::function<config::ConfigDef(plugin::Kind kind, const config::ConfigMap& config)> framework;
  // The ConfigDef of a converter class; nullptr for an unknown one.
  std::function<const config::ConfigDef*(const std::string& converter_class)> converter;
  // Rules over several framework keys (topics or topics.regex, ...): errors go into the values.
  std::function<void(plugin::Kind kind, const config::ConfigMap& config,
                     std::vector<config::ConfigValue>& values)>
      cross_checks;
};

// Kafka Connect's validation: the framework's keys, the class's keys with its own checks, the
// converters' keys, as one ConfigInfos. Immutable; any thread; plugin code runs on the lane only.
// Owned by the herder.
class Validator {
 public:
  explicit Validator(ValidatorParts parts) : parts_(std::move(parts)) {}

  // kInvalid without a connector.class, or for an unknown one. Errors in the config are in the
  // result.
  Result<ConfigInfos> validate(const RequestContext& context,
                               const config::ConfigMap& config) const;
  // Has the class connect with the config. One check of a class at a time: while one takes long,
  // others of the class fail at once.
  Result<CheckResult> check(const RequestContext& context, const config::ConfigMap& config) const;
  // Sentences for the log about keys that nobody knows, or that are accepted without effect.
  std::vector<std::string> warnings(const config::ConfigMap& config) const;
  // Kafka Connect's text for a refused create; nullopt: no errors.
  static std::optional<std::string> refusal(const ConfigInfos& infos);

 private:
  Status call_class(const RequestContext& context, const std::string& lane,
                    const plugin::ClassPtr& cls, const std::string& what,
                    std::function<void()> work) const;
  Status plugin_checks(const RequestContext& context, const plugin::ClassPtr& cls,
                       const config::ConfigMap& config,
                       std::vector<config::ConfigValue>& values) const;
  void converter_checks(const std::string& role, const config::ConfigMap& config,
                        ConfigInfos& infos, std::vector<config::ConfigValue>& values) const;

  ValidatorParts parts_;
};

// kInvalid in the words of Kafka Connect: no connector.class, or no such class (with the nearest).
Result<plugin::ClassPtr> find_connector_class(plugin::Registry& registry,
                                              const config::ConfigMap& config);

}  // namespace sluice::herder
