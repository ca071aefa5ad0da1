// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker-core/base/clock.hpp"
#include "broker-core/base/disk.hpp"
#include "broker-core/base/executor.hpp"
#include "runtime/log/log.hpp"

namespace sluice::server {
class Broker;
}

namespace sluice::log {

// The log inside of this process.
struct EmbeddedSettings {
  // Names a file of a few bytes that makes epochs grow over restarts; its folder is made if needed.
  std::string epoch_file;
  std::string offsets_topic = "connect-offsets";  // made by the offset store, or on the first use
  int32_t offsets_partitions = 25;
  std::vector<std::string> worker_topics;  // the worker's own: internal to people, as those with "__"
  std::chrono::milliseconds topics_interval{5000};  // how soon topics made by others are seen
  std::chrono::milliseconds max_poll_interval{
      300'000};  // a sink that is stuck for longer loses its partitions
};
struct EmbeddedDependencies {
  server::Broker& broker;
  Disk& disk;
  Clock& clock;
  Executor& executor;  // timers
};

// The broker, executor, disk and clock outlive the log; consumers do not outlive it. Its end:
// destructor; appends that are under way finish in the broker.
Result<std::unique_ptr<Log>> open_embedded_log(EmbeddedSettings settings,
                                               EmbeddedDependencies dependencies);

}  // namespace sluice::log
