// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/worker.hpp"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "broker-core/server/broker.hpp"
#include "runtime/app/backups.hpp"
#include "runtime/app/lanes.hpp"
#include "runtime/app/log_metrics.hpp"
#include "runtime/app/task_host.hpp"
#include "runtime/app/validation.hpp"
#include "runtime/herder/worker_herder.hpp"
#include "runtime/log/embedded.hpp"
#include "runtime/logging/logging.hpp"
#include "runtime/plugin/control_lane.hpp"
#include "runtime/plugin/registry.hpp"
#include "runtime/rest/api.hpp"
#include "runtime/rest/server.hpp"

namespace sluice::app {
namespace {

// The release of Kafka Connect whose REST API this is, then our own version: clients compare the
// front.
constexpr const char* kRestVersion = "4.1.0-sluice-" SLUICE_VERSION;

const logging::Logger& logger() {
  static const logging::Logger instance("sluice.worker");
  return instance;
}

// Where the build and the installation put plugins: lib/sluice/plugins beside the folder of the
// binary.
std::string plugins_beside_binary() {
  std::error_code error;
  auto binary = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "" : (binary.parent_path().parent_path() / "lib/sluice/plugins").string();
}

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  for (auto& word : config::split_list(text)) {
    if (!word.empty()) words.push_back(std::move(word));
  }
  return words;
}

store::TopicSettings topic_settings(const config::InternalTopic& topic) {
  return {topic.name, topic.partitions, topic.replication_factor, topic.configs};
}

void warn(const std::string& line) {
  logger().warn(line);
}

}  // namespace

// In the order of construction; members go in the opposite one.
struct Worker::Parts {
  explicit Parts(config::WorkerConfig given) : config(std::move(given)) {}

  config::WorkerConfig config;
  std::string worker_id;
  AllowAll authorizer;
  metrics::Registry metrics;
  herder::WorkerHerder herder;
  plugin::AbandonedThreadsPtr abandoned = std::make_shared<plugin::AbandonedThreads>();
  std::unique_ptr<Executor> executor;  // herder, stores, timers: short work only
  std::unique_ptr<server::Broker> broker;
  std::atomic<server::Broker*> open_broker{nullptr};
  std::unique_ptr<WorkerBackups> backups;
  std::atomic<WorkerBackups*> open_backups{nullptr};
  std::unique_ptr<log::Log> log;
  std::atomic<log::Log*> open_log{nullptr};
  std::unique_ptr<store::ConfigStore> configs;
  std::unique_ptr<store::OffsetStore> offsets;
  std::unique_ptr<store::StatusStore> statuses;
  std::unique_ptr<plugin::PluginRegistry> registry;
  std::unique_ptr<plugin::WatchdogExecutor> task_executor;
  std::unique_ptr<plugin::WatchdogExecutor> control_executor;
  std::unique_ptr<plugin::ControlLanes> validation_lanes;
  std::unique_ptr<ExecutorLanes> lanes;
  std::unique_ptr<RunnerHost> host;
  std::atomic<RunnerHost*> running_host{nullptr};
  std::shared_ptr<herder::ControlPlane> plane;
  std::unique_ptr<rest::Api> api;
  std::unique_ptr<rest::Server> server;
  bool stopped = false;

  Status open_stores();
  Status open_plugins();
  void connect();
  rest::ServerOptions server_options() const;
};

Worker::Worker(config::WorkerConfig config) : parts_(std::make_unique<Parts>(std::move(config))) {}

Worker::~Worker() {
  auto status = stop();
  if (!status.ok()) logger().error(status.error().message);
}

rest::ServerOptions Worker::Parts::server_options() const {
  rest::ServerOptions options;
  bool loopback = true;
  for (const auto& listener : config.listeners) {
    options.listeners.push_back({listener.host, listener.port});
    loopback = loopback && listener.loopback;
  }
  options.guard.loopback = loopback;
  if (!config.advertised_host.empty())
    options.guard.allowed_hosts.push_back(config.advertised_host);
  if (auto hosts = config.values.find("rest.allowed.hosts"); hosts != config.values.end()) {
    for (auto& name : split_words(hosts->second))
      options.guard.allowed_hosts.push_back(std::move(name));
  }
  char machine[256] = {};
  if (::gethostname(machine, sizeof machine - 1) == 0)
    options.guard.allowed_hosts.emplace_back(machine);
  options.guard.allowed_origins = split_words(config.cors_origin);
  options.guard.allowed_methods = split_words(config.cors_methods);
  return options;
}

Status Worker::start() {
  Parts& p = *parts_;
  for (const auto& line : p.config.warnings) warn(line);
  auto options = p.server_options();
  SLUICE_ASSIGN(options.guard.extra_headers, rest::parse_extra_headers(p.config.response_headers));
  rest::ApiOptions api;
  api.version = kRestVersion;
  api.commit = SLUICE_COMMIT;
  api.topic_tracking = p.config.topic_tracking;
  api.topic_tracking_reset = p.config.topic_tracking_reset;
  api.metrics = [&p] {
    auto* host = p.running_host.load();
    auto* log = p.open_broker.load();
    return p.metrics.expose() + (host ? host->task_metrics() : "") +
           (log ? render_log_metrics(log->stats()) : "");
  };
  api.log = [&p] { return p.open_log.load(); };
  api.backups = [&p] { return p.open_backups.load(); };
  p.api = std::make_unique<rest::Api>(p.herder, p.authorizer, std::move(api));
  SLUICE_ASSIGN(p.server,
                rest::Server::start(std::move(options), [&p](const rest::Request& request) {
                  return p.api->handle(request);
                }));
  std::string url = p.server->urls().front();
  std::string address = url.substr(url.find("://") + 3);
  std::string host = p.config.advertised_host.empty() ? address.substr(0, address.rfind(':'))
                                                      : p.config.advertised_host;
  std::string port = p.config.advertised_port == 0 ? address.substr(address.rfind(':') + 1)
                                                   : std::to_string(p.config.advertised_port);
  p.worker_id = host + ":" + port;
  return ok();
}

Status Worker::Parts::open_stores() {
  executor = thread_executor("worker", 2);
  server::Broker::Settings settings;
  settings.directory = config.data_dir;
  settings.metadata_snapshot_bytes = static_cast<uint64_t>(config.metadata_snapshot_bytes);
  settings.storage.commit_file_bytes = static_cast<uint64_t>(config.commit_log_file_bytes);
  settings.storage.checkpoint_bytes = static_cast<uint64_t>(config.commit_log_checkpoint_bytes);
  settings.storage.write_through_bytes =
      static_cast<uint64_t>(config.commit_log_write_through_bytes);
  settings.storage.checkpoint_interval_ms = config.checkpoint_interval_ms;
  settings.storage.housekeeping_interval_ms = config.retention_check_interval_ms;
  settings.storage.on_failure = [directory = config.data_dir](const std::string& why) {
    logger().error("The data directory " + directory + " takes no more writes: " + why +
                   ". Nothing acknowledged is lost. Check the disk, then restart the worker.");
  };
  SLUICE_ASSIGN(broker, server::Broker::open(std::move(settings), {posix_disk(), system_clock(),
                                                                   system_random(), nullptr}));
  open_broker = broker.get();
  log::EmbeddedSettings embedded;
  embedded.epoch_file = config.data_dir + "/worker/epochs";
  embedded.offsets_topic = config.offset_topic.name;
  embedded.offsets_partitions = config.offset_topic.partitions;
  embedded.worker_topics = {config.config_topic.name, config.offset_topic.name,
                            config.status_topic.name};
  SLUICE_ASSIGN(log, log::open_embedded_log(std::move(embedded),
                                            {*broker, posix_disk(), system_clock(), *executor}));
  SLUICE_ASSIGN(configs, store::ConfigStore::open(*log, system_clock(),
                                                  topic_settings(config.config_topic), warn));
  SLUICE_ASSIGN(offsets, store::OffsetStore::open(*log, executor.get(),
                                                  topic_settings(config.offset_topic), warn));
  SLUICE_ASSIGN(statuses, store::StatusStore::open(*log, *executor, system_clock(),
                                                   topic_settings(config.status_topic), warn));
  return ok();
}

Status Worker::Parts::open_plugins() {
  plugin::RegistryOptions options;
  options.plugin_path = config.plugin_path;
  if (options.plugin_path.empty()) options.plugin_path = {plugins_beside_binary()};
  options.cache_dir = config.data_dir + "/worker";
  SLUICE_ASSIGN(options.files, plugin::FileAccess::make(config.file_roots));
  options.metrics = &metrics;
  registry = plugin::make_registry(std::move(options));
  plugin::WatchdogOptions tasks;
  tasks.name = "tasks";
  task_executor = std::make_unique<plugin::WatchdogExecutor>(tasks, abandoned);
  plugin::WatchdogOptions control;
  control.name = "control";
  control_executor = std::make_unique<plugin::WatchdogExecutor>(control, abandoned);
  plugin::ControlLaneOptions validation;
  validation.max_waiting = 8;  // each holds a thread of REST, which has other callers
  validation_lanes = std::make_unique<plugin::ControlLanes>(validation, abandoned);
  lanes = std::make_unique<ExecutorLanes>(*control_executor);
  return ok();
}

void Worker::Parts::connect() {
  host = std::make_unique<RunnerHost>(RunnerHost::Parts{config, worker_id, *log, system_clock(),
                                                        system_random(), *offsets, *registry,
                                                        *task_executor, abandoned});
  running_host = host.get();
  herder::ControlSettings settings;
  settings.worker_id = worker_id;
  settings.graceful_timeout = std::chrono::milliseconds(config.task_shutdown_timeout_ms);
  settings.topic_tracking = config.topic_tracking;
  plane = std::make_shared<herder::ControlPlane>(
      herder::Dependencies{*executor, system_clock(), system_random(), *configs, *statuses,
                           *offsets, *registry, *lanes, *host},
      settings);
  auto validator = std::make_shared<const herder::Validator>(
      validator_parts(*registry, *validation_lanes, config));
  // All that the API serves, before /health says so.
  open_log = log.get();
  backups = std::make_unique<WorkerBackups>(*broker, config.data_dir, config.file_roots);
  open_backups = backups.get();
  herder.ready({plane, validator, *registry, *configs, *statuses, *offsets, *log, built_in_config,
                built_in_classes(), [this] { return broker->stats().failure; }});
  plane->resume_all();
}

Status Worker::open() {
  Parts& p = *parts_;
  Status status = p.open_stores();
  if (status.ok()) status = p.open_plugins();
  if (!status.ok()) {
    p.herder.failed(status.error().message);
    return status;
  }
  p.connect();
  return ok();
}

herder::Herder& Worker::herder() {
  return parts_->herder;
}

std::vector<std::string> Worker::urls() const {
  return parts_->server->urls();
}

bool Worker::has_abandoned_threads() const {
  return parts_->abandoned->count() > 0;
}

Status Worker::stop() {
  Parts& p = *parts_;
  if (p.stopped) return ok();
  p.stopped = true;
  if (p.plane) {
    struct Latch {
      std::mutex mutex;
      std::condition_variable changed;
      bool done = false;
    };
    auto latch = std::make_shared<Latch>();
    p.plane->shutdown([latch] {
      std::lock_guard lock(latch->mutex);
      latch->done = true;
      latch->changed.notify_all();
    });
    // The plane gives up on tasks after the graceful time; the second bound is for a log that does
    // not answer.
    std::unique_lock lock(latch->mutex);
    auto bound =
        std::chrono::milliseconds(p.config.task_shutdown_timeout_ms) + std::chrono::seconds(5);
    if (!latch->changed.wait_for(lock, bound, [&] { return latch->done; })) {
      logger().error("The connectors did not stop in time; the log is closed without them");
    }
  }
  p.herder.close();
  p.open_log = nullptr;
  p.open_backups = nullptr;
  if (p.backups) p.backups->stop();
  p.server.reset();
  p.running_host = nullptr;
  p.plane.reset();
  return p.broker ? p.broker->stop() : ok();
}

}  // namespace sluice::app
