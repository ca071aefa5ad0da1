// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <limits>

#include "runtime/rest/api.hpp"
#include "runtime/rest/body.hpp"
#include "runtime/rest/render.hpp"

// The handlers below /connectors.
namespace sluice::rest {
namespace {

Response no_body(int status) {
  Response response;
  response.status = status;
  response.content_type.clear();
  return response;
}

Response answer(const Status& status, int code) {
  return status.ok() ? no_body(code) : to_response(status.error());
}

template <class T>
Response answer(const Result<T>& result, int code = 200) {
  return result.ok() ? json_response(render(result.value()), code) : to_response(result.error());
}

// As JAX-RS reads a Boolean parameter: "true" in any case, everything else is false.
bool flag(const Request& request, const char* name) {
  auto value = request.target.query_value(name);
  if (!value || value->size() != 4) return false;
  std::string word = *value;
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return word == "true";
}

std::optional<int> task_number(const std::string& text) {
  int number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Kafka Connect's rule for the name that comes twice: in the request and in the config.
Status put_name(const std::string& name, config::ConfigMap& config) {
  auto [entry, added] = config.try_emplace("name", name);
  if (!added && entry->second != name) {
    return Error{ErrorKind::kInvalid, "Connector name configuration (" + entry->second +
                                          ") doesn't match connector name in the URL (" + name +
                                          ")"};
  }
  return ok();
}

Response created_or_replaced(const Result<herder::PutResult>& result) {
  if (!result.ok()) return to_response(result.error());
  Response response = json_response(render(result->info), result->created ? 201 : 200);
  if (result->created)
    response.headers.emplace_back("Location", "/connectors/" + percent_encode(result->info.name));
  return response;
}

}  // namespace

Response Api::list_connectors(const Request& request, const std::vector<std::string>&) {
  auto names = herder_.connectors(request.context);
  if (!names.ok()) return to_response(names.error());
  std::erase_if(*names, [&](const std::string& name) {
    return !allow(request, Operation::kDescribe, "connector:" + name).ok();
  });
  bool expand = false, want_status = false, want_info = false;
  for (const auto& [key, value] : request.target.query) {
    if (key != "expand") continue;
    expand = true;
    want_status = want_status || value == "status";
    want_info = want_info || value == "info";
  }
  if (!expand) return json_response(render_names(*names));

  struct Parts {
    std::optional<herder::ConnectorStatus> status;
    std::optional<herder::ConnectorInfo> info;
  };
  std::vector<Parts> parts(names->size());
  std::vector<Expansion> expansions;
  for (size_t i = 0; i < names->size(); ++i) {
    const std::string& name = (*names)[i];
    if (want_status) {
      auto status = herder_.status(request.context, name);
      if (!status.ok()) continue;  // removed meanwhile
      parts[i].status = std::move(status).value();
    }
    if (want_info) {
      auto info = herder_.info(request.context, name);
      if (!info.ok()) continue;
      parts[i].info = std::move(info).value();
    }
    expansions.push_back({name, parts[i].status ? &*parts[i].status : nullptr,
                          parts[i].info ? &*parts[i].info : nullptr});
  }
  return json_response(render(expansions));
}

Response Api::create_connector(const Request& request, const std::vector<std::string>&) {
  auto body = parse_create_request(request.body);
  if (!body.ok()) return to_response(body.error());
  // The name is in the body here, so the route's own check could not ask for it.
  if (auto status = allow(request, Operation::kCreate, "connector:" + body->name); !status.ok()) {
    return error_response(403, status.error().message);
  }
  if (auto status = put_name(body->name, body->config); !status.ok())
    return to_response(status.error());
  return created_or_replaced(
      herder_.put_config(request.context, body->name, body->config, false, body->initial_state));
}

Response Api::get_connector(const Request& request, const std::vector<std::string>& args) {
  return answer(herder_.info(request.context, args[0]));
}

Response Api::delete_connector(const Request& request, const std::vector<std::string>& args) {
  return answer(herder_.remove(request.context, args[0]), 204);
}

Response Api::get_config(const Request& request, const std::vector<std::string>& args) {
  auto info = herder_.info(request.context, args[0]);
  return info.ok() ? json_response(render_config(info->config)) : to_response(info.error());
}

Response Api::put_config(const Request& request, const std::vector<std::string>& args) {
  auto config = parse_config(request.body);
  if (!config.ok()) return to_response(config.error());
  if (auto status = put_name(args[0], *config); !status.ok()) return to_response(status.error());
  return created_or_replaced(herder_.put_config(request.context, args[0], *config, true));
}

Response Api::patch_config(const Request& request, const std::vector<std::string>& args) {
  auto patch = parse_patch(request.body);
  if (!patch.ok()) return to_response(patch.error());
  if (auto name = patch->find("name"); name != patch->end() && name->second != args[0]) {
    return error_response(
        400, "The patch changes \"name\": a connector keeps the name of its URL (" + args[0] + ")");
  }
  return answer(herder_.patch_config(request.context, args[0], *patch));
}

Response Api::get_status(const Request& request, const std::vector<std::string>& args) {
  return answer(herder_.status(request.context, args[0]));
}

Response Api::get_tasks(const Request& request, const std::vector<std::string>& args) {
  return answer(herder_.tasks(request.context, args[0]));
}

Response Api::get_task_status(const Request& request, const std::vector<std::string>& args) {
  auto task = task_number(args[1]);
  if (!task) return standard_error(404);
  return answer(herder_.task_status(request.context, args[0], *task));
}

Response Api::restart_task(const Request& request, const std::vector<std::string>& args) {
  auto task = task_number(args[1]);
  if (!task) return standard_error(404);
  return answer(herder_.restart_task(request.context, args[0], *task), 204);
}

Response Api::restart(const Request& request, const std::vector<std::string>& args) {
  bool include_tasks = flag(request, "includeTasks");
  bool only_failed = flag(request, "onlyFailed");
  auto status = herder_.restart(request.context, args[0], include_tasks, only_failed);
  if (!status.ok()) return to_response(status.error());
  if (!include_tasks && !only_failed) return no_body(204);
  return json_response(render(*status), 202);
}

Response Api::pause(const Request& request, const std::vector<std::string>& args) {
  return answer(herder_.pause(request.context, args[0]), 202);
}

Response Api::resume(const Request& request, const std::vector<std::string>& args) {
  return answer(herder_.resume(request.context, args[0]), 202);
}

Response Api::stop(const Request& request, const std::vector<std::string>& args) {
  return answer(herder_.stop(request.context, args[0]), 204);
}

Response Api::get_offsets(const Request& request, const std::vector<std::string>& args) {
  return answer(herder_.offsets(request.context, args[0]));
}

Response Api::change_offsets(const Request&, const std::vector<std::string>&) {
  return error_response(501, "This version does not alter or reset offsets of connectors yet");
}

Response Api::get_topics(const Request& request, const std::vector<std::string>& args) {
  if (!options_.topic_tracking) return error_response(403, "Topic tracking is disabled.");
  auto topics = herder_.topics(request.context, args[0]);
  return topics.ok() ? json_response(render_topics(args[0], *topics)) : to_response(topics.error());
}

Response Api::reset_topics(const Request& request, const std::vector<std::string>& args) {
  if (!options_.topic_tracking) return error_response(403, "Topic tracking is disabled.");
  if (!options_.topic_tracking_reset)
    return error_response(403, "Topic tracking reset is disabled.");
  return answer(herder_.reset_topics(request.context, args[0]), 202);
}

}  // namespace sluice::rest
