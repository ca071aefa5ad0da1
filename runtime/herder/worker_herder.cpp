// SPDX-License-Identifier: Apache-2.0
#include "runtime/herder/worker_herder.hpp"

#include <algorithm>
#include <ctime>

#include "runtime/herder/logger.hpp"

namespace sluice::herder {
namespace {

using Clock = std::chrono::system_clock;

std::string iso_instant(Clock::time_point at) {
  std::time_t seconds = Clock::to_time_t(at);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// Waits for the reply of the control plane. The slot outlives the wait: a reply may come after the
// deadline.
template <class T>
Result<T> await(const RequestContext& context, const std::string& stage,
                const std::function<void(Reply<T>)>& request) {
  struct Slot {
    std::mutex mutex;
    std::condition_variable done;
    std::optional<Result<T>> result;
  };
  auto slot = std::make_shared<Slot>();
  auto began = Clock::now();
  request([slot](Result<T> result) {
    std::lock_guard lock(slot->mutex);
    slot->result = std::move(result);
    slot->done.notify_all();
  });
  std::unique_lock lock(slot->mutex);
  if (!slot->done.wait_until(lock, context.deadline, [&] { return slot->result.has_value(); })) {
    return Error{ErrorKind::kTimeout, "Request timed out. The worker is currently " + stage +
                                          ", which began at " + iso_instant(began)};
  }
  return std::move(*slot->result);
}

Error not_found(const std::string& name) {
  return {ErrorKind::kNotFound, "Connector " + name + " not found"};
}

Error timed_out_starting() {
  return {ErrorKind::kTimeout,
          "Request timed out. The worker is currently starting: it replays its internal topics"};
}

std::string json_string(const std::string& text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += std::string("\\u00") + kHex[c >> 4] + kHex[c & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

store::TargetState target_state(const std::string& initial_state) {
  if (initial_state == "PAUSED") return store::TargetState::kPaused;
  if (initial_state == "STOPPED") return store::TargetState::kStopped;
  return store::TargetState::kStarted;
}

std::string sink_group(const std::string& name, const config::ConfigMap& config) {
  auto entry = config.find("consumer.override.group.id");
  return entry == config.end() ? "connect-" + name : entry->second;
}

}  // namespace

void WorkerHerder::ready(HerderParts parts) {
  std::lock_guard lock(mutex_);
  parts_.emplace(std::move(parts));
  changed_.notify_all();
}

void WorkerHerder::failed(std::string text) {
  std::lock_guard lock(mutex_);
  failure_ = std::move(text);
  changed_.notify_all();
}

void WorkerHerder::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return users_ == 0; });
  parts_.reset();
}

Result<WorkerHerder::Use> WorkerHerder::use(const RequestContext& context) {
  std::unique_lock lock(mutex_);
  bool in_time = changed_.wait_until(
      lock, context.deadline, [&] { return parts_.has_value() || closed_ || !failure_.empty(); });
  if (closed_) return Error{ErrorKind::kShutdown, "The worker is shutting down"};
  if (!failure_.empty()) return Error{ErrorKind::kFatal, failure_};
  if (!in_time) return timed_out_starting();
  ++users_;
  return Use(*this);
}

void WorkerHerder::done_with() {
  std::lock_guard lock(mutex_);
  if (--users_ == 0) changed_.notify_all();
}

std::pair<Health, std::string> WorkerHerder::health() {
  std::lock_guard lock(mutex_);
  if (!failure_.empty()) return {Health::kUnhealthy, failure_};
  if (closed_) return {Health::kUnhealthy, "Worker is shutting down."};
  if (!parts_) return {Health::kStarting, "Worker is still starting up."};
  if (const std::string why = parts_->log_failure ? parts_->log_failure() : ""; !why.empty()) {
    return {Health::kUnhealthy,
            "The data directory takes no writes since an I/O error: " + why +
                ". Nothing acknowledged is lost. Check the disk, then restart the worker."};
  }
  return {Health::kHealthy, "Worker has completed startup and is ready to handle requests."};
}

std::string WorkerHerder::cluster_id() {
  RequestContext context;
  context.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  auto parts = use(context);
  return parts.ok() ? (*parts)->log.cluster_id() : "";
}

Result<std::vector<std::string>> WorkerHerder::connectors(const RequestContext& context) {
  SLUICE_ASSIGN(auto parts, use(context));
  return parts->configs.connectors();
}

Result<ConnectorInfo> WorkerHerder::info(const RequestContext& context, const std::string& name) {
  SLUICE_ASSIGN(auto parts, use(context));
  return parts->plane->info(name);
}

Result<ConnectorStatus> WorkerHerder::status(const RequestContext& context,
                                             const std::string& name) {
  SLUICE_ASSIGN(auto parts, use(context));
  return parts->plane->status(name);
}

Result<TaskStateEntry> WorkerHerder::task_status(const RequestContext& context,
                                                 const std::string& name, int task) {
  SLUICE_ASSIGN(auto parts, use(context));
  auto state = parts->configs.get(name) ? parts->statuses.task(name, task) : std::nullopt;
  if (!state) {
    return Error{ErrorKind::kNotFound,
                 "No status found for task " + name + "-" + std::to_string(task)};
  }
  TaskStateEntry entry;
  static_cast<StateEntry&>(entry) = {state->state, state->worker_id, state->trace, state->version};
  entry.id = task;
  return entry;
}

Result<std::vector<TaskInfo>> WorkerHerder::tasks(const RequestContext& context,
                                                  const std::string& name) {
  SLUICE_ASSIGN(auto parts, use(context));
  auto entry = parts->configs.get(name);
  if (!entry) return not_found(name);
  std::vector<TaskInfo> tasks;
  for (size_t i = 0; i < entry->tasks.size(); ++i) {
    tasks.push_back({name, static_cast<int>(i), std::move(entry->tasks[i])});
  }
  return tasks;
}

Status WorkerHerder::check_config(HerderParts& parts, const RequestContext& context,
                                  const std::string& name, const config::ConfigMap& config) {
  bool control =
      std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (control) {
    return Error{ErrorKind::kInvalid,
                 "Connector configuration is invalid and contains the following 1 error(s):\n"
                 "Invalid value " +
                     name +
                     " for configuration name: String may not contain "
                     "control sequences but had the following ASCII chars: control characters\n"
                     "You can also find the above list of errors at the endpoint "
                     "`/connector-plugins/{connectorType}/config/validate`"};
  }
  SLUICE_ASSIGN(auto infos, parts.validator->validate(context, config));
  if (auto text = Validator::refusal(infos)) return Error{ErrorKind::kInvalid, *text};
  for (const auto& warning : parts.validator->warnings(config))
    logger().warn("Connector " + name + ": " + warning);
  return ok();
}

Result<PutResult> WorkerHerder::put_config(const RequestContext& context, const std::string& name,
                                           const config::ConfigMap& config, bool allow_replace,
                                           const std::string& initial_state) {
  SLUICE_ASSIGN(auto parts, use(context));
  SLUICE_TRY(check_config(*parts.operator->(), context, name, config));
  return await<PutResult>(
      context, "writing the config of connector " + name, [&](Reply<PutResult> reply) {
        parts->plane->put(name, config, allow_replace, target_state(initial_state), std::nullopt,
                          std::move(reply));
      });
}

Result<ConnectorInfo> WorkerHerder::patch_config(
    const RequestContext& context, const std::string& name,
    const std::map<std::string, std::optional<std::string>>& patch) {
  SLUICE_ASSIGN(auto parts, use(context));
  auto entry = parts->configs.get(name);
  if (!entry) return not_found(name);
  config::ConfigMap config = entry->config;
  for (const auto& [key, value] : patch) {
    if (value) {
      config[key] = *value;
    } else {
      config.erase(key);
    }
  }
  SLUICE_TRY(check_config(*parts.operator->(), context, name, config));
  auto result = await<PutResult>(
      context, "writing the config of connector " + name, [&](Reply<PutResult> reply) {
        parts->plane->put(name, config, true, store::TargetState::kStarted, entry->config,
                          std::move(reply));
      });
  if (!result.ok()) return result.error();
  return std::move(result->info);
}

Status WorkerHerder::remove(const RequestContext& context, const std::string& name) {
  SLUICE_ASSIGN(auto parts, use(context));
  return await<Unit>(context, "deleting connector " + name,
                     [&](Reply<Unit> reply) { parts->plane->remove(name, std::move(reply)); });
}

Status WorkerHerder::set_target(const RequestContext& context, const std::string& name,
                                store::TargetState state) {
  SLUICE_ASSIGN(auto parts, use(context));
  return await<Unit>(
      context, "writing the target state of connector " + name,
      [&](Reply<Unit> reply) { parts->plane->set_target(name, state, std::move(reply)); });
}

Status WorkerHerder::pause(const RequestContext& context, const std::string& name) {
  return set_target(context, name, store::TargetState::kPaused);
}
Status WorkerHerder::resume(const RequestContext& context, const std::string& name) {
  return set_target(context, name, store::TargetState::kStarted);
}
Status WorkerHerder::stop(const RequestContext& context, const std::string& name) {
  return set_target(context, name, store::TargetState::kStopped);
}

Result<ConnectorStatus> WorkerHerder::restart(const RequestContext& context,
                                              const std::string& name, bool include_tasks,
                                              bool only_failed) {
  SLUICE_ASSIGN(auto parts, use(context));
  return await<ConnectorStatus>(
      context, "restarting connector " + name, [&](Reply<ConnectorStatus> reply) {
        parts->plane->restart(name, include_tasks, only_failed, std::move(reply));
      });
}

Status WorkerHerder::restart_task(const RequestContext& context, const std::string& name,
                                  int task) {
  SLUICE_ASSIGN(auto parts, use(context));
  return await<Unit>(
      context, "restarting task " + name + "-" + std::to_string(task),
      [&](Reply<Unit> reply) { parts->plane->restart_task(name, task, std::move(reply)); });
}

Result<std::vector<ConnectorOffset>> WorkerHerder::offsets(const RequestContext& context,
                                                           const std::string& name) {
  SLUICE_ASSIGN(auto parts, use(context));
  auto entry = parts->configs.get(name);
  if (!entry) return not_found(name);
  std::vector<ConnectorOffset> result;
  if (parts->plane->type_of(entry->config) == "sink") {
    SLUICE_ASSIGN(auto committed, parts->log.group_offsets(sink_group(name, entry->config)));
    for (const auto& one : committed) {
      result.push_back(
          {"{\"kafka_topic\":" + json_string(one.partition.topic) +
               ",\"kafka_partition\":" + std::to_string(one.partition.partition.value()) + "}",
           "{\"kafka_offset\":" + std::to_string(one.next.value()) + "}"});
    }
    return result;
  }
  SLUICE_ASSIGN(auto stored, parts->offsets.list(name));
  for (auto& [partition, offset] : stored)
    result.push_back({std::move(partition), std::move(offset)});
  return result;
}

Result<std::vector<std::string>> WorkerHerder::topics(const RequestContext& context,
                                                      const std::string& name) {
  SLUICE_ASSIGN(auto parts, use(context));
  std::vector<std::string> names;
  for (const auto& one : parts->statuses.topics(name)) {
    if (std::find(names.begin(), names.end(), one.topic) == names.end()) names.push_back(one.topic);
  }
  return names;
}

Status WorkerHerder::reset_topics(const RequestContext& context, const std::string& name) {
  SLUICE_ASSIGN(auto parts, use(context));
  parts->statuses.remove_topics(name);
  return ok();
}

Result<std::vector<plugin::ClassPtr>> WorkerHerder::plugins(const RequestContext& context,
                                                            bool connectors_only) {
  SLUICE_ASSIGN(auto parts, use(context));
  auto classes = parts->registry.list();
  classes.insert(classes.end(), parts->built_in_classes.begin(), parts->built_in_classes.end());
  // Kafka's order: sinks, sources, transformations, predicates, converters, header converters.
  auto rank = [](plugin::Kind kind) {
    return kind == plugin::Kind::kSink     ? 0
           : kind == plugin::Kind::kSource ? 1
                                           : static_cast<int>(kind);
  };
  std::erase_if(
      classes, [&](const plugin::ClassPtr& cls) { return connectors_only && rank(cls->kind) > 1; });
  std::stable_sort(classes.begin(), classes.end(),
                   [&](const plugin::ClassPtr& a, const plugin::ClassPtr& b) {
                     return std::pair(rank(a->kind), a->name) < std::pair(rank(b->kind), b->name);
                   });
  return classes;
}

Result<std::vector<config::ConfigKey>> WorkerHerder::plugin_config(const RequestContext& context,
                                                                   const std::string& plugin) {
  SLUICE_ASSIGN(auto parts, use(context));
  if (parts->built_in) {
    if (const auto* def = parts->built_in(plugin)) return def->keys();
  }
  using plugin::Kind;
  auto cls =
      parts->registry.find(plugin, {Kind::kSource, Kind::kSink, Kind::kTransformation,
                                    Kind::kPredicate, Kind::kConverter, Kind::kHeaderConverter});
  if (!cls.ok()) {
    return Error{ErrorKind::kNotFound, "Unknown plugin " + plugin + ". " + cls.error().message};
  }
  return (*cls)->config.keys();
}

Result<ConfigInfos> WorkerHerder::validate(const RequestContext& context, const std::string&,
                                           const config::ConfigMap& config) {
  SLUICE_ASSIGN(auto parts, use(context));
  return parts->validator->validate(context, config);
}

Result<CheckResult> WorkerHerder::check(const RequestContext& context,
                                        const config::ConfigMap& config) {
  SLUICE_ASSIGN(auto parts, use(context));
  return parts->validator->check(context, config);
}

}  // namespace sluice::herder
