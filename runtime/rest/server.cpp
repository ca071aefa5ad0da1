// SPDX-License-Identifier: Apache-2.0
#include "runtime/rest/server.hpp"

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/ThreadPool.h>

#include "runtime/rest/connection.hpp"

namespace sluice::rest {
namespace {

constexpr int kStackSize = 256 * 1024;  // handlers recurse nowhere; the JSON parser is iterative
constexpr int kIdleThreadSeconds = 10;

Result<Poco::Net::ServerSocket> bind(const Listener& listener) {
  try {
    Poco::Net::ServerSocket socket;
    auto port = static_cast<Poco::UInt16>(listener.port);
    Poco::Net::SocketAddress address = listener.host.empty()
                                           ? Poco::Net::SocketAddress(port)
                                           : Poco::Net::SocketAddress(listener.host, port);
    socket.bind(address, true, false);  // never share the port with another process
    socket.listen(128);
    return socket;
  } catch (const Poco::Exception& error) {
    return Error{ErrorKind::kIo, "Cannot listen on " + listener.url() + ": " + error.displayText() +
                                     " (choose another address or port with the key listeners)"};
  }
}

class PocoServer : public Server {
 public:
  explicit PocoServer(std::shared_ptr<Shared> shared)
      : shared_(std::move(shared)),
        pool_("rest", 1, shared_->options.threads_max, kIdleThreadSeconds, kStackSize) {}

  ~PocoServer() override {
    for (auto& server : servers_) server->stop();
    // Connections that wait for a next request end now; those that are being answered finish.
    shared_->deadlines.end_all();
    pool_.joinAll();
    servers_.clear();
  }

  Status listen() {
    for (auto listener : shared_->options.listeners) {
      SLUICE_ASSIGN(auto socket, bind(listener));
      listener.port = socket.address().port();
      urls_.push_back(listener.url());
      servers_.push_back(std::make_unique<Poco::Net::TCPServer>(
          new ConnectionFactory(shared_, urls_.back()),  // lint:allow Poco owns it
          pool_, socket, shared_->params));
    }
    for (auto& server : servers_) server->start();
    return ok();
  }

  std::vector<std::string> urls() const override { return urls_; }

 private:
  std::shared_ptr<Shared> shared_;
  Poco::ThreadPool pool_;
  std::vector<std::unique_ptr<Poco::Net::TCPServer>> servers_;
  std::vector<std::string> urls_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Handler handler) {
  Poco::Net::HTTPServerParams::Ptr params =
      new Poco::Net::HTTPServerParams;  // NOLINT: reference-counted
  params->setMaxThreads(options.threads_max);
  params->setMaxQueued(options.queued_max);
  params->setKeepAlive(true);
  params->setKeepAliveTimeout(Poco::Timespan(static_cast<long>(options.keep_alive_ms) * 1000));
  params->setTimeout(Poco::Timespan(static_cast<long>(options.body_deadline_ms) * 1000));
  params->setThreadIdleTime(Poco::Timespan(kIdleThreadSeconds, 0));
  auto guard = Guard(options.guard);
  auto shared = std::shared_ptr<Shared>(new Shared{
      std::move(options), std::move(guard), std::move(handler), {}, params});  // NOLINT: aggregate
  auto server = std::make_unique<PocoServer>(shared);
  SLUICE_TRY(server->listen());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace sluice::rest
