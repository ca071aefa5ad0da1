// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace CLI {
class App;
}

// The `sluice` commands that talk to a running worker over REST, or look at a stopped data directory.
// stdout carries data, stderr everything said to people.
namespace sluice::cli {

// What a command's exit means; printed by `sluice --help`.
enum ExitCode {
  kExitOk = 0,
  kExitFailed = 1,       // the worker refused, or damage was found
  kExitUsage = 2,        // wrong options or input
  kExitUnreachable = 3,  // no worker answers at --worker
  kExitNotFound = 4,     // no such connector, topic, plugin
};

// Options that every command shares.
struct Options {
  std::string worker = "http://127.0.0.1:8083";
  std::string output = "text";  // text | json
  int exit_code = kExitOk;      // set by the command that ran
  bool json() const { return output == "json"; }
};

// Adds all subcommands; `options` must outlive the parse. Callbacks run inside of CLI11's parse.
void add_commands(CLI::App& app, Options& options);

void add_connector_commands(CLI::App& app, Options& options);
void add_topic_commands(CLI::App& app, Options& options);
void add_plugin_commands(CLI::App& app, Options& options);
void add_log_commands(CLI::App& app, Options& options);
void add_completion_command(CLI::App& app, Options& options);

}  // namespace sluice::cli
