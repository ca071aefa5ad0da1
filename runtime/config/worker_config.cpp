// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/worker_config.hpp"

#include <algorithm>
#include <filesystem>

#include "runtime/config/connector_config.hpp"
#include "runtime/config/java_format.hpp"
#include "runtime/config/properties.hpp"

namespace sluice::config {
namespace {

bool is_loopback(const std::string& host) {
  if (host == "localhost" || host == "::1" || host == "[::1]") return true;
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos;
}

// Families of keys that are handed on, or that belong to a key of the table.
bool is_free_worker_key(const std::string& name) {
  for (const char* prefix :
       {"key.converter.", "value.converter.", "header.converter.", "config.storage.",
        "offset.storage.", "status.storage.", "metrics.context."}) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

// Families of keys that nothing here reads.
const char* family_without_effect(const std::string& name) {
  if (name.starts_with("listeners.https.") || name.starts_with("admin.listeners.https.") ||
      name.starts_with("ssl.")) {
    return "this version has no TLS.";
  }
  if (name.starts_with("sasl."))
    return "the embedded log is called directly, without a connection.";
  if (name.starts_with("producer.") || name.starts_with("consumer.") || name.starts_with("admin."))
    return "the embedded log is called directly, without a client that has settings.";
  return nullptr;
}

void check_unknown(const ConfigMap& properties, std::vector<std::string>* warnings) {
  for (const auto& [name, near] : worker_config_def().unknown(properties)) {
    if (const char* reason = family_without_effect(name)) {
      warnings->push_back("Configuration " + name + " is accepted without effect: " + reason);
    } else if (!is_free_worker_key(name)) {
      warnings->push_back("Configuration " + name + " is not known" +
                          (near.empty() ? "." : "; did you mean " + near + "?"));
    }
  }
}

void read_listeners(const ConfigMap& values, WorkerConfig* config,
                    std::vector<std::string>* problems) {
  const bool insecure = get_bool(values, "listeners.insecure.allow");
  for (const auto& text : split_list(get_string(values, "listeners"))) {
    auto listener = parse_listener(text);
    if (!listener.ok()) {
      problems->push_back(invalid_value("listeners", text, listener.error().message));
      continue;
    }
    if (!listener->loopback && !insecure) {
      problems->push_back(invalid_value(
          "listeners", text,
          "It is not on loopback and has neither TLS nor authentication, so anyone who "
          "reaches it controls the worker. "
          "Use http://127.0.0.1:" +
              std::to_string(listener->port) + ", or set listeners.insecure.allow=true"));
    }
    config->listeners.push_back(*listener);
  }
}

void read_roots(const ConfigMap& values, const std::string& start_directory, WorkerConfig* config,
                std::vector<std::string>* problems) {
  namespace fs = std::filesystem;
  auto given = split_list(get_string(values, "file.allowed.roots"));
  if (!values.count("file.allowed.roots")) given = {start_directory};
  for (const auto& root : given) {
    if (root.empty()) {
      problems->push_back(invalid_value("file.allowed.roots",
                                        get_string(values, "file.allowed.roots"),
                                        "An empty entry; use / to allow all files"));
      continue;
    }
    const fs::path path =
        fs::path(root).is_absolute() ? fs::path(root) : fs::path(start_directory) / root;
    std::string text = path.lexically_normal().string();
    if (text.size() > 1 && text.back() == '/') text.pop_back();
    config->file_roots.push_back(std::move(text));
  }
}

InternalTopic internal_topic(const ConfigMap& original, const ConfigMap& values,
                             const std::string& kind) {
  const std::string prefix = kind + ".storage.";
  InternalTopic topic;
  topic.name = get_string(values, prefix + "topic");
  topic.replication_factor = static_cast<int16_t>(get_int(values, prefix + "replication.factor"));
  if (values.count(prefix + "partitions"))
    topic.partitions = static_cast<int32_t>(get_int(values, prefix + "partitions"));
  topic.configs = with_prefix(original, prefix);
  for (const char* own : {"topic", "replication.factor", "partitions", "file.filename"})
    topic.configs.erase(own);
  return topic;
}

ConverterChoice converter(const ConfigMap& original, const ConfigMap& values,
                          const std::string& name) {
  ConverterChoice choice{get_string(values, name), with_prefix(original, name + ".")};
  choice.config.erase("plugin.version");
  return choice;
}

void fill(const ConfigMap& original, WorkerConfig* config) {
  const ConfigMap& values = config->values;
  config->data_dir = get_string(values, "data.dir");
  config->plugin_path = split_list(get_string(values, "plugin.path"));
  config->key_converter = converter(original, values, "key.converter");
  config->value_converter = converter(original, values, "value.converter");
  config->header_converter = converter(original, values, "header.converter");
  config->offset_flush_interval_ms = get_int(values, "offset.flush.interval.ms");
  config->task_shutdown_timeout_ms = get_int(values, "task.shutdown.graceful.timeout.ms");
  config->commit_log_file_bytes = get_int(values, "commit.log.file.bytes");
  config->commit_log_checkpoint_bytes = get_int(values, "commit.log.checkpoint.bytes");
  config->commit_log_write_through_bytes = get_int(values, "commit.log.write.through.bytes");
  config->checkpoint_interval_ms = get_int(values, "log.flush.offset.checkpoint.interval.ms");
  config->retention_check_interval_ms = get_int(values, "log.retention.check.interval.ms");
  config->metadata_snapshot_bytes =
      get_int(values, "metadata.log.max.record.bytes.between.snapshots");
  config->topic_creation = get_bool(values, "topic.creation.enable");
  config->topic_tracking = get_bool(values, "topic.tracking.enable");
  config->topic_tracking_reset = get_bool(values, "topic.tracking.allow.reset");
  config->group_id = get_string(values, "group.id");
  config->config_topic = internal_topic(original, values, "config");
  config->offset_topic = internal_topic(original, values, "offset");
  config->status_topic = internal_topic(original, values, "status");
  config->advertised_host = get_string(values, "rest.advertised.host.name");
  if (values.count("rest.advertised.port")) {
    config->advertised_port = static_cast<uint16_t>(get_int(values, "rest.advertised.port"));
  }
  config->cors_origin = get_string(values, "access.control.allow.origin");
  config->cors_methods = get_string(values, "access.control.allow.methods");
  config->response_headers = get_string(values, "response.http.headers.config");
  config->log_level = get_string(values, "log.level");
  std::transform(config->log_level.begin(), config->log_level.end(), config->log_level.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
}

Error together(const std::string& source, const std::vector<std::string>& problems) {
  if (problems.size() == 1) return {ErrorKind::kInvalid, source + ": " + problems[0]};
  std::string text = source + ": " + std::to_string(problems.size()) + " problems:";
  for (const auto& problem : problems) text += "\n  " + problem;
  return {ErrorKind::kInvalid, text};
}

Result<WorkerConfig> parse(const ConfigMap& properties, const std::string& start_directory,
                           const std::string& source) {
  WorkerConfig config;
  config.original = properties;
  std::vector<std::string> problems;
  for (const auto& value : worker_config_def().validate(properties)) {
    problems.insert(problems.end(), value.errors.begin(), value.errors.end());
    if (value.value) config.values[value.name] = *value.value;
  }
  config.warnings = worker_config_def().no_effect(properties);
  check_unknown(properties, &config.warnings);
  // The checks below need keys that are sound in themselves.
  if (config.values.count("listeners.insecure.allow"))
    read_listeners(config.values, &config, &problems);
  read_roots(config.values, start_directory, &config, &problems);
  if (!problems.empty()) return together(source, problems);
  fill(properties, &config);
  for (const char* name : {"key.converter", "value.converter"}) {
    if (!properties.count(name)) {
      config.warnings.push_back(std::string("Configuration ") + name + " is not set, so it is " +
                                config.values.at(name) + " (Kafka Connect has no default).");
    }
  }
  return config;
}

}  // namespace

Result<Listener> parse_listener(const std::string& text) {
  auto bad = [](const std::string& what) { return Error{ErrorKind::kInvalid, what}; };
  const size_t scheme_end = text.find("://");
  if (scheme_end == std::string::npos)
    return bad("A URL was expected, such as http://127.0.0.1:8083");
  std::string scheme = text.substr(0, scheme_end);
  for (auto& c : scheme) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (scheme == "https") return bad("This version has no TLS; use http on loopback");
  if (scheme != "http") return bad("The scheme must be http");
  std::string rest = text.substr(scheme_end + 3);
  if (!rest.empty() && rest.back() == '/') rest.pop_back();
  const size_t colon = rest.rfind(':');
  if (colon == std::string::npos || rest.find(']', colon) != std::string::npos) {
    return bad("A port was expected, as in http://127.0.0.1:8083");
  }
  auto port = parse_java_integer(rest.substr(colon + 1), 0, 65535);
  if (!port) return bad("The port must be a number from 0 to 65535");
  Listener listener;
  listener.host = rest.substr(0, colon);
  if (listener.host.find_first_of("/@ ?#") != std::string::npos)
    return bad("The host has characters that no host has");
  if (listener.host.find(':') != std::string::npos) {
    if (listener.host.front() != '[' || listener.host.back() != ']')
      return bad("An IPv6 address must stand in [ ]");
    listener.host = listener.host.substr(1, listener.host.size() - 2);
  }
  listener.port = static_cast<uint16_t>(*port);
  listener.loopback = is_loopback(listener.host);
  return listener;
}

Result<WorkerConfig> parse_worker_config(const ConfigMap& properties,
                                         const std::string& start_directory) {
  return parse(properties, start_directory, "worker configuration");
}

Result<WorkerConfig> load_worker_config(const std::string& path,
                                        const std::string& start_directory) {
  SLUICE_ASSIGN(const std::string text, read_config_file(path));
  std::vector<std::string> repeated;
  SLUICE_ASSIGN(const ConfigMap properties, parse_properties_map(text, path, &repeated));
  SLUICE_ASSIGN(WorkerConfig config, parse(properties, start_directory, path));
  config.warnings.insert(config.warnings.begin(), repeated.begin(), repeated.end());
  return config;
}

}  // namespace sluice::config
