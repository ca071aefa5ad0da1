// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "runtime/cli/cli.hpp"
#include "runtime/json/json.hpp"

namespace sluice::cli {

struct Response {
  int status = 0;  // 0: no worker answered
  std::string body;
  bool ok() const { return status >= 200 && status < 300; }
};

// One REST call to the worker of `options`. Never throws; status 0 carries the reason in `body`.
Response call(const Options& options, const std::string& method, const std::string& path,
              const std::optional<std::string>& body = std::nullopt);

// Prints why a call failed and what to do next, and sets the exit code. `subject` as in "connector
// orders".
void report_failure(Options& options, const Response& response, const std::string& subject);

// GETs and parses; reports and returns a discarded value on any failure.
Json fetch(Options& options, const std::string& path, const std::string& subject);

// One path segment, percent-encoded.
std::string encode(const std::string& segment);

// Prints a parsed answer as indented JSON on stdout.
void print_json(const Json& value);

}  // namespace sluice::cli
