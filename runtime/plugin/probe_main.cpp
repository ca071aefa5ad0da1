// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "runtime/json/json.hpp"
#include "runtime/plugin/elf_note.hpp"
#include "runtime/plugin/library.hpp"
#include "runtime/plugin/probe.hpp"

namespace sluice::plugin {
namespace {

Status probe(const std::string& path) {
  SLUICE_ASSIGN(auto copy, PrivateCopy::make(path, ""));
  SLUICE_ASSIGN(auto text, read_manifest_note(copy.bytes()));
  SLUICE_ASSIGN(Manifest note, parse_manifest(text));
  SLUICE_ASSIGN(auto plugin, open_library(copy, note));
  (void)plugin;
  return ok();
}

}  // namespace

int probe_main(const std::string& path) {
  // A crash is an expected outcome here: no core file, no run away, no life after the worker.
  rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
  rlimit cpu{30, 30};
  (void)::setrlimit(RLIMIT_CPU, &cpu);
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // What the library prints goes to standard error, so that only the verdict is on standard output.
  int out = ::dup(STDOUT_FILENO);
  (void)::dup2(STDERR_FILENO, STDOUT_FILENO);
  auto result = probe(path);
  Json verdict{{"ok", result.ok()}};
  if (!result.ok()) verdict["text"] = result.error().message;
  auto line = json_text(verdict) + "\n";
  size_t done = 0;
  while (done < line.size()) {
    ssize_t n = ::write(out, line.data() + done, line.size() - done);
    if (n <= 0) break;
    done += static_cast<size_t>(n);
  }
  ::_exit(result.ok() ? 0 : 1);
}

}  // namespace sluice::plugin
