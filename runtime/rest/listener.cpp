// SPDX-License-Identifier: Apache-2.0
#include "runtime/rest/server.hpp"

namespace sluice::rest {

std::string Listener::url() const {
  std::string name = host.empty() ? "0.0.0.0" : host;
  if (name.find(':') != std::string::npos) name = "[" + name + "]";
  return "http://" + name + ":" + std::to_string(port);
}

}  // namespace sluice::rest
