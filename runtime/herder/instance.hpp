// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/herder/ports.hpp"

namespace sluice::herder {

// One start of a connector's own code (the part that decides on task configs). Lives on the
// connector's lane: everything that may block in the plugin happens there. Shared by the lane's
// steps and the control plane's slot; after stop() the plugin's object is destroyed by the lane,
// when it gets to it.
class Instance : public std::enable_shared_from_this<Instance> {
 public:
  struct Events {  // called from the lane or from plugin threads; must not block
    std::function<void(plugin::Outcome, std::vector<config::ConfigMap>)> configured;
    std::function<void()> reconfiguration_requested;
    std::function<void(std::string kind, std::string text)> event;
  };
  Instance(plugin::Registry& registry, Lanes& lanes, std::shared_ptr<Lane> lane,
           store::OffsetStore& offsets, std::string connector,
           std::map<std::string, std::string> facts, Events events);
  ~Instance();

  // Creates the plugin's object and asks for its task configs: `configured` follows.
  void start(plugin::ClassPtr cls, config::ConfigMap config, uint32_t tasks_max);
  // Asks again: `configured` follows.
  void reconfigure(uint32_t tasks_max);
  // Ends waits in the plugin and destroys its object; `configured` does not follow any more.
  void stop();

 private:
  class Services;
  plugin::Outcome create(const plugin::ClassPtr& cls, const config::ConfigMap& config);
  void ask(uint32_t tasks_max);

  plugin::Registry& registry_;
  Lanes& lanes_;
  const std::shared_ptr<Lane> lane_;
  const Events events_;
  std::unique_ptr<Services> services_;
  std::mutex mutex_;
  bool stopped_ = false;  // under mutex_
  bool calling_ = false;  // under mutex_: a call into the plugin is under way
  bool told_ = false;     // under mutex_: stop() of the plugin was called
  std::shared_ptr<plugin::Connector> connector_;  // set and reset by the lane, under mutex_
};

}  // namespace sluice::herder
