// SPDX-License-Identifier: Apache-2.0
#include "runtime/rest/backup_routes.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "runtime/json/json.hpp"
#include "runtime/rest/body.hpp"

namespace sluice::rest {
namespace {

constexpr int64_t kWaitMaxMs = 30'000;

Response json(const BackupState& state, int status) {
  return json_response(
      json_text(Json{{"state", state.state},
                     {"directory", state.directory},
                     {"bytes", state.bytes},
                     {"bytes_total", state.bytes_total},
                     {"error", state.error.empty() ? Json(nullptr) : Json(state.error)}}),
      status);
}

}  // namespace

Response start_backup(Backups& backups, const Request& request) {
  auto body = parse_config(request.body);
  if (!body.ok()) return to_response(body.error());
  auto directory = body->find("directory");
  if (directory == body->end() || body->size() != 1) {
    return error_response(400, R"(The body must be {"directory": "/absolute/path"})");
  }
  auto started = backups.start(directory->second);
  return started.ok() ? json(backups.state({}), 202) : to_response(started.error());
}

Response backup_state(Backups& backups, const Request& request) {
  int64_t wait = 0;
  if (auto text = request.target.query_value("wait_ms")) {
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), wait);
    if (error != std::errc() || end != text->data() + text->size() || wait < 0 ||
        wait > kWaitMaxMs) {
      return error_response(400,
                            "wait_ms must be a number from 0 to " + std::to_string(kWaitMaxMs));
    }
  }
  return json(backups.state(std::chrono::milliseconds(wait)), 200);
}

}  // namespace sluice::rest
