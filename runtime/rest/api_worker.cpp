// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "runtime/rest/api.hpp"
#include "runtime/rest/body.hpp"
#include "runtime/rest/render.hpp"
#include "runtime/rest/topic_routes.hpp"

// The handlers of the worker itself and below /connector-plugins.
namespace sluice::rest {
namespace {

// "FileStreamSource" for "FileStreamSourceConnector": both name the same class.
std::string without_suffix(const std::string& name) {
  constexpr std::string_view kSuffix = "Connector";
  bool has = name.size() > kSuffix.size() && name.ends_with(kSuffix);
  return has ? name.substr(0, name.size() - kSuffix.size()) : name;
}

// The config in the body, which has to be one of the class that the path names.
Result<config::ConfigMap> config_of_class(const Request& request, const std::string& cls) {
  SLUICE_ASSIGN(auto config, parse_config(request.body));
  const auto sent = config.find("connector.class");
  if (sent != config.end() && !without_suffix(sent->second).ends_with(without_suffix(cls))) {
    return Error{ErrorKind::kInvalid, "Included connector type " + sent->second +
                                          " does not match request type " + cls};
  }
  return config;
}

}  // namespace

Response Api::root(const Request&, const std::vector<std::string>&) {
  return json_response(render_root(options_.version, options_.commit, herder_.cluster_id()));
}

Response Api::health(const Request&, const std::vector<std::string>&) {
  auto [health, message] = herder_.health();
  int status = health == herder::Health::kHealthy    ? 200
               : health == herder::Health::kStarting ? 503
                                                     : 500;
  return json_response(render_health(health, message), status);
}

Response Api::metrics(const Request&, const std::vector<std::string>&) {
  if (!options_.metrics) return standard_error(404);
  Response response;
  response.body = options_.metrics();
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return response;
}

Response Api::list_plugins(const Request& request, const std::vector<std::string>&) {
  // Anything but "true" counts as false, and no value at all as the default.
  auto only = request.target.query_value("connectorsOnly");
  std::string word = only.value_or("true");
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  auto plugins = herder_.plugins(request.context, word == "true");
  return plugins.ok() ? json_response(render(*plugins)) : to_response(plugins.error());
}

Response Api::plugin_config(const Request& request, const std::vector<std::string>& args) {
  auto keys = herder_.plugin_config(request.context, args[0]);
  return keys.ok() ? json_response(render(*keys)) : to_response(keys.error());
}

Response Api::validate(const Request& request, const std::vector<std::string>& args) {
  auto config = config_of_class(request, args[0]);
  if (!config.ok()) return to_response(config.error());
  auto infos = herder_.validate(request.context, args[0], *config);
  return infos.ok() ? json_response(render(*infos)) : to_response(infos.error());
}

Response Api::check(const Request& request, const std::vector<std::string>& args) {
  auto config = config_of_class(request, args[0]);
  if (!config.ok()) return to_response(config.error());
  auto result = herder_.check(request.context, *config);
  return result.ok() ? json_response(render(*result)) : to_response(result.error());
}

namespace {

Response log_not_open() {
  return error_response(503, "The log is not open yet: the worker is starting");
}

}  // namespace

Response Api::topics_of_log(const Request&, const std::vector<std::string>&) {
  log::Log* log = options_.log ? options_.log() : nullptr;
  return log ? list_topics(*log) : log_not_open();
}

Response Api::topic_of_log(const Request&, const std::vector<std::string>& args) {
  log::Log* log = options_.log ? options_.log() : nullptr;
  return log ? describe_topic(*log, args[0]) : log_not_open();
}

Response Api::create_topic_of_log(const Request& request, const std::vector<std::string>& args) {
  log::Log* log = options_.log ? options_.log() : nullptr;
  return log ? create_topic(*log, args[0], request) : log_not_open();
}

Response Api::delete_topic_of_log(const Request&, const std::vector<std::string>& args) {
  log::Log* log = options_.log ? options_.log() : nullptr;
  return log ? delete_topic(*log, args[0]) : log_not_open();
}

Response Api::records_of_log(const Request& request, const std::vector<std::string>& args) {
  log::Log* log = options_.log ? options_.log() : nullptr;
  return log ? read_records(*log, args[0], request) : log_not_open();
}

Response Api::start_backup(const Request& request, const std::vector<std::string>&) {
  Backups* backups = options_.backups ? options_.backups() : nullptr;
  return backups ? rest::start_backup(*backups, request) : log_not_open();
}

Response Api::backup_state(const Request& request, const std::vector<std::string>&) {
  Backups* backups = options_.backups ? options_.backups() : nullptr;
  return backups ? rest::backup_state(*backups, request) : log_not_open();
}

}  // namespace sluice::rest
