// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "runtime/plugin/connector.hpp"
#include "runtime/plugin/context.hpp"
#include "sdk/include/sluice/plugin.h"

// The C ABI behind the worker's interfaces. The functions below run code of the plugin.
namespace sluice::plugin {

// A class of a loaded library; the tables it points to live for ever.
struct AbiClass {
  ClassPtr info;
  sluice_class raw{};  // as by read_table
};

Outcome abi_validate(const AbiClass& cls, const config::ConfigMap& config,
                     InstanceServices& services, const HostServices& host, Validation& result);
Outcome abi_check(const AbiClass& cls, const config::ConfigMap& config, InstanceServices& services,
                  const HostServices& host, std::vector<Finding>& findings);
Outcome make_abi_connector(const AbiClass& cls, const config::ConfigMap& config,
                           InstanceServices& services, const HostServices& host,
                           std::unique_ptr<Connector>& connector);
Outcome make_abi_source(const AbiClass& cls, const config::ConfigMap& config,
                        InstanceServices& services, const HostServices& host,
                        std::unique_ptr<SourceTask>& task);
Outcome make_abi_sink(const AbiClass& cls, const config::ConfigMap& config,
                      InstanceServices& services, const HostServices& host,
                      std::unique_ptr<SinkTask>& task);

}  // namespace sluice::plugin
