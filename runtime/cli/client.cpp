// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/client.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/StreamCopier.h>
#include <Poco/URI.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime/json/json.hpp"

namespace sluice::cli {

Response call(const Options& options, const std::string& method, const std::string& path,
              const std::optional<std::string>& body) {
  try {
    Poco::URI uri(options.worker);
    if (uri.getScheme() != "http" || uri.getHost().empty()) {
      return {0, "--worker must be of the form http://host:port, not '" + options.worker + "'"};
    }
    Poco::Net::HTTPClientSession session(uri.getHost(), uri.getPort());
    session.setTimeout(Poco::Timespan(100, 0));  // longer than the worker's own limit of 90 s
    Poco::Net::HTTPRequest request(method, path, Poco::Net::HTTPMessage::HTTP_1_1);
    request.set("User-Agent", "sluice-cli");
    request.set("Accept", "application/json");
    if (body) {
      request.setContentType("application/json");
      request.setContentLength64(static_cast<Poco::Int64>(body->size()));
    } else if (method != "GET") {
      request.setContentLength(0);
    }
    std::ostream& out = session.sendRequest(request);
    if (body) out << *body;
    Poco::Net::HTTPResponse answer;
    std::istream& in = session.receiveResponse(answer);
    Response response;
    response.status = answer.getStatus();
    Poco::StreamCopier::copyToString(in, response.body);
    return response;
  } catch (const Poco::Exception& e) {
    return {0, e.displayText()};
  } catch (const std::exception& e) {
    return {0, e.what()};
  }
}

void report_failure(Options& options, const Response& response, const std::string& subject) {
  if (response.status == 0) {
    std::cerr << "No worker answers at " << options.worker << " (" << response.body << ").\n"
              << "Start one with 'sluice run', or name another with --worker http://host:port.\n";
    options.exit_code = kExitUnreachable;
    return;
  }
  std::string message = response.body;
  auto parsed = parse_json(response.body);
  if (parsed.is_object() && parsed.contains("message") && parsed["message"].is_string()) {
    message = parsed["message"].get<std::string>();
  }
  if (options.json()) {
    std::cout << response.body << "\n";
  }
  std::cerr << subject << ": " << message << "\n";
  if (response.status == 404) {
    std::cerr << "'sluice connector list', 'sluice topic list' and 'sluice plugin list' show what "
                 "there is.\n";
    options.exit_code = kExitNotFound;
  } else {
    options.exit_code = kExitFailed;
  }
}

Json fetch(Options& options, const std::string& path, const std::string& subject) {
  Response response = call(options, "GET", path);
  if (response.ok()) return parse_json(response.body);
  report_failure(options, response, subject);
  return Json(Json::value_t::discarded);
}

std::string encode(const std::string& segment) {
  std::string encoded;
  Poco::URI::encode(segment, "/?#%&=+;:@$,!'()*[]\\", encoded);
  return encoded;
}

void print_json(const Json& value) {
  std::cout << json_pretty(value) << "\n";
}

}  // namespace sluice::cli
