// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <pthread.h>

#include <cstring>

#include "runtime/app/run_command.hpp"
#include "runtime/cli/cli.hpp"
#include "runtime/cli/parse.hpp"
#include "runtime/plugin/probe.hpp"

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

sluice::cli::Command run_command(sluice::app::RunOptions& options, int& code) {
  using sluice::cli::Values;
  return {
      .name = "run",
      .help = "Run a worker: connectors, REST API and the embedded log",
      .options = {{.names = "worker",
                   .target = &options.worker_file,
                   .help = "Worker properties, as for connect-standalone (without: all defaults, "
                           "data in ./sluice-data)",
                   .values = Values::kFiles},
                  {.names = "connectors",
                   .target = &options.connector_files,
                   .help = "Connectors to create or update: JSON or properties, as for "
                           "connect-standalone",
                   .values = Values::kFiles},
                  {.names = "--set",
                   .target = &options.overrides,
                   .help = "KEY=VALUE instead of what the worker's file says"}},
      .run = [&options, &code] { code = sluice::app::run_worker(options); }};
}

}  // namespace

int main(int argc, char** argv) {
  // The child side of a plugin probe: nothing of the rest, and no parser between it and its file.
  if (argc == 3 && std::strcmp(argv[1], "__probe-plugin") == 0)
    return sluice::plugin::probe_main(argv[2]);
  keep_small();
  int code = 0;
  sluice::app::RunOptions run;
  sluice::cli::Options options;
  sluice::cli::Command root{.name = "sluice",
                            .help = "Sluice: Kafka Connect in one native process"};
  root.commands.push_back(run_command(run, code));
  sluice::cli::add_commands(root, options);
  auto parsed = sluice::cli::parse(root, std::string("sluice ") + SLUICE_VERSION,
                                   sluice::cli::kExitCodesHelp, argc, argv);
  if (!parsed.run) return parsed.exit_code;
  parsed.run();
  return code != 0 ? code : options.exit_code;
}
