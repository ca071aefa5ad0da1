// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "runtime/config/config_def.hpp"
#include "runtime/rest/server.hpp"

namespace sluice::rest {
namespace {

Error invalid(const std::string& part, const std::string& why) {
  return {ErrorKind::kInvalid, "Invalid value " + part + " for configuration listeners: " + why};
}

Result<Listener> parse_listener(const std::string& text) {
  auto scheme_end = text.find("://");
  if (scheme_end == std::string::npos)
    return invalid(text, "a listener is written as http://host:port");
  std::string scheme = text.substr(0, scheme_end);
  for (auto& c : scheme) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (scheme == "https") {
    return Error{ErrorKind::kUnsupported,
                 "Invalid value " + text +
                     " for configuration listeners: https is not there "
                     "yet, use http on a loopback address behind a proxy that speaks TLS"};
  }
  if (scheme != "http") return invalid(text, "the scheme must be http");
  std::string rest = text.substr(scheme_end + 3);
  if (!rest.empty() && rest.back() == '/') rest.pop_back();
  auto colon = rest.rfind(':');
  if (colon == std::string::npos || (rest.front() == '[' && rest.find(']') > colon)) {
    return invalid(text, "the port is missing");
  }
  Listener listener;
  listener.host = rest.substr(0, colon);
  if (listener.host.size() > 1 && listener.host.front() == '[') {
    listener.host = listener.host.substr(1, listener.host.size() - 2);
  }
  auto [end, error] =
      std::from_chars(rest.data() + colon + 1, rest.data() + rest.size(), listener.port);
  if (error != std::errc() || end != rest.data() + rest.size() || listener.port < 0 ||
      listener.port > 65535) {
    return invalid(text, "the port must be a number from 0 to 65535");
  }
  return listener;
}

}  // namespace

bool Listener::loopback() const {
  return host == "localhost" || host == "::1" || host.rfind("127.", 0) == 0;
}

std::string Listener::url() const {
  std::string name = host.empty() ? "0.0.0.0" : host;
  if (name.find(':') != std::string::npos) name = "[" + name + "]";
  return "http://" + name + ":" + std::to_string(port);
}

Result<std::vector<Listener>> parse_listeners(const std::string& value) {
  std::vector<Listener> listeners;
  for (const auto& part : config::split_list(value)) {
    SLUICE_ASSIGN(auto listener, parse_listener(part));
    listeners.push_back(std::move(listener));
  }
  if (listeners.empty())
    return invalid("\"\"", "at least one listener is needed, for example http://127.0.0.1:8083");
  return listeners;
}

}  // namespace sluice::rest
