// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "runtime/cli/command.hpp"

namespace sluice::cli {

// What a command line asks for: `run` of the command that it names, or, without one, nothing but
// `exit_code`: help or an error has been printed.
struct Parsed {
  std::function<void()> run;
  int exit_code = 0;
};

// Reads the command line into the targets of `root`'s options. Options of `root` may stand behind
// any command.
Parsed parse(const Command& root, const std::string& version, const std::string& footer, int argc,
             const char* const* argv);

}  // namespace sluice::cli
