// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "broker-core/offline/offline.hpp"
#include "runtime/cli/client.hpp"
#include "runtime/cli/log_dump.hpp"

namespace sluice::cli {
namespace {

// "Checking:  42 % of 10240 MiB" on one line of a terminal; silent elsewhere. It ends before
// anything else is printed, also where the work stopped in the middle.
class ProgressLine {
 public:
  explicit ProgressLine(const char* what) : what_(what) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() {
    if (percent_ >= 0) std::fprintf(stderr, "\n");
  }

  // Of bytes.
  void show(uint64_t done, uint64_t all) {
    const bool large = all >= 1 << 20;
    show(done, all, large ? all >> 20 : all >> 10, large ? "MiB" : "KiB");
  }
  void show(uint64_t done, uint64_t all, uint64_t size, const char* unit) {
    static const bool terminal = isatty(STDERR_FILENO);
    if (!terminal || all == 0) return;
    const int percent = static_cast<int>(done * 100 / all);
    if (percent == percent_) return;
    percent_ = percent;
    std::fprintf(stderr, "\r%s: %3d %% of %llu %s", what_, percent,
                 static_cast<unsigned long long>(size), unit);
  }

 private:
  const char* const what_;
  int percent_ = -1;  // shown last
};

Result<std::vector<storage::Finding>> verify_with_progress(const std::string& directory) {
  ProgressLine line("Checking");
  return offline::verify(posix_disk(), directory,
                         [&](uint64_t done, uint64_t all) { line.show(done, all); });
}

void fail(Options& options, const std::string& what, const Error& error) {
  std::cerr << what << error.message << "\n";
  options.exit_code = error.kind == ErrorKind::kInvalid ? kExitUsage : kExitFailed;
}

// nullptr after a reported failure.
std::unique_ptr<File> lock_data(Options& options, const std::string& directory) {
  auto locked = offline::lock_directory(posix_disk(), directory);
  if (locked.ok()) return std::move(locked).value();
  fail(options, "", locked.error());
  return nullptr;
}

std::string place(const storage::Finding& finding) {
  std::string text = finding.file + " at byte " + std::to_string(finding.byte);
  if (finding.offset) text += ", offset " + std::to_string(finding.offset->value());
  return text;
}

// Number of findings that are damage; they are printed. -1: could not be told.
int print_findings(Options& options, const std::string& directory) {
  auto findings = verify_with_progress(directory);
  if (!findings.ok()) {
    fail(options, "Cannot verify " + directory + ": ", findings.error());
    return -1;
  }
  int damaged = 0;
  Json list = Json::array();
  for (const auto& finding : *findings) {
    if (finding.damage) ++damaged;
    if (!options.json()) {
      std::cout << (finding.damage ? "DAMAGE  " : "remark  ") << place(finding) << ": "
                << finding.text << "\n";
      continue;
    }
    Json entry{{"damage", finding.damage}, {"file", finding.file}, {"byte", finding.byte}};
    if (finding.offset) entry["offset"] = finding.offset->value();
    entry["text"] = finding.text;
    list.push_back(std::move(entry));
  }
  if (options.json()) print_json(list);
  return damaged;
}

void verify(Options& options, const std::string& directory) {
  auto locked = lock_data(options, directory);
  if (!locked) return;
  const int damaged = print_findings(options, directory);
  if (damaged < 0) return;
  if (damaged > 0) {
    options.exit_code = kExitFailed;
    std::cerr << "'sluice log repair " << directory << "' shows what can be done about it.\n";
  } else if (!options.json()) {
    std::cout << directory << ": no damage found\n";
  }
}

void print_plan(const Options& options, const offline::RepairPlan& plan, bool applied) {
  Json steps = Json::array();
  for (const auto& step : plan.steps) {
    if (!options.json()) {
      std::cout << (step.lost ? "LOST    " : "repair  ") << step.file << ": " << step.text << "\n";
      continue;
    }
    Json entry{{"file", step.file}, {"text", step.text}};
    if (step.lost) {
      entry["lost"] = Json{{"topic", step.lost->topic},
                           {"partition", step.lost->partition.value()},
                           {"first", step.lost->first.value()},
                           {"last", step.lost->last.value()}};
    }
    steps.push_back(std::move(entry));
  }
  if (options.json()) {
    print_json(Json{{"aside", plan.aside}, {"applied", applied}, {"steps", steps}});
  }
}

Result<offline::RepairPlan> plan_with_progress(const std::string& directory) {
  ProgressLine line("Checking");
  return offline::plan_repair(posix_disk(), system_clock(), system_random(), directory,
                              [&](uint64_t done, uint64_t all) { line.show(done, all); });
}

Status apply_with_progress(const offline::RepairPlan& plan) {
  ProgressLine line("Repairing");
  return offline::apply_repair(
      plan, [&](uint64_t done, uint64_t all) { line.show(done, all, all, "steps"); });
}

void repair(Options& options, const std::string& directory, bool yes) {
  auto locked = lock_data(options, directory);
  if (!locked) return;
  auto plan = plan_with_progress(directory);
  if (!plan.ok()) return fail(options, "Cannot repair " + directory + ": ", plan.error());
  if (plan->steps.empty()) {
    if (options.json()) return print_plan(options, *plan, false);
    std::cout << directory << ": nothing to repair\n";
    return;
  }
  print_plan(options, *plan, yes);
  if (!yes) {
    options.exit_code = kExitFailed;
    std::cerr << "Nothing was changed. With --yes this is done; what is cut or replaced is kept in "
              << plan->aside << ".\n";
    return;
  }
  if (auto done = apply_with_progress(*plan); !done.ok()) {
    fail(options, "The repair stopped: ", done.error());
    std::cerr << "Run it again; what was replaced so far is in " << plan->aside << ".\n";
    return;
  }
  std::cerr << "Done; what was cut or replaced is in " << plan->aside << ".\n";
  auto after = verify_with_progress(directory);
  if (!after.ok()) return fail(options, "Cannot verify " + directory + ": ", after.error());
  for (const auto& finding : *after) {
    if (!finding.damage) continue;
    std::cerr << "DAMAGE  " << place(finding) << ": " << finding.text << "\n";
    options.exit_code = kExitFailed;
  }
  if (options.exit_code != kExitOk) std::cerr << "There is damage left; repair again.\n";
}

void backup(Options& options, const std::string& directory) {
  std::error_code code;
  const std::string target = std::filesystem::absolute(directory, code).lexically_normal().string();
  Response response =
      call(options, "POST", "/sluice/log/backup", json_text(Json{{"directory", target}}));
  if (!response.ok()) return report_failure(options, response, "backup to " + target);
  Json state = parse_json(response.body);
  {
    ProgressLine line("Copying");
    while (state.is_object() && state.value("state", "") == "RUNNING") {
      response = call(options, "GET", "/sluice/log/backup?wait_ms=500");
      if (!response.ok()) break;
      state = parse_json(response.body);
      line.show(state.value("bytes", uint64_t{0}), state.value("bytes_total", uint64_t{0}));
    }
  }
  if (!response.ok()) return report_failure(options, response, "backup to " + target);
  if (options.json()) print_json(state);
  if (state.value("state", "") != "DONE") {
    std::cerr << "The backup failed: "
              << (state["error"].is_string() ? state["error"].get<std::string>() : "?") << "\n";
    options.exit_code = kExitFailed;
  } else if (!options.json()) {
    std::cout << "Backup written to " << target << " (" << state.value("bytes_total", uint64_t{0})
              << " bytes of records).\n";
    std::cerr << "Check it with 'sluice log verify " << target << "'.\n";
  }
}

Result<BackupManifest> restore_with_progress(const std::string& from, const std::string& into) {
  ProgressLine line("Copying");
  return offline::restore(posix_disk(), from, into, [&](uint64_t done, uint64_t all) {
    line.show(done, all);
    return true;
  });
}

void restore(Options& options, const std::string& from, const std::string& into) {
  auto restored = restore_with_progress(from, into);
  if (!restored.ok()) return fail(options, "Cannot restore " + from + ": ", restored.error());
  if (options.json()) {
    return print_json(Json{{"directory", into},
                           {"cluster_id", restored->cluster_id},
                           {"created_ms", restored->created_ms},
                           {"files", restored->files.size()}});
  }
  std::cout << "Restored " << restored->files.size() << " files to " << into
            << " and verified them.\n";
  std::cerr << "Start a worker on it with 'sluice run --set data.dir=" << into << "'.\n";
}

}  // namespace

Command log_commands(Options& options) {
  struct Arguments {
    std::string directory, into;
    bool yes = false;
    DumpArguments dump;
  };
  auto arguments = std::make_shared<Arguments>();
  auto folder = [](std::string& target, const char* name, const char* help) {
    return Option{
        .names = name, .target = &target, .help = help, .required = true, .values = Values::kFiles};
  };
  const Option data = folder(arguments->directory, "DIR", "The data.dir of a stopped worker");
  DumpArguments& dump = arguments->dump;
  Command log{.name = "log", .help = "Check, repair, print, back up and restore data directories"};
  log.commands.push_back({"verify",
                          "Read everything and report damage; changes nothing",
                          {data},
                          [&options, arguments] { verify(options, arguments->directory); }});
  log.commands.push_back(
      {"repair",
       "Show what a repair would do and lose; with --yes do it",
       {data, {"--yes", &arguments->yes, "Do it; what is cut or replaced is kept aside"}},
       [&options, arguments] { repair(options, arguments->directory, arguments->yes); }});
  log.commands.push_back({"dump",
                          "Print batches and records as they are on disk",
                          {data,
                           {"--topic", &dump.topic, "Only this topic"},
                           {"-p,--partition", &dump.partition, "Only this partition"},
                           {"--from", &dump.from, "Only from this offset on"},
                           {"--records", &dump.records, "Keys and values, too"},
                           {"--commit", &dump.commit, "The frames of the commit log instead"},
                           {"--metadata", &dump.metadata, "The topics of the metadata instead"},
                           {"--checkpoint", &dump.checkpoint, "The checkpoint instead"}},
                          [&options, arguments] {
                            auto locked = lock_data(options, arguments->directory);
                            if (!locked) return;
                            auto done =
                                dump_directory(options, arguments->directory, arguments->dump);
                            if (!done.ok()) fail(options, "", done.error());
                          }});
  log.commands.push_back({"backup",
                          "Copy the running worker's data directory (below file.allowed.roots)",
                          {folder(arguments->directory, "DIR", "The folder to make")},
                          [&options, arguments] { backup(options, arguments->directory); }});
  log.commands.push_back(
      {"restore",
       "Put a verified copy of a backup in place",
       {folder(arguments->directory, "DIR", "The backup"),
        folder(arguments->into, "INTO", "A data.dir that does not exist or is empty")},
       [&options, arguments] { restore(options, arguments->directory, arguments->into); }});
  return log;
}

}  // namespace sluice::cli
