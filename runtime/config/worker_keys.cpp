// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/connector_keys.hpp"
#include "runtime/config/worker_config.hpp"

namespace sluice::config {
namespace {

using enum Importance;

ConfigKey key(const char* name, Type type, std::optional<std::string> value, Importance importance,
              const char* doc) {
  return connector_key(name, type, std::move(value), importance, doc, "", -1, Width::kNone, "");
}

ConfigKey at_least(ConfigKey key, double min) {
  key.min = min;
  return key;
}

void define_own(ConfigDef& def) {
  ConfigKey data =
      key("data.dir", Type::kString, "./sluice-data", kHigh, "The folder of the embedded log.");
  data.non_empty = true;
  def.define(std::move(data));
  def.define(
      key("file.allowed.roots", Type::kList, std::nullopt, kHigh,
          "The folders below which connectors may open files; not set: the folder of the start."));
  def.define(
      key("listeners.insecure.allow", Type::kBoolean, "false", kMedium,
          "Allow listeners beyond loopback although they have neither TLS nor authentication."));
  ConfigKey level =
      key("log.level", Type::kString, "INFO", kLow, "The least level that is logged.");
  level.allowed = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR"};
  level.ignore_case = true;
  def.define(std::move(level));
}

void define_log(ConfigDef& def) {
  auto number = [&def](const char* name, Type type, const char* value, double min,
                       const char* doc) {
    def.define(at_least(key(name, type, value, kLow, doc), min));
  };
  number("commit.log.file.bytes", Type::kLong, "67108864", 65536,
         "The size of one file of the commit log; two or more are there, whatever the load.");
  number("commit.log.checkpoint.bytes", Type::kLong, "268435456", 65536,
         "After so many bytes segments are synced and the commit log trimmed: what a start after a "
         "crash reads.");
  number("commit.log.write.through.bytes", Type::kLong, "1048576", 1,
         "A partition that gets so many bytes at once gets them in its segment, synced, and the "
         "commit log a reference to them.");
  number("log.flush.offset.checkpoint.interval.ms", Type::kLong, "60000", 1,
         "The same after so much time.");
  number("log.retention.check.interval.ms", Type::kLong, "300000", 1,
         "How often retention and compaction look.");
  number("metadata.log.max.record.bytes.between.snapshots", Type::kLong, "1048576", 1,
         "A snapshot of the metadata after so many bytes of changes.");
}

std::optional<std::string> check_bootstrap(const std::string& value) {
  if (value.empty() || value == "embedded") return std::nullopt;
  return "This version has the embedded log only. Remove the key or set it to embedded";
}

std::optional<std::string> check_policy(const std::string& value) {
  if (value == "All" || value.ends_with(".AllConnectorClientConfigOverridePolicy"))
    return std::nullopt;
  return "Only All is supported";
}

void define_worker(ConfigDef& def) {
  ConfigKey bootstrap = key("bootstrap.servers", Type::kList, "embedded", kHigh,
                            "The log to use: embedded, the one inside of the worker.");
  bootstrap.validator = check_bootstrap;
  def.define(std::move(bootstrap));
  const char* const json = "org.apache.kafka.connect.json.JsonConverter";
  def.define(key("key.converter", Type::kClass, json, kHigh,
                 "The converter of keys. Kafka Connect has no default."));
  def.define(key("value.converter", Type::kClass, json, kHigh,
                 "The converter of values. Kafka Connect has no default."));
  def.define(key("header.converter", Type::kClass,
                 "org.apache.kafka.connect.storage.SimpleHeaderConverter", kLow,
                 "The converter of headers."));
  def.define(key("plugin.path", Type::kList, std::nullopt, kLow,
                 "Folders of plugins; not set: the folder beside the binary."));
  def.define(at_least(key("offset.flush.interval.ms", Type::kLong, "60000", kLow,
                          "How often offsets are committed."),
                      1));
  def.define(at_least(key("task.shutdown.graceful.timeout.ms", Type::kLong, "5000", kLow,
                          "How long all tasks together may take to stop."),
                      0));
  def.define(key("topic.creation.enable", Type::kBoolean, "true", kLow,
                 "Whether topic.creation.* of source connectors is honoured."));
  def.define(key("topic.tracking.enable", Type::kBoolean, "true", kLow,
                 "Whether a connector's topics are tracked."));
  def.define(key("topic.tracking.allow.reset", Type::kBoolean, "true", kLow,
                 "Whether that may be reset."));
  ConfigKey policy = key("connector.client.config.override.policy", Type::kString, "All", kMedium,
                         "Which client settings a connector may override.");
  policy.validator = check_policy;
  def.define(std::move(policy));
}

void define_rest(ConfigDef& def) {
  ConfigKey listeners =
      key("listeners", Type::kList, "http://127.0.0.1:8083", kLow,
          "The addresses of the REST API: http://host:port, separated by commas.");
  listeners.non_empty = true;
  def.define(std::move(listeners));
  def.define(key("rest.advertised.host.name", Type::kString, std::nullopt, kLow,
                 "The host in the worker's id."));
  ConfigKey port =
      key("rest.advertised.port", Type::kInt, std::nullopt, kLow, "The port in the worker's id.");
  port.min = 1;
  port.max = 65535;
  def.define(std::move(port));
  def.define(key(
      "rest.allowed.hosts", Type::kList, "", kLow,
      "Names in the Host header that are answered on loopback, besides localhost and addresses."));
  def.define(
      key("access.control.allow.origin", Type::kString, "", kLow, "Access-Control-Allow-Origin."));
  def.define(key("access.control.allow.methods", Type::kString, "", kLow,
                 "Access-Control-Allow-Methods."));
  def.define(key("response.http.headers.config", Type::kString, "", kLow,
                 "Rules for headers of all answers."));
}

void define_topics(ConfigDef& def) {
  ConfigKey group =
      key("group.id", Type::kString, "connect-cluster", kHigh, "The name of the worker's group.");
  group.non_empty = true;
  def.define(std::move(group));
  auto topic = [&def](const std::string& kind, const char* name, const char* partitions) {
    ConfigKey own = key((kind + ".storage.topic").c_str(), Type::kString, name, kHigh,
                        "The internal topic's name.");
    own.non_empty = true;
    def.define(std::move(own));
    def.define(key((kind + ".storage.replication.factor").c_str(), Type::kShort, "1", kLow,
                   "Its replication factor; one node clamps it to 1."));
    if (partitions) {
      def.define(at_least(key((kind + ".storage.partitions").c_str(), Type::kInt, partitions, kLow,
                              "Its number of partitions."),
                          1));
    }
  };
  topic("config", "connect-configs", nullptr);
  topic("offset", "connect-offsets", "25");
  topic("status", "connect-status", "5");
}

void define_without_effect(ConfigDef& def) {
  auto none = [&def](const char* name, Type type, const char* reason) {
    ConfigKey idle = key(name, type, std::nullopt, kLow, "");
    idle.no_effect = true;
    idle.reason = reason;
    def.define(std::move(idle));
  };
  none("offset.storage.file.filename", Type::kString,
       "offsets are kept in the topic of offset.storage.topic.");
  none("offset.flush.timeout.ms", Type::kLong,
       "a commit that is under way is waited for, and tried again when it fails.");
  none("plugin.discovery", Type::kString,
       "plugins are always found by their manifests, without being loaded.");
  none("exactly.once.source.support", Type::kString,
       "a batch of a source and its offset are always written together or not at all.");
  none("key.converter.plugin.version", Type::kString, "each class is there in one version.");
  none("value.converter.plugin.version", Type::kString, "each class is there in one version.");
  none("header.converter.plugin.version", Type::kString, "each class is there in one version.");
  none("rest.advertised.listener", Type::kString,
       "there is no other worker that would forward requests.");
  none("admin.listeners", Type::kString, "there are no admin endpoints on other listeners.");
  for (const char* name :
       {"session.timeout.ms", "heartbeat.interval.ms", "rebalance.timeout.ms",
        "worker.sync.timeout.ms", "worker.unsync.backoff.ms", "scheduled.rebalance.max.delay.ms",
        "connect.protocol", "inter.worker.key.generation.algorithm", "inter.worker.key.size",
        "inter.worker.key.ttl.ms", "inter.worker.signature.algorithm",
        "inter.worker.verification.algorithms"}) {
    none(name, Type::kString, "there is one worker and no group of workers.");
  }
  for (const char* name :
       {"client.dns.lookup", "client.id", "request.timeout.ms", "retry.backoff.ms",
        "retry.backoff.max.ms", "reconnect.backoff.ms", "reconnect.backoff.max.ms",
        "connections.max.idle.ms", "metadata.max.age.ms", "metadata.recovery.strategy",
        "metadata.recovery.rebootstrap.trigger.ms", "send.buffer.bytes", "receive.buffer.bytes",
        "socket.connection.setup.timeout.ms", "socket.connection.setup.timeout.max.ms",
        "security.protocol", "security.providers"}) {
    none(name, Type::kString, "the embedded log is called directly, without a connection.");
  }
  for (const char* name : {"metric.reporters", "metrics.num.samples", "metrics.sample.window.ms",
                           "metrics.recording.level", "auto.include.jmx.reporter"}) {
    none(name, Type::kString,
         "metrics are counters and gauges without windows, and there is no JMX.");
  }
}

void define_refused(ConfigDef& def) {
  auto refuse = [&def](const char* name, const char* reason) {
    ConfigKey refused = key(name, Type::kString, std::nullopt, kLow, "");
    refused.refused = true;
    refused.reason = reason;
    def.define(std::move(refused));
  };
  refuse("rest.extension.classes",
         "REST extensions are Java classes; without them the API would be open");
  refuse("config.providers",
         "This version has no config providers; ${...} would reach connectors as it stands");
  refuse("ssl.client.auth", "This version has no TLS on its listeners");
  refuse("connector.client.config.override.allowlist", "Only the policy All is supported");
}

}  // namespace

const ConfigDef& worker_config_def() {
  static const ConfigDef* const def = [] {
    auto* built = new ConfigDef;
    define_own(*built);
    define_log(*built);
    define_worker(*built);
    define_rest(*built);
    define_topics(*built);
    define_without_effect(*built);
    define_refused(*built);
    return built;
  }();
  return *def;
}

}  // namespace sluice::config
