// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace sluice::app {

// `sluice run`: a worker in this process until a signal ends it, in the manner of
// connect-standalone. Exit codes: 0 ended by a signal and drained, 1 failure at run time, 2 wrong
// usage or configuration, 3 a connector file that cannot be read or is refused.
struct RunOptions {
  std::string worker_file;  // empty: all defaults
  std::vector<std::string> connector_files;
  std::vector<std::string> overrides;  // KEY=VALUE, stronger than the file
};
int run_worker(const RunOptions& options);

}  // namespace sluice::app
