// SPDX-License-Identifier: Apache-2.0
#include "runtime/rest/connection.hpp"

#include <Poco/Net/NetException.h>

#include <istream>

namespace sluice::rest {
namespace {

using std::chrono::milliseconds;

// Reads the body, one byte more than allowed at most. False: too large.
bool read_body(std::istream& stream, size_t max, std::string& body) {
  char buffer[8192];
  while (stream && body.size() <= max) {
    stream.read(buffer,
                static_cast<std::streamsize>(std::min(sizeof buffer, max + 1 - body.size())));
    body.append(buffer, static_cast<size_t>(stream.gcount()));
    if (stream.gcount() == 0) break;
  }
  return body.size() <= max;
}

bool has_body(const Poco::Net::HTTPRequest& request) {
  return request.getChunkedTransferEncoding() ||
         (request.hasContentLength() && request.getContentLength64() > 0);
}

}  // namespace

Deadlines::Deadlines() : thread_([this] { run(); }) {}

Deadlines::~Deadlines() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Deadlines::set(Key key, const Poco::Net::StreamSocket& socket, milliseconds from_now) {
  auto deadline = std::chrono::steady_clock::now() + from_now;
  std::lock_guard lock(mutex_);
  bool first = entries_.empty();
  auto [entry, added] = entries_.try_emplace(key, Entry{socket, deadline});
  if (!added) entry->second.deadline = deadline;
  if (ended_) end(entry->second);
  if (first) changed_.notify_all();
}

void Deadlines::forget(Key key) {
  std::lock_guard lock(mutex_);
  entries_.erase(key);
}

void Deadlines::end_all() {
  std::lock_guard lock(mutex_);
  ended_ = true;
  for (auto& [key, entry] : entries_) end(entry);
}

void Deadlines::end(Entry& entry) {
  try {
    entry.socket.shutdownReceive();
  } catch (const Poco::Exception&) {
    // The peer was faster: the connection is over, which is what was wanted.
  }
}

void Deadlines::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (entries_.empty()) {
      changed_.wait(lock);
      continue;
    }
    changed_.wait_for(lock, milliseconds(500));
    auto now = std::chrono::steady_clock::now();
    for (auto& [key, entry] : entries_) {
      if (entry.deadline > now) continue;
      try {
        entry.socket.shutdown();
      } catch (const Poco::Exception&) {
        // Closed by the peer in the same moment.
      }
    }
  }
}

void Connection::run() {
  try {
    Poco::Net::HTTPServerSession session(socket(), shared_->params);
    shared_->deadlines.set(this, socket(), milliseconds(shared_->options.header_deadline_ms));
    while (session.hasMoreRequests()) {
      if (!serve_one(session)) break;
      shared_->deadlines.set(
          this, socket(),
          milliseconds(shared_->options.keep_alive_ms + shared_->options.header_deadline_ms));
    }
  } catch (const Poco::Exception&) {
    // The peer went away while it was read from or written to: there is nobody left to answer.
  } catch (const std::exception&) {
    // As above; nothing of a request may end the worker.
  }
}

bool Connection::serve_one(Poco::Net::HTTPServerSession& session) {
  try {
    Poco::Net::HTTPServerResponseImpl response(session);
    Poco::Net::HTTPServerRequestImpl request(response, session, shared_->params);
    answer(session, request, response);
    return session.getKeepAlive();
  } catch (const Poco::Net::NoMessageException&) {
    return false;  // closed before a request came
  } catch (const Poco::Net::MessageException& error) {
    refuse(session, 400, "The request is not HTTP: " + error.message());
    return false;
  }
}

void Connection::answer(Poco::Net::HTTPServerSession& session,
                        Poco::Net::HTTPServerRequestImpl& request,
                        Poco::Net::HTTPServerResponseImpl& response) {
  const auto& options = shared_->options;
  Guard::Headers headers{request.getMethod(), request.get("Host", ""), request.get("Origin", ""),
                         request.get("Sec-Fetch-Site", ""),
                         request.get("Access-Control-Request-Method", "")};
  bool close = !request.getKeepAlive();
  Response result = respond(request, response, headers, close);

  shared_->deadlines.set(this, socket(), milliseconds(options.body_deadline_ms));
  response.setVersion(request.getVersion());
  response.setStatusAndReason(static_cast<Poco::Net::HTTPResponse::HTTPStatus>(result.status),
                              reason_phrase(result.status));
  response.setDate(Poco::Timestamp());
  response.setKeepAlive(!close && session.canKeepAlive());
  if (!result.content_type.empty() && !result.body.empty())
    response.setContentType(result.content_type);
  for (const auto& [name, value] : result.headers) response.set(name, value);
  for (const auto& [name, value] : shared_->guard.response_headers(headers))
    response.set(name, value);
  if (result.status != 204)
    response.setContentLength64(static_cast<Poco::Int64>(result.body.size()));
  auto& out = response.send();
  out << result.body;
  out.flush();
  session.setKeepAlive(response.getKeepAlive());
}

Response Connection::respond(Poco::Net::HTTPServerRequestImpl& request,
                             Poco::Net::HTTPServerResponseImpl& response,
                             const Guard::Headers& headers, bool& close) {
  const auto& options = shared_->options;
  bool body_waits = has_body(request);
  auto unread = [&](Response refused) {
    close = close || body_waits;
    return refused;
  };
  if (auto refused = shared_->guard.check(headers)) return unread(std::move(*refused));
  auto target = parse_target(request.getURI());
  if (!target.ok()) return unread(to_response(target.error()));

  Request plain;
  plain.method = request.getMethod();
  plain.target = std::move(target).value();
  plain.content_type = request.getContentType();
  plain.accept = request.get("Accept", "");
  plain.context.listener = listener_;
  plain.context.client_id = request.get("User-Agent", "").substr(0, 256);
  plain.context.deadline =
      std::chrono::steady_clock::now() + milliseconds(options.request_deadline_ms);
  if (body_waits) {
    std::string too_large =
        "The request body is larger than " + std::to_string(options.body_max) + " bytes";
    if (request.hasContentLength() &&
        request.getContentLength64() > static_cast<Poco::Int64>(options.body_max)) {
      return unread(error_response(413, too_large));
    }
    shared_->deadlines.set(this, socket(), milliseconds(options.body_deadline_ms));
    if (request.getExpectContinue()) response.sendContinue();
    if (!read_body(request.stream(), options.body_max, plain.body))
      return unread(error_response(413, too_large));
    if (request.hasContentLength() &&
        plain.body.size() < static_cast<size_t>(request.getContentLength64())) {
      return unread(error_response(400, "The request body ends before its Content-Length"));
    }
  }
  shared_->deadlines.set(this, socket(),
                         milliseconds(options.request_deadline_ms + options.body_deadline_ms));
  try {
    return shared_->handler(plain);
  } catch (const std::exception& error) {
    return error_response(500, std::string("Internal error: ") + error.what());
  }
}

void Connection::refuse(Poco::Net::HTTPServerSession& session, int status,
                        const std::string& message) {
  Poco::Net::HTTPServerResponseImpl response(session);
  Response error = error_response(status, message);
  response.setVersion(Poco::Net::HTTPMessage::HTTP_1_1);
  response.setStatusAndReason(static_cast<Poco::Net::HTTPResponse::HTTPStatus>(status),
                              reason_phrase(status));
  response.setKeepAlive(false);
  response.setContentType(error.content_type);
  response.setContentLength64(static_cast<Poco::Int64>(error.body.size()));
  response.send() << error.body;
  session.setKeepAlive(false);
}

Poco::Net::TCPServerConnection* ConnectionFactory::createConnection(
    const Poco::Net::StreamSocket& socket) {
  return new Connection(socket, shared_, listener_);  // lint:allow Poco takes the ownership
}

}  // namespace sluice::rest
