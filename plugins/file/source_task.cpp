// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/source_task.hpp"

#include <algorithm>

#include "plugins/file/wall_clock.hpp"

namespace sluice::file_plugin {

Status FileSourceTask::start(const sdk::Config& config) {
  const std::string path = config.get_string("file");
  if (path.empty())
    return Error::config(
        "'file' is not set: name the file to read; standard input is not supported");
  SLUICE_SDK_ASSIGN(topic_, context().topic(config.get_string("topic")));
  SLUICE_SDK_ASSIGN(const int32_t batch_size, config.get_int("batch.size"));
  batch_size_ =
      static_cast<uint32_t>(std::max(batch_size, 1));  // FileStreamSource takes 0 and less, too
  LineOptions options;
  SLUICE_SDK_ASSIGN(const int32_t max_line, config.get_int("max.line.bytes"));
  options.max_line_bytes = static_cast<size_t>(max_line);
  options.long_lines =
      config.get_string("long.lines") == "truncate" ? LongLines::kTruncate : LongLines::kFail;
  SLUICE_SDK_ASSIGN(schema_, sdk::SchemaBuilder::primitive(SLUICE_STRING).make(context()));
  SLUICE_SDK_ASSIGN(partition_, context().partition({{"filename", path}}));
  SLUICE_SDK_ASSIGN(const uint64_t position, stored_position(path));
  prototype_.topic = topic_;
  prototype_.partition = SLUICE_ANY_PARTITION;
  prototype_.value.type = SLUICE_STRING;
  files_.emplace(context());
  tail_.emplace(*files_, *files_, path, position);
  lines_.emplace(*tail_, *files_, path, options);
  return sdk::ok();
}

Result<uint64_t> FileSourceTask::stored_position(const std::string& path) {
  SLUICE_SDK_ASSIGN(const sdk::Value stored, context().offset(partition_));
  const sdk::Value position = stored.get("position");
  if (position.is_null()) return uint64_t{0};
  const auto number = position.as_int();
  if (!number || *number < 0) {
    return Error::config("the stored offset of '" + path +
                         "' is malformed: position must be a whole number from 0 on; "
                         "alter or delete the connector's offsets");
  }
  return static_cast<uint64_t>(*number);
}

Status FileSourceTask::poll(const sdk::PollLimits& limits, sdk::RecordBatch& batch) {
  SLUICE_SDK_TRY(
      lines_->next({std::min(batch_size_, limits.records_max), limits.bytes_max}, found_));
  add_records(batch);
  for (auto& owner : found_.owners) batch.keep(std::move(owner));
  if (found_.position)
    batch.offset(partition_, {{"position", static_cast<int64_t>(*found_.position)}});
  if (!batch.empty()) {
    idle_ms_ = kMinIdleMs;
  } else if (!found_.idle) {
    batch.idle_for(1);  // inside of a line that is being skipped
  } else {
    batch.idle_for(idle_ms_);
    idle_ms_ = std::min(2 * idle_ms_, kMaxIdleMs);
    found_ = {};  // an idle task holds no memory
  }
  return sdk::ok();
}

void FileSourceTask::add_records(sdk::RecordBatch& batch) {
  if (found_.lines.empty()) return;
  prototype_.timestamp_ms = now_ms();
  prototype_.value_schema = batch.hold(schema_);
  batch.reserve(found_.lines.size());
  for (const std::string_view line : found_.lines) {
    sluice_record& added = batch.add_copy(prototype_);
    added.value.size = static_cast<uint32_t>(line.size());
    added.value.as.bytes = line.data();
  }
}

Status FileSourceTask::validate(const sdk::Context& context, const sdk::Config& config) {
  if (config.get_string("file").empty()) {
    context.config_error(
        "file",
        "Invalid value " + std::string(config.has("file") ? "\"\"" : "null") +
            " for configuration file: name the file to read; standard input is not supported");
  }
  return sdk::ok();
}

Status FileSourceTask::check(const sdk::Context& context, const sdk::Config& config) {
  const std::string path = config.get_string("file");
  HostFiles files(context);
  auto opened = files.open(path, Access::kRead);
  if (opened.ok()) return sdk::ok();
  if (opened.error().kind != SLUICE_NOT_CONNECTED) return std::move(opened).error();
  context.report_event("waiting-for-file",
                       "'" + path + "' does not exist yet; it is read as soon as it appears");
  return sdk::ok();
}

}  // namespace sluice::file_plugin
