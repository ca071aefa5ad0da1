// SPDX-License-Identifier: Apache-2.0
#include "runtime/rest/api.hpp"

#include <algorithm>
#include <cctype>

namespace sluice::rest {
namespace {

// Matches a pattern such as "/connectors/{}/config" and collects what the braces stand for.
bool match(std::string_view pattern, const std::vector<std::string>& segments,
           std::vector<std::string>& args) {
  args.clear();
  size_t i = 0;
  pattern.remove_prefix(1);
  while (!pattern.empty()) {
    auto slash = pattern.find('/');
    auto part = pattern.substr(0, slash);
    if (i == segments.size()) return false;
    if (part == "{}") {
      if (segments[i].empty()) return false;
      args.push_back(segments[i]);
    } else if (part != segments[i]) {
      return false;
    }
    ++i;
    pattern = slash == std::string_view::npos ? std::string_view() : pattern.substr(slash + 1);
  }
  return i == segments.size();
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::string_view strip(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_json(const std::string& content_type) {
  return lower(strip(std::string_view(content_type).substr(0, content_type.find(';')))) ==
         "application/json";
}

// Does an Accept header take what the route produces? Quality 0 is a refusal; without a header all
// is taken.
bool accepts(const std::string& accept, std::string_view type) {
  if (strip(accept).empty()) return true;
  auto family = std::string(type.substr(0, type.find('/'))) + "/*";
  std::string_view rest = accept;
  while (!rest.empty()) {
    auto comma = rest.find(',');
    auto range = lower(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    auto name = strip(std::string_view(range).substr(0, range.find(';')));
    bool refused = range.find(";q=0") != std::string::npos &&
                   range.find_first_of("123456789", range.find(";q=0")) == std::string::npos;
    if (!refused && (name == "*/*" || name == family || name == type)) return true;
  }
  return false;
}

}  // namespace

Api::Api(herder::Herder& herder, Authorizer& authorizer, ApiOptions options)
    : herder_(herder), authorizer_(authorizer), options_(std::move(options)) {}

const std::vector<Api::Route>& Api::routes() {
  using O = Operation;
  using G = Guards;
  static const std::vector<Route> table = {
      {"GET", "/", O::kDescribe, G::kWorker, false, &Api::root},
      {"GET", "/health", O::kDescribe, G::kWorker, false, &Api::health},
      {"GET", "/metrics", O::kDescribe, G::kWorker, false, &Api::metrics},
      {"GET", "/connectors", O::kDescribe, G::kWorker, false, &Api::list_connectors},
      {"POST", "/connectors", O::kDescribe, G::kWorker, true, &Api::create_connector},
      {"GET", "/connectors/{}", O::kDescribe, G::kConnector, false, &Api::get_connector},
      {"DELETE", "/connectors/{}", O::kDelete, G::kConnector, false, &Api::delete_connector},
      {"GET", "/connectors/{}/config", O::kDescribe, G::kConnector, false, &Api::get_config},
      {"PUT", "/connectors/{}/config", O::kAlter, G::kConnector, true, &Api::put_config},
      {"PATCH", "/connectors/{}/config", O::kAlter, G::kConnector, true, &Api::patch_config},
      {"GET", "/connectors/{}/status", O::kDescribe, G::kConnector, false, &Api::get_status},
      {"GET", "/connectors/{}/tasks", O::kDescribe, G::kConnector, false, &Api::get_tasks},
      {"GET", "/connectors/{}/tasks/{}/status", O::kDescribe, G::kConnector, false,
       &Api::get_task_status},
      {"POST", "/connectors/{}/tasks/{}/restart", O::kAlter, G::kConnector, false,
       &Api::restart_task},
      {"POST", "/connectors/{}/restart", O::kAlter, G::kConnector, false, &Api::restart},
      {"PUT", "/connectors/{}/pause", O::kAlter, G::kConnector, false, &Api::pause},
      {"PUT", "/connectors/{}/resume", O::kAlter, G::kConnector, false, &Api::resume},
      {"PUT", "/connectors/{}/stop", O::kAlter, G::kConnector, false, &Api::stop},
      {"GET", "/connectors/{}/offsets", O::kDescribe, G::kConnector, false, &Api::get_offsets},
      {"PATCH", "/connectors/{}/offsets", O::kAlter, G::kConnector, false, &Api::change_offsets},
      {"DELETE", "/connectors/{}/offsets", O::kAlter, G::kConnector, false, &Api::change_offsets},
      {"GET", "/connectors/{}/topics", O::kDescribe, G::kConnector, false, &Api::get_topics},
      {"PUT", "/connectors/{}/topics/reset", O::kAlter, G::kConnector, false, &Api::reset_topics},
      {"GET", "/connector-plugins", O::kDescribe, G::kWorker, false, &Api::list_plugins},
      {"GET", "/connector-plugins/{}/config", O::kDescribe, G::kPlugin, false, &Api::plugin_config},
      {"PUT", "/connector-plugins/{}/config/validate", O::kDescribe, G::kPlugin, true,
       &Api::validate},
      {"PUT", "/connector-plugins/{}/config/check", O::kCreate, G::kPlugin, true, &Api::check},
      {"GET", "/sluice/topics", O::kDescribe, G::kWorker, false, &Api::topics_of_log},
      {"GET", "/sluice/topics/{}", O::kDescribe, G::kTopic, false, &Api::topic_of_log},
      {"PUT", "/sluice/topics/{}", O::kCreate, G::kTopic, true, &Api::create_topic_of_log},
      {"DELETE", "/sluice/topics/{}", O::kDelete, G::kTopic, false, &Api::delete_topic_of_log},
      {"GET", "/sluice/topics/{}/records", O::kRead, G::kTopic, false, &Api::records_of_log},
      {"POST", "/sluice/log/backup", O::kRead, G::kWorker, true, &Api::start_backup},
      {"GET", "/sluice/log/backup", O::kDescribe, G::kWorker, false, &Api::backup_state},
  };
  return table;
}

Response Api::handle(const Request& request) {
  Response response = dispatch(request);
  if (request.method == "HEAD") response.body.clear();
  return response;
}

Response Api::dispatch(const Request& request) {
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  std::vector<std::string> args;
  std::string allowed;
  bool has_get = false;
  for (const auto& route : routes()) {
    if (!match(route.pattern, request.target.segments, args)) continue;
    if (method == route.method) return run(route, request, args);
    has_get = has_get || std::string_view(route.method) == "GET";
    allowed += std::string(allowed.empty() ? "" : ", ") + route.method;
  }
  if (allowed.empty()) return standard_error(404);
  allowed += has_get ? ", HEAD, OPTIONS" : ", OPTIONS";
  Response response;
  if (method == "OPTIONS") {
    response.content_type.clear();
  } else {
    response = standard_error(405);
  }
  response.headers.emplace_back("Allow", allowed);
  return response;
}

Response Api::run(const Route& route, const Request& request,
                  const std::vector<std::string>& args) {
  bool text = route.handler == &Api::metrics;
  if (!text && !accepts(request.accept, "application/json")) return standard_error(406);
  // A body that nobody reads needs no type; one that is read has to be JSON.
  if (route.body && !is_json(request.content_type)) return standard_error(415);
  std::string resource = route.guards == Guards::kConnector ? "connector:" + args[0]
                         : route.guards == Guards::kPlugin  ? "plugin:" + args[0]
                         : route.guards == Guards::kTopic   ? "topic:" + args[0]
                                                            : "worker";
  if (auto status = allow(request, route.operation, resource); !status.ok()) {
    return error_response(403, status.error().message);
  }
  return (this->*route.handler)(request, args);
}

Status Api::allow(const Request& request, Operation operation, const std::string& resource) {
  return authorizer_.authorize(request.context, operation, resource);
}

}  // namespace sluice::rest
