// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker-core/base/result.hpp"
#include "runtime/config/worker_config.hpp"
#include "runtime/herder/herder.hpp"

namespace sluice::app {

// A whole worker in this process: the one place where interfaces meet their implementations. Used
// by one thread (the program's main one). REST answers from start() on; what needs the log waits
// until open() is done.
class Worker {
 public:
  explicit Worker(config::WorkerConfig config);
  ~Worker();  // as stop()
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  Status start();  // binds the listeners and answers: "starting"
  Status open();   // opens the log, replays the stores, resumes the connectors
  herder::Herder& herder();
  std::vector<std::string> urls() const;
  // Drains within task.shutdown.graceful.timeout.ms and closes the log. The error of the log's end,
  // if any.
  Status stop();
  // Threads that plugins hold beyond the end: the process must not run destructors then.
  bool has_abandoned_threads() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::app
