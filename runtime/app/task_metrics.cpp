// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/task_metrics.hpp"

namespace sluice::app {
namespace {

enum class Of { kSources, kSinks, kAll };
struct Row {
  Of of;
  const char* name;
  const char* type;
  double (*value)(const task::MetricsSnapshot&);
};

using M = task::MetricsSnapshot;
double number(uint64_t value) {
  return static_cast<double>(value);
}
double milliseconds(uint64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

const Row kRows[] = {
    {Of::kSources, "source_record_poll_total", "counter",
     [](const M& m) { return number(m.source_record_poll_total); }},
    {Of::kSources, "source_record_write_total", "counter",
     [](const M& m) { return number(m.source_record_write_total); }},
    {Of::kSources, "source_record_active_count", "gauge",
     [](const M& m) { return number(m.source_record_active_count); }},
    {Of::kSources, "poll_batch_max_time_ms", "gauge",
     [](const M& m) { return milliseconds(m.poll_batch_time_max_ns); }},
    {Of::kSinks, "sink_record_read_total", "counter",
     [](const M& m) { return number(m.sink_record_read_total); }},
    {Of::kSinks, "sink_record_send_total", "counter",
     [](const M& m) { return number(m.sink_record_send_total); }},
    {Of::kSinks, "sink_record_active_count", "gauge",
     [](const M& m) { return number(m.sink_record_active_count); }},
    {Of::kSinks, "put_batch_max_time_ms", "gauge",
     [](const M& m) { return milliseconds(m.put_batch_time_max_ns); }},
    {Of::kSinks, "partition_count", "gauge", [](const M& m) { return number(m.partition_count); }},
    {Of::kAll, "batch_size_max", "gauge", [](const M& m) { return number(m.batch_size_max); }},
    {Of::kAll, "bytes_total", "counter", [](const M& m) { return number(m.bytes_total); }},
    {Of::kAll, "offset_commit_completion_total", "counter",
     [](const M& m) { return number(m.offset_commit_completion_total); }},
    {Of::kAll, "offset_commit_skip_total", "counter",
     [](const M& m) { return number(m.offset_commit_skip_total); }},
    {Of::kAll, "offset_commit_failure_total", "counter",
     [](const M& m) { return number(m.offset_commit_failure_total); }},
    {Of::kAll, "offset_commit_max_time_ms", "gauge",
     [](const M& m) { return milliseconds(m.offset_commit_time_max_ns); }},
    {Of::kAll, "total_record_failures", "counter",
     [](const M& m) { return number(m.total_record_failures); }},
    {Of::kAll, "total_record_errors", "counter",
     [](const M& m) { return number(m.total_record_errors); }},
    {Of::kAll, "total_records_skipped", "counter",
     [](const M& m) { return number(m.total_records_skipped); }},
    {Of::kAll, "total_retries", "counter", [](const M& m) { return number(m.total_retries); }},
    {Of::kAll, "total_errors_logged", "counter",
     [](const M& m) { return number(m.total_errors_logged); }},
    {Of::kAll, "deadletterqueue_produce_requests", "counter",
     [](const M& m) { return number(m.dead_letter_requests); }},
    {Of::kAll, "deadletterqueue_produce_failures", "counter",
     [](const M& m) { return number(m.dead_letter_failures); }},
    {Of::kAll, "last_error_timestamp", "gauge",
     [](const M& m) { return static_cast<double>(m.last_error_timestamp_ms); }},
    {Of::kAll, "log_retrying", "gauge", [](const M& m) { return number(m.log_retrying); }},
};

std::string escape(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string render_task_metrics(const std::vector<TaskSample>& samples) {
  std::string out;
  if (samples.empty()) return out;
  for (const auto& row : kRows) {
    out += std::string("# TYPE kafka_connect_") + row.name + " " + row.type + "\n";
    for (const auto& sample : samples) {
      if (row.of == (sample.sink ? Of::kSources : Of::kSinks)) continue;
      out += std::string("kafka_connect_") + row.name + "{connector=\"" +
             escape(sample.id.connector) + "\",task=\"" + std::to_string(sample.id.task) + "\"} ";
      char text[32];
      std::snprintf(text, sizeof text, "%.17g", row.value(sample.metrics));
      out += std::string(text) + "\n";
    }
  }
  return out;
}

}  // namespace sluice::app
