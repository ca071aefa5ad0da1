// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/run_command.hpp"

#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "runtime/app/signals.hpp"
#include "runtime/app/validation.hpp"
#include "runtime/app/worker.hpp"
#include "runtime/config/connector_file.hpp"
#include "runtime/config/properties.hpp"
#include "runtime/logging/logging.hpp"

namespace sluice::app {
namespace {

enum Exit { kDrained = 0, kFailed = 1, kUsage = 2, kConnector = 3 };

void say(const std::string& text) {
  std::fputs((text + "\n").c_str(), stderr);
  std::fflush(stderr);
}

Result<config::WorkerConfig> load(const RunOptions& options) {
  std::error_code error;
  std::string directory = std::filesystem::current_path(error).string();
  if (error)
    return Error{ErrorKind::kIo, "The current directory cannot be read: " + error.message()};
  std::vector<std::string> repeated;
  config::ConfigMap properties;
  if (!options.worker_file.empty()) {
    SLUICE_ASSIGN(auto text, config::read_config_file(options.worker_file));
    SLUICE_ASSIGN(properties, config::parse_properties_map(text, options.worker_file, &repeated));
  }
  for (const auto& one : options.overrides) {
    auto equals = one.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error{ErrorKind::kInvalid, "--set " + one + ": write it as KEY=VALUE"};
    }
    properties[one.substr(0, equals)] = one.substr(equals + 1);
  }
  SLUICE_ASSIGN(auto config, config::parse_worker_config(properties, directory));
  SLUICE_TRY(check_converters(config));
  config.warnings.insert(config.warnings.begin(), repeated.begin(), repeated.end());
  return config;
}

void greet(const Worker& worker, const std::string& data_dir) {
  std::string url = worker.urls().front();
  std::error_code error;
  auto folder = std::filesystem::absolute(data_dir, error).lexically_normal().string();
  std::string text = "Sluice " SLUICE_VERSION " is ready.\n  REST API   " + url +
                     "\n  data       " + folder +
                     "\nTry: sluice connector list\n     sluice connector create FILE.json\n     "
                     "sluice plugin list";
  if (url != "http://127.0.0.1:8083")
    text += "\n(the commands find this worker with --worker " + url + ")";
  say(text);
}

// False: refused, said so.
bool create_connector(Worker& worker, const std::string& path) {
  auto file = config::read_connector_file(path);
  if (!file.ok()) {
    say("Connector file " + path + " cannot be used: " + file.error().message);
    return false;
  }
  RequestContext context;
  context.listener = "command line";
  // Replaces: the configs outlive the process here, so the second start meets the connectors of the
  // first.
  auto result =
      worker.herder().put_config(context, file->name, file->config, true,
                                 file->initial_state.empty() ? "RUNNING" : file->initial_state);
  if (!result.ok()) {
    say("Connector " + file->name + " of " + path + " is refused: " + result.error().message);
    return false;
  }
  return true;
}

int serve(Worker& worker, const RunOptions& options, const std::string& data_dir,
          Signals& signals) {
  if (auto status = worker.start(); !status.ok()) {
    say(status.error().message);
    return kFailed;
  }
  if (auto status = worker.open(); !status.ok()) {
    say("The worker cannot start: " + status.error().message);
    return kFailed;
  }
  for (const auto& path : options.connector_files) {
    if (!signals.arrived() && !create_connector(worker, path)) return kConnector;
  }
  greet(worker, data_dir);
  signals.wait();
  say("Stopping (a second signal ends the worker at once) ...");
  return kDrained;
}

}  // namespace

int run_worker(const RunOptions& options) {
  auto config = load(options);
  if (!config.ok()) {
    say(config.error().message);
    return kUsage;
  }
  if (auto level = logging::parse_level(config->log_level); level.ok())
    logging::set_level("", *level);
  std::string data_dir = config->data_dir;
  Signals signals;
  auto worker = std::make_unique<Worker>(std::move(config).value());
  int code = serve(*worker, options, data_dir, signals);
  if (auto status = worker->stop(); !status.ok()) {
    say("The log did not close cleanly: " + status.error().message);
    code = code == kDrained ? kFailed : code;
  }
  logging::flush();
  // A thread that a plugin holds may still use what the destructors would take away.
  if (worker->has_abandoned_threads()) ::_exit(code);
  return code;
}

}  // namespace sluice::app
