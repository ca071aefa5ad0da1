// SPDX-License-Identifier: Apache-2.0
#pragma once

// Private to connection.cpp and server.cpp, hence Poco in a header.
#include <Poco/Net/HTTPServerParams.h>  // lint:allow
#include <Poco/Net/HTTPServerRequestImpl.h>  // lint:allow
#include <Poco/Net/HTTPServerResponseImpl.h>  // lint:allow
#include <Poco/Net/HTTPServerSession.h>  // lint:allow
#include <Poco/Net/TCPServerConnection.h>  // lint:allow
#include <Poco/Net/TCPServerConnectionFactory.h>  // lint:allow

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "runtime/rest/server.hpp"

namespace sluice::rest {

// Deadlines of all open connections: a thread of its own ends those that are late (a client that
// sends its headers byte by byte would hold a thread for ever otherwise). Owned by the server;
// outlives its connections.
class Deadlines {
 public:
  Deadlines();
  ~Deadlines();
  using Key = const void*;
  void set(Key key, const Poco::Net::StreamSocket& socket, std::chrono::milliseconds from_now);
  void forget(Key key);
  // Shuts every socket, those that are still to come as well: reads that wait for a next request
  // return.
  void end_all();

 private:
  struct Entry {
    Poco::Net::StreamSocket socket;
    std::chrono::steady_clock::time_point deadline;
  };
  static void end(Entry& entry);
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Key, Entry> entries_;
  bool ended_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

// What all connections of a listener share.
struct Shared {
  ServerOptions options;
  Guard guard;
  Server::Handler handler;
  Deadlines deadlines;
  Poco::Net::HTTPServerParams::Ptr params;
};

// One connection, one thread of the pool: reads requests, calls the handler, writes answers. Like
// Poco's HTTPServerConnection, but every answer is JSON, bodies are bounded, and each phase has a
// deadline.
class Connection : public Poco::Net::TCPServerConnection {
 public:
  Connection(const Poco::Net::StreamSocket& socket, std::shared_ptr<Shared> shared,
             std::string listener)
      : TCPServerConnection(socket), shared_(std::move(shared)), listener_(std::move(listener)) {}
  ~Connection() override { shared_->deadlines.forget(this); }
  void run() override;

 private:
  bool serve_one(Poco::Net::HTTPServerSession& session);
  void answer(Poco::Net::HTTPServerSession& session, Poco::Net::HTTPServerRequestImpl& request,
              Poco::Net::HTTPServerResponseImpl& response);
  // The finished response; sets `close` where the rest of the body stays unread.
  Response respond(Poco::Net::HTTPServerRequestImpl& request,
                   Poco::Net::HTTPServerResponseImpl& response, const Guard::Headers& headers,
                   bool& close);
  void refuse(Poco::Net::HTTPServerSession& session, int status, const std::string& message);

  std::shared_ptr<Shared> shared_;
  std::string listener_;
};

class ConnectionFactory : public Poco::Net::TCPServerConnectionFactory {
 public:
  ConnectionFactory(std::shared_ptr<Shared> shared, std::string listener)
      : shared_(std::move(shared)), listener_(std::move(listener)) {}
  Poco::Net::TCPServerConnection* createConnection(const Poco::Net::StreamSocket& socket) override;

 private:
  std::shared_ptr<Shared> shared_;
  std::string listener_;
};

}  // namespace sluice::rest
