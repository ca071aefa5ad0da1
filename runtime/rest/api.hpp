// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/herder/herder.hpp"
#include "runtime/log/log.hpp"
#include "runtime/rest/backup_routes.hpp"
#include "runtime/rest/http.hpp"

namespace sluice::rest {

struct ApiOptions {
  std::string version;  // of GET /
  std::string commit;
  bool topic_tracking = true;            // topic.tracking.enable
  bool topic_tracking_reset = true;      // topic.tracking.allow.reset
  std::function<std::string()> metrics;  // Prometheus text; empty function = no /metrics
  std::function<log::Log*()> log;        // for /sluice/topics; nullptr while it is not open yet
  std::function<Backups*()> backups;     // for /sluice/log/backup; the same
};

// Kafka Connect's REST API over a Herder: one table of routes, one function that dispatches,
// authorizes and answers. No sockets, no threads of its own. Owned by the app; thread-safe, as the
// herder and the authorizer are.
class Api {
 public:
  Api(herder::Herder& herder, Authorizer& authorizer, ApiOptions options);
  Response handle(const Request& request);

 private:
  using Handler = Response (Api::*)(const Request& request, const std::vector<std::string>& args);
  enum class Guards {
    kWorker,
    kConnector,
    kPlugin,
    kTopic
  };  // what kind of resource the first "{}" names
  struct Route {
    const char* method;
    const char* pattern;  // "{}" matches one segment
    Operation operation;
    Guards guards;
    bool body;  // a body is read: it has to be JSON
    Handler handler;
  };
  static const std::vector<Route>& routes();
  Response dispatch(const Request& request);
  Response run(const Route& route, const Request& request, const std::vector<std::string>& args);
  // The one place where the authorizer is asked.
  Status allow(const Request& request, Operation operation, const std::string& resource);

  Response root(const Request& request, const std::vector<std::string>& args);
  Response health(const Request& request, const std::vector<std::string>& args);
  Response metrics(const Request& request, const std::vector<std::string>& args);
  Response list_connectors(const Request& request, const std::vector<std::string>& args);
  Response create_connector(const Request& request, const std::vector<std::string>& args);
  Response get_connector(const Request& request, const std::vector<std::string>& args);
  Response delete_connector(const Request& request, const std::vector<std::string>& args);
  Response get_config(const Request& request, const std::vector<std::string>& args);
  Response put_config(const Request& request, const std::vector<std::string>& args);
  Response patch_config(const Request& request, const std::vector<std::string>& args);
  Response get_status(const Request& request, const std::vector<std::string>& args);
  Response get_tasks(const Request& request, const std::vector<std::string>& args);
  Response get_task_status(const Request& request, const std::vector<std::string>& args);
  Response restart_task(const Request& request, const std::vector<std::string>& args);
  Response restart(const Request& request, const std::vector<std::string>& args);
  Response pause(const Request& request, const std::vector<std::string>& args);
  Response resume(const Request& request, const std::vector<std::string>& args);
  Response stop(const Request& request, const std::vector<std::string>& args);
  Response get_offsets(const Request& request, const std::vector<std::string>& args);
  Response change_offsets(const Request& request, const std::vector<std::string>& args);
  Response get_topics(const Request& request, const std::vector<std::string>& args);
  Response reset_topics(const Request& request, const std::vector<std::string>& args);
  Response list_plugins(const Request& request, const std::vector<std::string>& args);
  Response plugin_config(const Request& request, const std::vector<std::string>& args);
  Response validate(const Request& request, const std::vector<std::string>& args);
  Response check(const Request& request, const std::vector<std::string>& args);

  Response topics_of_log(const Request& request, const std::vector<std::string>& args);
  Response topic_of_log(const Request& request, const std::vector<std::string>& args);
  Response create_topic_of_log(const Request& request, const std::vector<std::string>& args);
  Response delete_topic_of_log(const Request& request, const std::vector<std::string>& args);
  Response records_of_log(const Request& request, const std::vector<std::string>& args);
  Response start_backup(const Request& request, const std::vector<std::string>& args);
  Response backup_state(const Request& request, const std::vector<std::string>& args);

  herder::Herder& herder_;
  Authorizer& authorizer_;
  ApiOptions options_;
};

}  // namespace sluice::rest
