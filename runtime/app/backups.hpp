// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "broker-core/server/broker.hpp"
#include "runtime/rest/backup_routes.hpp"

namespace sluice::app {

// Runs the worker's backups, one at a time, on a thread of its own. Owned by the worker; ends with
// stop() (or the destructor), which cuts a running backup short: nothing of it stays.
class WorkerBackups : public rest::Backups {
 public:
  // Backups go below one of the `roots` (file.allowed.roots), never into the data directory.
  WorkerBackups(server::Broker& broker, std::string data_dir, std::vector<std::string> roots)
      : broker_(broker), data_dir_(std::move(data_dir)), roots_(std::move(roots)) {}
  ~WorkerBackups() override { stop(); }
  Status start(const std::string& directory) override;
  rest::BackupState state(std::chrono::milliseconds wait) override;
  void stop();

 private:
  Result<std::string> resolve(const std::string& directory) const;
  void run(const std::string& directory);

  server::Broker& broker_;
  const std::string data_dir_;
  const std::vector<std::string> roots_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  rest::BackupState state_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::app
