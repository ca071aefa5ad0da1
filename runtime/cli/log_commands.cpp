// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "broker-core/base/disk.hpp"
#include "broker-core/storage/log.hpp"
#include "runtime/cli/cli.hpp"
#include "runtime/json/json.hpp"

namespace sluice::cli {
namespace {

// "  42 % of 10240 MiB" on one line of a terminal; silent elsewhere.
void show_progress(uint64_t done, uint64_t all) {
  static const bool terminal = isatty(STDERR_FILENO);
  if (!terminal || all == 0) return;
  std::fprintf(stderr, "\r%3u %% of %llu MiB", static_cast<unsigned>(done * 100 / all),
               static_cast<unsigned long long>(all >> 20));
  if (done >= all) std::fprintf(stderr, "\n");
}

void verify(Options& options, const std::string& directory) {
  Disk& disk = posix_disk();
  auto there = disk.exists(directory + "/meta.properties");
  if (!there.ok() || !*there) {
    std::cerr << directory << " is no data directory (it has no meta.properties).\n";
    options.exit_code = kExitUsage;
    return;
  }
  auto lock = disk.lock(directory + "/.lock");
  if (!lock.ok()) {
    std::cerr << directory << " is in use by a running worker; stop it first ("
              << lock.error().message << ").\n";
    options.exit_code = kExitFailed;
    return;
  }
  auto findings = storage::verify_directory(disk, directory, show_progress);
  if (!findings.ok()) {
    std::cerr << "Cannot verify " << directory << ": " << findings.error().message << "\n";
    options.exit_code = kExitFailed;
    return;
  }
  size_t damaged = 0;
  Json list = Json::array();
  for (const auto& finding : *findings) {
    if (finding.damage) ++damaged;
    if (options.json()) {
      Json entry{{"damage", finding.damage}, {"file", finding.file}, {"byte", finding.byte}};
      if (finding.offset) entry["offset"] = finding.offset->value();
      entry["text"] = finding.text;
      list.push_back(std::move(entry));
    } else {
      std::cout << (finding.damage ? "DAMAGE  " : "remark  ") << finding.file << " at byte "
                << finding.byte;
      if (finding.offset) std::cout << ", offset " << finding.offset->value();
      std::cout << ": " << finding.text << "\n";
    }
  }
  if (options.json()) std::cout << json_pretty(list) << "\n";
  if (damaged > 0) {
    options.exit_code = kExitFailed;
  } else if (!options.json()) {
    std::cout << directory << ": no damage found\n";
  }
}

}  // namespace

Command log_commands(Options& options) {
  auto directory = std::make_shared<std::string>();
  const Option where{.names = "DIR",
                     .target = directory.get(),
                     .help = "The worker's data.dir",
                     .required = true,
                     .values = Values::kFiles};
  Command log{.name = "log", .help = "Work on the data directory of a stopped worker"};
  log.commands.push_back({"verify",
                          "Read everything and report damage; changes nothing",
                          {where},
                          [&options, directory] { verify(options, *directory); }});
  return log;
}

}  // namespace sluice::cli
