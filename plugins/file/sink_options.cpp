// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/files_sink_task.hpp"

namespace sluice::file_plugin {

namespace {

Result<int64_t> size(const sdk::Config& config, const char* key) {
  if (!config.has(key)) return int64_t{0};
  return config.get_long(key);
}

}  // namespace

Result<SinkOptions> SinkOptions::read(const sdk::Config& config) {
  const std::string file = config.get_string("file");
  if (file.empty()) return Error::config("'file' is not set: name the file to write");
  SLUICE_SDK_ASSIGN(PathTemplate path, PathTemplate::parse(file));
  SinkOptions options{.path = std::move(path)};
  SLUICE_SDK_ASSIGN(const int64_t bytes, size(config, "roll.bytes"));
  options.roll.max_bytes = static_cast<uint64_t>(bytes);
  SLUICE_SDK_ASSIGN(options.roll.max_ms, size(config, "roll.interval.ms"));
  SLUICE_SDK_ASSIGN(const int64_t keep, size(config, "roll.keep.files"));
  options.roll.keep_files = static_cast<uint64_t>(keep);
  SLUICE_SDK_ASSIGN(options.roll.keep_ms, size(config, "roll.keep.ms"));
  options.roll.gzip = config.get_string("roll.compression") == "gzip";
  options.exactly_once =
      sdk::detail::equals_ignoring_case(config.get_string("exactly.once.support"), "required");
  return options;
}

void SinkOptions::check_values(const sdk::Context& context, const sdk::Config& config) {
  const std::string file = config.get_string("file");
  if (file.empty()) return;  // the ConfigDef says so
  const auto options = read(config);
  if (!options.ok()) {
    context.config_error("file", options.error().message);
    return;
  }
  const auto invalid = [&](std::string_view key, const std::string& why) {
    context.config_error(key, "Invalid value " + config.get_string(key) + " for configuration " +
                                  std::string(key) + ": " + why);
  };
  const PathTemplate& path = options->path;
  const bool when = options->roll.max_bytes > 0 || options->roll.max_ms > 0 || path.has_time();
  if (options->roll.rolls(path) && !path.has_number()) {
    invalid("file", "files that roll are told apart by ${seq}; add it");
  }
  if (path.has_number() && !when) {
    invalid("file",
            "it has ${seq}, and nothing says when a file is finished; set roll.bytes or "
            "roll.interval.ms, or "
            "add a time such as %H");
  }
  if (options->roll.gzip && !when) {
    invalid("roll.compression",
            "only finished files are compressed; set roll.bytes or roll.interval.ms");
  }
  if (path.has_partition() && !path.has_topic()) {
    invalid("file",
            "${partition} needs ${topic}, or partitions of several topics would share a file");
  }
  for (const char* key : {"roll.keep.files", "roll.keep.ms"}) {
    if (size(config, key).ok() && *size(config, key) > 0 && !when) {
      invalid(key, "only finished files are deleted; set roll.bytes or roll.interval.ms");
    }
  }
}

}  // namespace sluice::file_plugin
