// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "broker-core/base/result.hpp"
#include "runtime/rest/http.hpp"

// Copies of the data directory while the worker runs; Kafka Connect has no such paths.
//   POST /sluice/log/backup  {"directory": "/absolute/path"}   202, or 409 while one runs
//   GET  /sluice/log/backup  ?wait_ms=0   {"state","directory","bytes","bytes_total","error"}
// The state is NONE, RUNNING, DONE or FAILED. With wait_ms a running backup is waited for so long.
namespace sluice::rest {

struct BackupState {
  std::string state = "NONE";
  std::string directory;
  uint64_t bytes = 0;
  uint64_t bytes_total = 0;
  std::string error;
};

// The one backup of the worker that runs, or the last one. Any thread.
class Backups {
 public:
  virtual ~Backups() = default;
  virtual Status start(const std::string& directory) = 0;
  virtual BackupState state(std::chrono::milliseconds wait) = 0;
};

Response start_backup(Backups& backups, const Request& request);
Response backup_state(Backups& backups, const Request& request);

}  // namespace sluice::rest
