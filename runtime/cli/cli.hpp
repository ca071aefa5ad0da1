// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runtime/cli/command.hpp"

// The `sluice` commands that talk to a running worker over REST, or look at a stopped data
// directory. stdout carries data, stderr everything said to people.
namespace sluice::cli {

// What a command's exit means; printed by `sluice --help`.
enum ExitCode {
  kExitOk = 0,
  kExitFailed = 1,       // the worker refused, or damage was found
  kExitUsage = 2,        // wrong options or input
  kExitUnreachable = 3,  // no worker answers at --worker
  kExitNotFound = 4,     // no such connector, topic, plugin
};
extern const char* const kExitCodesHelp;

// Options that every command shares.
struct Options {
  std::string worker = "http://127.0.0.1:8083";
  std::string output = "text";  // text | json
  int exit_code = kExitOk;      // set by the command that ran
  bool json() const { return output == "json"; }
};

// Adds all commands to `root`; both must outlive the parse.
void add_commands(Command& root, Options& options);

Command connector_commands(Options& options);
Command topic_commands(Options& options);
Command plugin_commands(Options& options);
Command log_commands(Options& options);
Command completion_command(
    const Command& root);  // the script is made of `root` as it is when the command runs
Command names_command(Options& options);  // what that script asks for

}  // namespace sluice::cli
