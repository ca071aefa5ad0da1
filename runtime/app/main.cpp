// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <pthread.h>

#include <CLI/CLI.hpp>
#include <cstring>
#include <iostream>

#include "runtime/app/run_command.hpp"
#include "runtime/plugin/probe.hpp"
#ifdef SLUICE_WITH_CLI
#include "runtime/cli/cli.hpp"
#endif

namespace {

// Memory of an idle worker is mostly arenas and stacks that nobody needs.
void keep_small() {
  mallopt(M_ARENA_MAX, 2);
  // Record batches (1 MiB) come from the heap: mapping each anew would cost a page fault for every
  // 4 KiB of it.
  mallopt(M_MMAP_THRESHOLD, 2 * 1024 * 1024);
  mallopt(M_TRIM_THRESHOLD, 8 * 1024 * 1024);  // free memory beyond it goes back to the system
#ifndef __SANITIZE_THREAD__  // which keeps what it knows of a thread on its stack: none would start
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return;
  pthread_attr_setstacksize(&attributes, 512 * 1024);
  pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
#endif
}

void add_run(CLI::App& app, sluice::app::RunOptions& options, int& code) {
  auto* run = app.add_subcommand("run", "Run a worker: connectors, REST API and the embedded log");
  run->add_option("worker", options.worker_file,
                  "Worker properties, as for connect-standalone (without: all defaults, data in "
                  "./sluice-data)");
  run->add_option("connectors", options.connector_files,
                  "Connectors to create or update: JSON or properties, as for connect-standalone");
  run->add_option("--set", options.overrides, "KEY=VALUE instead of what the worker's file says")
      ->allow_extra_args(false);
  run->callback([&options, &code] { code = sluice::app::run_worker(options); });
}

}  // namespace

int main(int argc, char** argv) {
  // The child side of a plugin probe: nothing of the rest, and no parser between it and its file.
  if (argc == 3 && std::strcmp(argv[1], "__probe-plugin") == 0)
    return sluice::plugin::probe_main(argv[2]);
  keep_small();
  CLI::App app("Sluice: Kafka Connect in one native process");
  app.set_version_flag("--version", std::string("sluice ") + SLUICE_VERSION);
  app.require_subcommand(1);
  int code = 0;
  sluice::app::RunOptions run;
  add_run(app, run, code);
#ifdef SLUICE_WITH_CLI
  sluice::cli::Options options;
  sluice::cli::add_commands(app, options);
#endif
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    int result = app.exit(error);
    return result == 0 ? 0 : 2;  // 0: help and version
  }
#ifdef SLUICE_WITH_CLI
  if (code == 0) code = options.exit_code;
#endif
  return code;
}
