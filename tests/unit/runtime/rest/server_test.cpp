// SPDX-License-Identifier: Apache-2.0
#include "runtime/rest/server.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace sluice::rest {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A socket that sends what it is told, so that the server meets clients that no HTTP library would
// be.
class Client {
 public:
  explicit Client(const std::string& url) {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    timeval limit{30, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~Client() { ::close(fd_); }
  bool connected() const { return connected_; }
  bool send(const std::string& text) {
    return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) >= 0;
  }
  std::string read_to_end() {
    std::string all;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::recv(fd_, buffer, sizeof buffer, 0)) > 0;)
      all.append(buffer, static_cast<size_t>(n));
    return all;
  }
  std::string read_until(const std::string& end) {
    std::string all;
    char c = 0;
    while (!all.ends_with(end) && ::recv(fd_, &c, 1, 0) == 1) all.push_back(c);
    return all;
  }

 private:
  int fd_ = -1;
  bool connected_ = false;
};

class ServerTest : public ::testing::Test {
 protected:
  void start(ServerOptions options = {}) {
    options.listeners = {{"127.0.0.1", 0}};
    auto server = Server::start(std::move(options), [](const Request& request) {
      Response response;
      response.body = "\"" + request.method + ":" +
                      (request.target.segments.empty() ? "" : request.target.segments[0]) + ":" +
                      std::to_string(request.body.size()) + ":" + request.context.client_id + "\"";
      return response;
    });
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(server).value();
    url_ = server_->urls()[0];
  }
  std::string exchange(const std::string& request) {
    Client client(url_);
    client.send(request);
    return client.read_to_end();
  }
  std::unique_ptr<Server> server_;
  std::string url_;
};

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  start();
  Client client(url_);
  for (int i = 0; i < 3; ++i) {
    client.send("GET /a%2Fb HTTP/1.1\r\nHost: localhost\r\nUser-Agent: me\r\n\r\n");
    auto answer = client.read_until("\"GET:a/b:0:me\"");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_THAT(answer, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
  }
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
              EndsWith("\"GET::0:\""));
}

TEST_F(ServerTest, BodiesPlainAndChunked) {
  start();
  EXPECT_THAT(exchange("PUT /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
                       "5\r\n\r\nhello"),
              EndsWith("\"PUT:x:5:\""));
  EXPECT_THAT(exchange("PUT /x HTTP/1.1\r\nHost: localhost\r\nConnection: "
                       "close\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"),
              EndsWith("\"PUT:x:7:\""));
}

TEST_F(ServerTest, TooLargeBodiesAreRefusedBeforeTheyAreRead) {
  ServerOptions options;
  options.body_max = 1000;
  start(options);
  auto answer = exchange("PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(
      answer,
      EndsWith("{\"error_code\":413,\"message\":\"The request body is larger than 1000 bytes\"}"));
  std::string chunk = "400\r\n" + std::string(0x400, 'x') + "\r\n";
  EXPECT_THAT(
      exchange("PUT /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk),
      StartsWith("HTTP/1.1 413 "));
}

TEST_F(ServerTest, WhatIsNotHttpIsAnsweredInJson) {
  start();
  for (std::string request :
       {std::string("GET\r\n\r\n"), "X" + std::string(20'000, 'x') + " / HTTP/1.1\r\n\r\n",
        "GET /" + std::string(70'000, 'x') + " HTTP/1.1\r\n\r\n"}) {
    auto answer = exchange(request);
    if (answer.empty())
      continue;  // the rest of a request that nobody reads may reset the connection
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
    EXPECT_THAT(answer, HasSubstr("{\"error_code\":400,\"message\":"));
  }
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 200; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  EXPECT_THAT(exchange(many + "\r\n"), HasSubstr("\"error_code\":400"));
}

TEST_F(ServerTest, AForeignHostIsTurnedAway) {
  start();
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 421 "));
}

TEST_F(ServerTest, HeadersThatTakeForEverEndTheConnection) {
  ServerOptions options;
  options.header_deadline_ms = 300;
  start(options);
  Client slow(url_);
  std::string text = "GET / HTTP/1.1\r\nHost: localhost\r\nX: ";
  slow.send(text);
  // Trickles one byte at a time until the server has had enough; it must not wait for the end of
  // the headers.
  bool ended = false;
  for (int i = 0; i < 2000 && !ended; ++i) {
    ended = !slow.send("y");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // lint:allow the slowness is what is tested
  }
  EXPECT_TRUE(ended);
}

TEST_F(ServerTest, AManyIdleConnectionsLeaveRoom) {
  start();
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 40; ++i) idle.push_back(std::make_unique<Client>(url_));
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, EndsWhileConnectionsAreOpen) {
  start();
  Client idle(url_), used(url_);
  used.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  used.read_until("\"GET::0:\"");
  server_.reset();
  EXPECT_EQ(used.read_to_end(), "");
}

TEST_F(ServerTest, AnAddressInUseIsNamed) {
  start();
  ServerOptions options;
  int port = std::stoi(url_.substr(url_.rfind(':') + 1));
  options.listeners = {{"127.0.0.1", port}};
  auto second = Server::start(options, [](const Request&) { return Response{}; });
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message,
              HasSubstr("Cannot listen on http://127.0.0.1:" + std::to_string(port)));
}

TEST(Listener, Urls) {
  EXPECT_EQ((Listener{"127.0.0.1", 8083}).url(), "http://127.0.0.1:8083");
  EXPECT_EQ((Listener{"", 1}).url(), "http://0.0.0.0:1");
  EXPECT_EQ((Listener{"::1", 1}).url(), "http://[::1]:1");
}

}  // namespace
}  // namespace sluice::rest
