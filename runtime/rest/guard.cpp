// SPDX-License-Identifier: Apache-2.0
#include "runtime/rest/guard.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>

#include "runtime/config/java_format.hpp"

namespace sluice::rest {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

// The name of "name", "name:port", "[v6]:port".
std::string host_name(const std::string& host) {
  if (!host.empty() && host.front() == '[') {
    auto end = host.find(']');
    return end == std::string::npos ? host : host.substr(1, end - 1);
  }
  auto colon = host.find(':');
  return lower(host.substr(0, colon));
}

bool is_address(const std::string& name) {
  unsigned char buffer[sizeof(in6_addr)];
  return inet_pton(AF_INET, name.c_str(), buffer) == 1 ||
         inet_pton(AF_INET6, name.c_str(), buffer) == 1;
}

// "*" stands for any characters.
bool wildcard_match(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() != '*') {
    return !text.empty() && pattern.front() == text.front() &&
           wildcard_match(pattern.substr(1), text.substr(1));
  }
  while (!pattern.empty() && pattern.front() == '*') pattern.remove_prefix(1);
  if (pattern.empty()) return true;
  for (size_t i = 0; i < text.size(); ++i) {
    if (wildcard_match(pattern, text.substr(i))) return true;
  }
  return false;
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

Error bad_header(const std::string& part) {
  return {ErrorKind::kInvalid,
          "Invalid value " + part +
              " for configuration response.http.headers.config: write \"[action] [name]:[value]\""
              " with one of the actions set, add, setDate, addDate"};
}

}  // namespace

Result<Pairs> parse_extra_headers(const std::string& value) {
  Pairs pairs;
  std::string rest = value;
  while (!config::trim(rest).empty()) {
    // A part in double quotes may hold commas.
    std::string part;
    std::string trimmed(config::trim(rest));
    if (trimmed.front() == '"') {
      auto end = trimmed.find('"', 1);
      if (end == std::string::npos) return bad_header(trimmed);
      part = trimmed.substr(1, end - 1);
      auto comma = trimmed.find(',', end);
      rest = comma == std::string::npos ? "" : trimmed.substr(comma + 1);
    } else {
      auto comma = trimmed.find(',');
      part = config::trim(std::string_view(trimmed).substr(0, comma));
      rest = comma == std::string::npos ? "" : trimmed.substr(comma + 1);
    }
    auto space = part.find(' ');
    auto colon = part.find(':');
    std::string action = part.substr(0, space);
    if (space == std::string::npos || colon == std::string::npos || colon < space ||
        (action != "set" && action != "add")) {
      return bad_header(part);
    }
    const std::string_view text = part;
    pairs.emplace_back(config::trim(text.substr(space, colon - space)),
                       config::trim(text.substr(colon + 1)));
    if (pairs.back().first.empty()) return bad_header(part);
  }
  return pairs;
}

bool Guard::host_allowed(const std::string& host) const {
  std::string name = host_name(host);
  // HTTP/1.0 tools send none; a page in a browser always does.
  if (name.empty() || is_address(name) || name == "localhost" || name.ends_with(".localhost"))
    return true;
  if (!options_.loopback) return true;  // published under names that only the network knows
  return std::any_of(
      options_.allowed_hosts.begin(), options_.allowed_hosts.end(),
      [&](const std::string& allowed) { return lower(allowed) == name || allowed == "*"; });
}

bool Guard::origin_allowed(const std::string& origin) const {
  return std::any_of(options_.allowed_origins.begin(), options_.allowed_origins.end(),
                     [&](const std::string& pattern) { return wildcard_match(pattern, origin); });
}

std::optional<Response> Guard::check(const Headers& headers) const {
  if (!host_allowed(headers.host)) {
    return error_response(
        421, "The request is for the host \"" + headers.host +
                 "\", which is none of this worker's names: use localhost or an IP address, or add "
                 "the name to rest.allowed.hosts");
  }
  bool foreign = false;
  if (!headers.origin.empty() && headers.origin != "null") {
    auto scheme = headers.origin.find("://");
    std::string origin_host =
        scheme == std::string::npos ? headers.origin : headers.origin.substr(scheme + 3);
    foreign = lower(origin_host) != lower(headers.host);
  } else {
    foreign = headers.origin == "null" || headers.fetch_site == "cross-site" ||
              headers.fetch_site == "same-site";
  }
  if (!foreign) return std::nullopt;
  if (headers.origin.empty() || !origin_allowed(headers.origin)) {
    // A plain link or a bookmark may read; a browser does not let a foreign page see the answer.
    if (headers.origin.empty() && (headers.method == "GET" || headers.method == "HEAD"))
      return std::nullopt;
    return error_response(
        403, "Requests from web pages of " +
                 (headers.origin.empty() ? std::string("other sites") : headers.origin) +
                 " are refused: add the origin to access.control.allow.origin to allow them");
  }
  if (headers.method == "OPTIONS" && !headers.requested_method.empty()) {
    Response response;
    response.content_type.clear();
    auto methods = options_.allowed_methods;
    if (methods.empty()) methods = {"GET", "POST", "HEAD"};
    response.headers = {
        {"Access-Control-Allow-Methods", join(methods)},
        {"Access-Control-Allow-Headers", "X-Requested-With,Content-Type,Accept,Origin"},
        {"Access-Control-Max-Age", "1800"}};
    return response;
  }
  return std::nullopt;
}

Pairs Guard::response_headers(const Headers& headers) const {
  Pairs pairs = {{"X-Content-Type-Options", "nosniff"}};
  if (!options_.allowed_origins.empty()) pairs.emplace_back("Vary", "Origin");
  if (!headers.origin.empty() && origin_allowed(headers.origin)) {
    pairs.emplace_back("Access-Control-Allow-Origin", headers.origin);
  }
  pairs.insert(pairs.end(), options_.extra_headers.begin(), options_.extra_headers.end());
  return pairs;
}

}  // namespace sluice::rest
