// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker-core/base/result.hpp"
#include "runtime/rest/guard.hpp"
#include "runtime/rest/http.hpp"

namespace sluice::rest {

// One of `listeners`: http://host:port. An empty host means all interfaces, port 0 any free one.
struct Listener {
  std::string host;
  int port = 0;
  std::string url() const;
};
struct ServerOptions {
  std::vector<Listener> listeners;
  GuardOptions guard;
  int threads_max = 64;
  int queued_max = 128;
  int keep_alive_ms = 5'000;
  int header_deadline_ms = 10'000;  // from the first byte awaited to the last of the headers
  int body_deadline_ms = 30'000;
  int request_deadline_ms = 90'000;
  size_t body_max = 1u << 20;
};

// The HTTP server: sockets, threads, limits, headers. Owned by the app. Threads: one acceptor per
// listener, one per open connection up to threads_max, one that ends connections that are too slow.
// The handler is called from any connection's thread. Ends with its destructor: no new requests,
// those under way finish.
class Server {
 public:
  using Handler = std::function<Response(const Request&)>;
  // kIo names the address that cannot be bound.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, Handler handler);
  virtual ~Server() = default;
  virtual std::vector<std::string> urls() const = 0;  // with the real ports
};

}  // namespace sluice::rest
