// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker-core/base/result.hpp"
#include "runtime/herder/request_context.hpp"

// HTTP as the handlers see it: plain values, no sockets. The server (server.cpp) translates from
// and to Poco.
namespace sluice::rest {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// A request target taken apart: percent-decoded segments, one trailing slash forgotten.
struct Target {
  std::vector<std::string> segments;
  Pairs query;
  // The first value, as Jersey takes it where one value is asked for.
  std::optional<std::string> query_value(std::string_view name) const;
};
// kInvalid for a broken percent-encoding, for a control character, or a target that is no path.
Result<Target> parse_target(std::string_view target);
std::string percent_encode(std::string_view segment);

struct Request {
  std::string method;
  Target target;
  std::string content_type;
  std::string accept;
  std::string body;
  RequestContext context;
};

struct Response {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  Pairs headers;
};

const char* reason_phrase(int status);
Response json_response(std::string body, int status = 200);
// {"error_code":status,"message":message}
Response error_response(int status, const std::string& message);
// Kafka Connect's texts for what Jersey itself answers: "HTTP 404 Not Found".
Response standard_error(int status);
Response to_response(const Error& error);

}  // namespace sluice::rest
