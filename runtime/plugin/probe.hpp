// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "runtime/plugin/private_copy.hpp"

// A library that the worker has never seen is loaded in a process of its own first, so that one
// which crashes, hangs or lies is refused with a text instead of taking the worker with it.
namespace sluice::plugin {

// The child's side: `sluice __probe-plugin FILE`. Loads the library, calls its entry, compares the
// description with the manifest and prints {"ok":true} or {"ok":false,"text":".."} on standard
// output. Returns the exit code. Ends the process by itself where a library's destructors could
// hang.
int probe_main(const std::string& path);

struct ProbeVerdict {
  bool ok = false;
  bool final = true;  // false: says nothing about the library (no probe could be run, or it took
                      // too long this time)
  std::string text;   // why it is refused
};

// The parent's side: runs `command` + {"/proc/self/fd/N"} on the copy, kills it after `timeout` (or
// when `cancelled`). Blocks; any thread.
ProbeVerdict run_probe(const std::vector<std::string>& command, const PrivateCopy& copy,
                       std::chrono::milliseconds timeout,
                       const std::atomic<bool>* cancelled = nullptr);

}  // namespace sluice::plugin
