// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "broker-core/base/result.hpp"
#include "runtime/cli/cli.hpp"

namespace sluice::cli {

struct DumpArguments {
  std::string topic;
  int partition = -1;
  int64_t from = 0;
  bool records = false;
  bool commit = false, metadata = false, checkpoint = false;  // instead of the segments
};

// Prints what lies in a stopped directory, one line for each batch, record, frame or partition;
// with
// --output json one object for each line. Damage is a line like any other and sets the exit code.
Status dump_directory(Options& options, const std::string& directory,
                      const DumpArguments& arguments);

}  // namespace sluice::cli
