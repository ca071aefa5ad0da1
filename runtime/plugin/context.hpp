// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "runtime/logging/logging.hpp"
#include "runtime/metrics/metrics.hpp"
#include "runtime/plugin/connector.hpp"
#include "runtime/plugin/file_access.hpp"
#include "runtime/plugin/record_errors.hpp"
#include "runtime/record/arena.hpp"

namespace sluice::plugin {

// What all instances of one registry share; outlives them.
struct HostServices {
  std::shared_ptr<const FileAccess> files;
  metrics::Registry* metrics = nullptr;
};

}  // namespace sluice::plugin

// The host's side of one instance: the ABI's opaque handle. Owned by the adapter (AbiSource,
// AbiSink, ...), made before the plugin's create and gone after its destroy. Functions that the
// header marks [any] take the lock; the others belong to the instance's owner and are called from
// inside of its calls.
struct sluice_context {
  sluice_context(sluice::plugin::InstanceServices& services,
                 const sluice::plugin::HostServices& host, const std::string& class_name);
  sluice_context(const sluice_context&) = delete;
  sluice_context& operator=(const sluice_context&) = delete;

  sluice::plugin::InstanceServices& services;
  const sluice::plugin::HostServices& host;
  const sluice::logging::Logger log;

  // Topics and partitions by number. Owner only. Deques: references stay valid.
  struct Names {
    std::deque<std::string> by_number;
    std::unordered_map<std::string, uint32_t> numbers;
    sluice::Result<uint32_t> intern(std::string text, size_t limit, const char* what);
  };
  Names topics;
  Names partitions;                    // canonical JSON
  sluice::record::Arena offset_arena;  // of the last read_offset

  // Set during one call.
  sluice::plugin::RecordErrors* record_errors = nullptr;     // put, poll
  sluice::plugin::Validation* validation = nullptr;          // validate
  std::vector<sluice::plugin::Finding>* findings = nullptr;  // check: what report_event said

  std::mutex mutex;  // guards all below
  std::map<std::string, std::string, std::less<>> settings;
  struct Metric {
    std::string name;
    std::variant<std::shared_ptr<sluice::metrics::Counter>, std::shared_ptr<sluice::metrics::Gauge>>
        series;
  };
  std::deque<Metric> metrics;
};

namespace sluice::plugin {
const sluice_host* host_table();

// Entries of a config as the ABI wants them; borrows from `map`.
class ConfigView {
 public:
  explicit ConfigView(const config::ConfigMap& map);
  const sluice_config* get() const { return &raw_; }

 private:
  std::vector<sluice_pair> entries_;
  sluice_config raw_{};
};
}  // namespace sluice::plugin
