// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/rest/http.hpp"

namespace sluice::rest {

struct GuardOptions {
  bool loopback = true;  // the listener is bound to loopback
  std::vector<std::string>
      allowed_hosts;  // besides localhost, IP addresses: rest.allowed.hosts, advertised name
  std::vector<std::string> allowed_origins;  // access.control.allow.origin; "*" wildcards
  std::vector<std::string>
      allowed_methods;  // access.control.allow.methods; empty = GET, POST, HEAD
  Pairs extra_headers;  // response.http.headers.config
};
// The values of the worker's properties; lists are separated by commas. kInvalid names the key.
Result<Pairs> parse_extra_headers(const std::string& value);

// Keeps web pages of other sites away from the API, without a login: a browser that visits such a
// page can send requests to localhost (and, by DNS rebinding, read the answers), command-line tools
// send neither a foreign Host nor an Origin. Immutable; any thread.
class Guard {
 public:
  explicit Guard(GuardOptions options) : options_(std::move(options)) {}

  struct Headers {
    std::string method, host, origin, fetch_site, requested_method;
  };
  // The answer to give at once, for what is refused and for CORS preflights; nothing: go on.
  std::optional<Response> check(const Headers& headers) const;
  // Headers that every response carries.
  Pairs response_headers(const Headers& headers) const;

 private:
  bool host_allowed(const std::string& host) const;
  bool origin_allowed(const std::string& origin) const;

  GuardOptions options_;
};

}  // namespace sluice::rest
