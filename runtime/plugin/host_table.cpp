// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "runtime/plugin/context.hpp"
#include "runtime/plugin/tables.hpp"
#include "runtime/record/java_map.hpp"
#include "runtime/record/schema.hpp"

// The functions of sluice_host. Each is called from plugin code, so nothing may be thrown out of it
// (noexcept: an exception here, which only the lack of memory could cause, ends the process as that
// does anywhere) and every argument is looked at before it is used.
namespace sluice::plugin {
namespace {

constexpr size_t kMaxTopics = 100'000;
constexpr size_t kMaxPartitions = 1'000'000;
constexpr size_t kMaxMetrics = 1'000;   // of one instance
constexpr size_t kMaxFindings = 1'000;  // of one validation
constexpr size_t kMaxRecommended = 1'000;

sluice_status status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
    case ErrorKind::kNotFound:
      return SLUICE_CONFIG_ERROR;
    case ErrorKind::kRetriable:
    case ErrorKind::kConflict:
    case ErrorKind::kTimeout:
      return SLUICE_RETRIABLE;
    case ErrorKind::kNotConnected:
      return SLUICE_NOT_CONNECTED;
    case ErrorKind::kFenced:
      return SLUICE_FENCED;
    case ErrorKind::kUnsupported:
      return SLUICE_UNSUPPORTED;
    default:
      return SLUICE_FATAL;
  }
}

sluice_status give(sluice_error* error, const Error& from) {
  return fill_error(error, status_of(from.kind), from.message);
}

logging::Level level_of(uint32_t level) {
  return static_cast<logging::Level>(std::min<uint32_t>(level, SLUICE_LOG_ERROR));
}

uint32_t log_level(sluice_context* ctx) noexcept {
  return static_cast<uint32_t>(ctx->log.level());
}

void log(sluice_context* ctx, uint32_t level, sluice_str message) noexcept {
  ctx->log.log(level_of(level), view_of(message));
}

sluice_str setting(sluice_context* ctx, sluice_str name) noexcept {
  auto key = text_of(name);
  std::lock_guard lock(ctx->mutex);
  auto it = ctx->settings.find(key);
  if (it == ctx->settings.end()) {
    auto value = ctx->services.setting(key);
    if (value.empty()) return {nullptr, 0};  // not kept: a plugin could ask for any number of names
    it = ctx->settings.emplace(std::move(key), std::move(value)).first;
  }
  return to_str(it->second);
}

bool legal_topic(std::string_view name) {
  if (name.empty() || name.size() > 249 || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

sluice_status intern_topic(sluice_context* ctx, sluice_str name, uint32_t* topic,
                           sluice_error* error) noexcept {
  auto text = text_of(name, 1000);
  if (!legal_topic(text)) {
    return fill_error(
        error, SLUICE_CONFIG_ERROR,
        "'" + text +
            "' is no legal topic name: 1 to 249 characters of a-z, A-Z, 0-9, '.', '_' and '-'");
  }
  auto number = ctx->topics.intern(std::move(text), kMaxTopics, "topics");
  if (!number.ok()) return give(error, number.error());
  *topic = *number;
  return SLUICE_OK;
}

sluice_str topic_name(sluice_context* ctx, uint32_t topic) noexcept {
  if (topic >= ctx->topics.by_number.size()) return {nullptr, 0};
  return to_str(ctx->topics.by_number[topic]);
}

sluice_status intern_partition(sluice_context* ctx, const sluice_value* partition, uint32_t* number,
                               sluice_error* error) noexcept {
  if (partition == nullptr || partition->type != SLUICE_MAP) {
    return fill_error(error, SLUICE_FATAL, "a source partition must be a map");
  }
  auto json = record::java_map_json(*partition);
  if (!json.ok()) return give(error, json.error());
  auto found = ctx->partitions.intern(std::move(*json), kMaxPartitions, "source partitions");
  if (!found.ok()) return give(error, found.error());
  *number = *found;
  return SLUICE_OK;
}

sluice_status read_offset(sluice_context* ctx, uint32_t partition, sluice_value* offset,
                          sluice_error* error) noexcept {
  if (partition >= ctx->partitions.by_number.size()) {
    return fill_error(error, SLUICE_FATAL,
                      "read_offset: no partition has the number " + std::to_string(partition));
  }
  *offset = sluice_value{};
  ctx->offset_arena.reset();
  const auto& json = ctx->partitions.by_number[partition];
  auto stored = ctx->services.read_offset(json);
  if (!stored.ok()) return give(error, stored.error());
  if (!*stored) return SLUICE_OK;
  auto value = record::java_map_value(**stored, ctx->offset_arena);
  if (!value.ok()) {
    return fill_error(error, SLUICE_FATAL,
                      "the stored offset of " + json + " cannot be used: " + value.error().message);
  }
  *offset = *value;
  return SLUICE_OK;
}

sluice_status list_offsets(sluice_context* ctx, sluice_offset_sink each, void* collector,
                           sluice_error* error) noexcept {
  auto stored = ctx->services.list_offsets();
  if (!stored.ok()) return give(error, stored.error());
  record::Arena arena;
  for (const auto& [partition, offset] : *stored) {
    arena.reset();
    auto key = record::java_map_value(partition, arena);
    if (!key.ok()) {
      return fill_error(
          error, SLUICE_FATAL,
          "the stored partition " + partition + " cannot be used: " + key.error().message);
    }
    auto value = record::java_map_value(offset, arena);
    if (!value.ok()) {
      return fill_error(
          error, SLUICE_FATAL,
          "the stored offset of " + partition + " cannot be used: " + value.error().message);
    }
    each(collector, &*key, &*value);
  }
  return SLUICE_OK;
}

sluice_status schema_make(sluice_context*, const sluice_schema* definition,
                          const sluice_schema** schema, sluice_error* error) noexcept {
  if (definition == nullptr) return fill_error(error, SLUICE_FATAL, "schema_make: no definition");
  auto whole = read_table(definition);
  whole.struct_size = sizeof(whole);
  auto made = record::intern_schema(whole);
  if (!made.ok()) return give(error, made.error());
  *schema = *made;
  return SLUICE_OK;
}

void schema_retain(const sluice_schema* schema) noexcept {
  record::retain_schema(schema);
}
void schema_release(const sluice_schema* schema) noexcept {
  record::release_schema(schema);
}

void* arena_alloc(sluice_arena* arena, size_t size, size_t alignment) noexcept {
  if (arena == nullptr || alignment == 0 || alignment > 4096 || (alignment & (alignment - 1)) != 0)
    return nullptr;
  return record::Arena::from(arena).alloc(size, alignment);
}

void wake(sluice_context* ctx) noexcept {
  ctx->services.wake();
}

metrics::Labels labels_of(sluice_context* ctx) {
  return {{"connector", ctx->services.setting("connector.name")},
          {"task", ctx->services.setting("task.id")}};
}

sluice_status metric_register(sluice_context* ctx, uint32_t kind, sluice_str name, sluice_str help,
                              uint32_t* metric, sluice_error* error) noexcept {
  if (kind > SLUICE_METRIC_GAUGE)
    return fill_error(error, SLUICE_UNSUPPORTED, "unknown kind of metric");
  if (ctx->host.metrics == nullptr)
    return fill_error(error, SLUICE_UNSUPPORTED, "this worker keeps no metrics");
  auto full = "sluice_plugin_" + text_of(name, 200);
  std::lock_guard lock(ctx->mutex);
  for (size_t i = 0; i < ctx->metrics.size(); ++i) {
    if (ctx->metrics[i].name == full && ctx->metrics[i].series.index() == kind) {
      *metric = static_cast<uint32_t>(i);
      return SLUICE_OK;
    }
  }
  if (ctx->metrics.size() >= kMaxMetrics)
    return fill_error(error, SLUICE_FATAL, "too many metrics of one instance");
  sluice_context::Metric made{full, {}};
  if (kind == SLUICE_METRIC_COUNTER) {
    auto series = ctx->host.metrics->counter(full, text_of(help, 1000), labels_of(ctx));
    if (!series.ok()) return give(error, series.error());
    made.series = *series;
  } else {
    auto series = ctx->host.metrics->gauge(full, text_of(help, 1000), labels_of(ctx));
    if (!series.ok()) return give(error, series.error());
    made.series = *series;
  }
  ctx->metrics.push_back(std::move(made));
  *metric = static_cast<uint32_t>(ctx->metrics.size() - 1);
  return SLUICE_OK;
}

void metric_add(sluice_context* ctx, uint32_t metric, double amount) noexcept {
  std::lock_guard lock(ctx->mutex);
  if (metric >= ctx->metrics.size() || !(amount >= 0)) return;  // a counter never goes back
  auto* counter = std::get_if<std::shared_ptr<metrics::Counter>>(&ctx->metrics[metric].series);
  if (counter) (*counter)->add_fraction(amount);
}

void metric_set(sluice_context* ctx, uint32_t metric, double value) noexcept {
  std::lock_guard lock(ctx->mutex);
  if (metric >= ctx->metrics.size()) return;
  auto* gauge = std::get_if<std::shared_ptr<metrics::Gauge>>(&ctx->metrics[metric].series);
  if (gauge) (*gauge)->set(value);
}

void record_error(sluice_context* ctx, uint32_t record_index, const sluice_error* error) noexcept {
  if (ctx->record_errors == nullptr) {
    ctx->log.warn("record_error outside of put and poll; ignored");
    return;
  }
  ctx->record_errors->add(
      record_index,
      error ? std::string(error->text, std::min(error->text_size, SLUICE_ERROR_TEXT_MAX)) : "");
}

// The finding's row in the validation, made if need be; nullptr outside of validate and beyond the
// bound.
config::ConfigValue* finding(sluice_context* ctx, sluice_str key) {
  if (ctx->validation == nullptr) {
    ctx->log.warn("config_error, config_recommend or config_visible outside of validate; ignored");
    return nullptr;
  }
  auto name = text_of(key, 1000);
  auto& rows = ctx->validation->additions;
  for (auto& row : rows) {
    if (row.name == name) return &row;
  }
  if (rows.size() >= kMaxFindings) return nullptr;
  rows.push_back({});
  rows.back().name = std::move(name);
  return &rows.back();
}

void config_error(sluice_context* ctx, sluice_str key, sluice_str message) noexcept {
  auto* row = finding(ctx, key);
  if (row && row->errors.size() < kMaxFindings) row->errors.push_back(text_of(message, 4096));
}

void config_recommend(sluice_context* ctx, sluice_str key, sluice_str value) noexcept {
  auto* row = finding(ctx, key);
  if (row && row->recommended.size() < kMaxRecommended)
    row->recommended.push_back(text_of(value, 4096));
}

void config_visible(sluice_context* ctx, sluice_str key, uint32_t visible) noexcept {
  if (auto* row = finding(ctx, key)) row->visible = visible != 0;
}

void request_reconfiguration(sluice_context* ctx) noexcept {
  ctx->services.request_reconfiguration();
}

sluice_status open_file(sluice_context* ctx, sluice_str key, sluice_str path, uint32_t flags,
                        int32_t* fd, sluice_error* error) noexcept {
  *fd = -1;
  constexpr uint32_t kKnown = SLUICE_FILE_READ | SLUICE_FILE_WRITE | SLUICE_FILE_CREATE |
                              SLUICE_FILE_EXCLUSIVE | SLUICE_FILE_DIRECTORY;
  if ((flags & ~kKnown) != 0)
    return fill_error(error, SLUICE_UNSUPPORTED, "open_file: unknown flags");
  if (!ctx->host.files)
    return fill_error(error, SLUICE_CONFIG_ERROR, "this worker opens no files for plugins");
  auto opened = ctx->host.files->open(text_of(key, 1000), text_of(path, 8192), flags);
  if (!opened.ok()) return give(error, opened.error());
  *fd = *opened;
  return SLUICE_OK;
}

void report_event(sluice_context* ctx, sluice_str kind, sluice_str text) noexcept {
  auto word = text_of(kind, 100);
  auto words = text_of(text, 4096);
  if (ctx->findings) {
    if (ctx->findings->size() < kMaxFindings)
      ctx->findings->push_back({std::move(word), std::move(words)});
    return;
  }
  ctx->log.warn(word + ": " + words);
  ctx->services.report_event(word, words);
}

}  // namespace

const sluice_host* host_table() {
  static const sluice_host table{
      sizeof(sluice_host),
      SLUICE_ABI_VERSION,
      &log_level,
      &log,
      &setting,
      &intern_topic,
      &topic_name,
      &intern_partition,
      &read_offset,
      &schema_make,
      &schema_retain,
      &schema_release,
      &arena_alloc,
      &wake,
      &metric_register,
      &metric_add,
      &metric_set,
      &record_error,
      &config_error,
      &config_recommend,
      &config_visible,
      &request_reconfiguration,
      &open_file,
      &report_event,
      nullptr /* arena_keep: no kind that gets an arena runs from libraries yet */,
      &list_offsets};
  return &table;
}

ConfigView::ConfigView(const config::ConfigMap& map) {
  entries_.reserve(map.size());
  for (const auto& [key, value] : map) entries_.push_back({to_str(key), to_str(value)});
  raw_.struct_size = sizeof(raw_);
  raw_.entry_count = static_cast<uint32_t>(entries_.size());
  raw_.entries = entries_.data();
}

}  // namespace sluice::plugin

namespace {
// As people look for it: connector.<name> or connector.<name>.task-<n>; the class where there is no
// name yet.
std::string logger_name(sluice::plugin::InstanceServices& services, const std::string& class_name) {
  auto connector = services.setting("connector.name");
  if (connector.empty()) return "plugin." + class_name;
  auto task = services.setting("task.id");
  return "connector." + connector + (task.empty() ? "" : ".task-" + task);
}
}  // namespace

sluice_context::sluice_context(sluice::plugin::InstanceServices& with,
                               const sluice::plugin::HostServices& shared,
                               const std::string& class_name)
    : services(with),
      host(shared),
      log(logger_name(with, class_name)),
      offset_arena(size_t{4} << 20) {}

sluice::Result<uint32_t> sluice_context::Names::intern(std::string text, size_t limit,
                                                       const char* what) {
  if (auto it = numbers.find(text); it != numbers.end()) return it->second;
  if (by_number.size() >= limit) {
    return sluice::Error{sluice::ErrorKind::kFatal,
                         "more than " + std::to_string(limit) + " " + what + " in one task"};
  }
  auto number = static_cast<uint32_t>(by_number.size());
  by_number.push_back(text);
  numbers.emplace(std::move(text), number);
  return number;
}
