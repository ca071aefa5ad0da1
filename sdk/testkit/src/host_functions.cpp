// SPDX-License-Identifier: Apache-2.0
#include "host_functions.hpp"

#include <fcntl.h>
#include <sluice/testkit/fake_host.hpp>
#include <sluice/testkit/value_copy.hpp>

#include <cerrno>
#include <cstring>

#include "schema_store.hpp"

namespace sluice::testkit {

using sdk::to_str;
using sdk::view;
using sdk::detail::fill;

namespace {

constexpr size_t kTopicNameMax = 249;  // Kafka's limit
constexpr size_t kArenaMax = 64u << 20;

bool legal_topic(std::string_view name) {
  if (name.empty() || name.size() > kTopicNameMax || name == "." || name == "..") return false;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

// A MAP of STRING to primitives, as partitions and offsets must be.
bool flat_map(const sluice_value& value) {
  if (value.type != SLUICE_MAP) return false;
  for (uint32_t i = 0; i < value.size; ++i) {
    if (value.as.items[2 * i].type != SLUICE_STRING) return false;
    if (value.as.items[2 * i + 1].type > SLUICE_STRING) return false;
  }
  return true;
}

int open_flags(uint32_t flags) {
  int mode = O_CLOEXEC;
  if ((flags & SLUICE_FILE_DIRECTORY) != 0) return mode | O_DIRECTORY | O_RDONLY;
  const bool write = (flags & SLUICE_FILE_WRITE) != 0;
  const bool read = (flags & SLUICE_FILE_READ) != 0;
  mode |= write ? (read ? O_RDWR : O_WRONLY) : O_RDONLY;
  if ((flags & SLUICE_FILE_CREATE) != 0) mode |= O_CREAT;
  if ((flags & SLUICE_FILE_EXCLUSIVE) != 0) mode |= O_EXCL;
  return mode;
}

bool inside(const std::filesystem::path& root, const std::filesystem::path& path) {
  auto part = path.begin();
  for (const auto& wanted : root) {
    if (part == path.end() || *part != wanted) return false;
    ++part;
  }
  return true;
}

}  // namespace

sluice_host HostFunctions::table() {
  sluice_host host = {};
  host.struct_size = sizeof(host);
  host.abi_version = SLUICE_ABI_VERSION;
  host.log_level = &log_level;
  host.log = &log;
  host.setting = &setting;
  host.intern_topic = &intern_topic;
  host.topic_name = &topic_name;
  host.intern_partition = &intern_partition;
  host.read_offset = &read_offset;
  host.schema_make = &schema_make;
  host.schema_retain = &SchemaStore::retain;
  host.schema_release = &SchemaStore::release;
  host.arena_alloc = &arena_alloc;
  host.wake = &wake;
  host.metric_register = &metric_register;
  host.metric_add = &metric_add;
  host.metric_set = &metric_set;
  host.record_error = &record_error;
  host.config_error = &config_error;
  host.config_recommend = &config_recommend;
  host.config_visible = &config_visible;
  host.request_reconfiguration = &request_reconfiguration;
  host.open_file = &open_file;
  host.report_event = &report_event;
  host.arena_keep = &arena_keep;
  host.list_offsets = &list_offsets;
  return host;
}

uint32_t HostFunctions::log_level(sluice_context* ctx) {
  FakeContext& context = FakeContext::of(ctx);
  context.check_alive("log_level");
  return context.host_.log_level_;
}

void HostFunctions::log(sluice_context* ctx, uint32_t level, sluice_str message) {
  FakeContext& context = FakeContext::of(ctx);
  context.check_alive("log");
  const std::lock_guard lock(context.host_.mutex_);
  context.host_.logs_.push_back({level, std::string(view(message))});
}

sluice_str HostFunctions::setting(sluice_context* ctx, sluice_str name) {
  FakeContext& context = FakeContext::of(ctx);
  context.check_alive("setting");
  const auto found = context.settings_.find(std::string(view(name)));
  return found == context.settings_.end() ? sluice_str{nullptr, 0} : to_str(found->second);
}

sluice_status HostFunctions::intern_topic(sluice_context* ctx, sluice_str name, uint32_t* topic,
                                          sluice_error* error) {
  FakeContext& context = FakeContext::of(ctx);
  context.check_owner("intern_topic");
  if (!legal_topic(view(name))) {
    return fill(error, SLUICE_CONFIG_ERROR,
                "'" + std::string(view(name)) + "' is no legal topic name");
  }
  *topic = context.intern_topic(view(name));
  return SLUICE_OK;
}

sluice_str HostFunctions::topic_name(sluice_context* ctx, uint32_t topic) {
  FakeContext& context = FakeContext::of(ctx);
  context.check_owner("topic_name");
  const std::lock_guard lock(context.mutex_);
  if (topic >= context.topics_.size()) return {nullptr, 0};
  return to_str(*context.topics_[topic]);
}

sluice_status HostFunctions::intern_partition(sluice_context* ctx, const sluice_value* partition,
                                              uint32_t* number, sluice_error* error) {
  FakeContext& context = FakeContext::of(ctx);
  context.check_owner("intern_partition");
  if (!flat_map(*partition)) {
    return fill(error, SLUICE_FATAL, "a source partition is a map of strings to primitive values");
  }
  const std::string key = describe(*partition);
  {
    const std::lock_guard lock(context.host_.mutex_);
    auto& known = context.host_.partitions_[key];
    if (known == nullptr) known = std::make_unique<ValueCopy>(*partition);
  }
  const std::lock_guard lock(context.mutex_);
  for (size_t i = 0; i < context.partitions_.size(); ++i) {
    if (context.partitions_[i] != key) continue;
    *number = static_cast<uint32_t>(i);
    return SLUICE_OK;
  }
  context.partitions_.push_back(key);
  *number = static_cast<uint32_t>(context.partitions_.size() - 1);
  return SLUICE_OK;
}

sluice_status HostFunctions::read_offset(sluice_context* ctx, uint32_t partition,
                                         sluice_value* offset, sluice_error* error) {
  FakeContext& context = FakeContext::of(ctx);
  context.check_owner("read_offset");
  const std::string key = context.partition_key(partition);
  if (key.empty()) return fill(error, SLUICE_FATAL, "read_offset: no such partition number");
  const std::lock_guard lock(context.host_.mutex_);
  const auto found = context.host_.offsets_.find(key);
  if (found == context.host_.offsets_.end()) {
    *offset = sdk::Value::null();
    return SLUICE_OK;
  }
  context.offset_value_ = std::make_unique<ValueCopy>(found->second->value());
  *offset = context.offset_value_->value();
  return SLUICE_OK;
}

sluice_status HostFunctions::list_offsets(sluice_context* ctx, sluice_offset_sink each,
                                          void* collector, sluice_error* error) {
  FakeContext& context = FakeContext::of(ctx);
  context.check_owner("list_offsets");
  const std::lock_guard lock(context.host_.mutex_);
  for (const auto& [key, offset] : context.host_.offsets_) {
    const auto partition = context.host_.partitions_.find(key);
    if (partition == context.host_.partitions_.end()) {
      return fill(error, SLUICE_FATAL,
                  "list_offsets: the test stored " + key + " as text; store it as a value");
    }
    each(collector, &partition->second->value(), &offset->value());
  }
  return SLUICE_OK;
}

sluice_status HostFunctions::schema_make(sluice_context* ctx, const sluice_schema* definition,
                                         const sluice_schema** schema, sluice_error* error) {
  FakeContext& context = FakeContext::of(ctx);
  context.check_alive("schema_make");
  const auto made = context.host_.schemas_->make(*definition);
  if (!made.ok()) return fill(error, made.error().kind, made.error().message);
  *schema = *made;
  return SLUICE_OK;
}

void* HostFunctions::arena_alloc(sluice_arena* arena, size_t size, size_t alignment) {
  if (size > kArenaMax) return nullptr;
  return FakeArena::of(arena).memory_.allocate(size, alignment);
}

void HostFunctions::arena_keep(sluice_arena* arena, const sluice_schema* schema) {
  SchemaStore::retain(schema);
  FakeArena::of(arena).schemas_.emplace_back(FakeArena::of(arena).host_, schema);
}

void HostFunctions::wake(sluice_context* ctx) {
  FakeContext& context = FakeContext::of(ctx);
  context.check_alive("wake");
  const std::lock_guard lock(context.mutex_);
  ++context.wakes_;
  context.woken_.notify_all();
}

sluice_status HostFunctions::metric_register(sluice_context* ctx, uint32_t kind, sluice_str name,
                                             sluice_str, uint32_t* metric, sluice_error* error) {
  FakeContext& context = FakeContext::of(ctx);
  context.check_alive("metric_register");
  if (kind > SLUICE_METRIC_GAUGE || name.size == 0) {
    return fill(error, SLUICE_FATAL, "a metric needs a name and a known kind");
  }
  FakeHost& host = context.host_;
  const std::lock_guard lock(host.mutex_);
  for (size_t i = 0; i < host.metrics_.size(); ++i) {
    if (host.metrics_[i].name != view(name)) continue;
    *metric = static_cast<uint32_t>(i);
    return SLUICE_OK;
  }
  host.metrics_.push_back({std::string(view(name)), kind, 0});
  *metric = static_cast<uint32_t>(host.metrics_.size() - 1);
  return SLUICE_OK;
}

void HostFunctions::metric_add(sluice_context* ctx, uint32_t metric, double amount) {
  FakeHost& host = FakeContext::of(ctx).host_;
  const std::lock_guard lock(host.mutex_);
  if (metric < host.metrics_.size()) host.metrics_[metric].value += amount;
}

void HostFunctions::metric_set(sluice_context* ctx, uint32_t metric, double value) {
  FakeHost& host = FakeContext::of(ctx).host_;
  const std::lock_guard lock(host.mutex_);
  if (metric < host.metrics_.size()) host.metrics_[metric].value = value;
}

void HostFunctions::record_error(sluice_context* ctx, uint32_t record_index,
                                 const sluice_error* error) {
  FakeContext& context = FakeContext::of(ctx);
  context.check_owner("record_error");
  const char* call = context.call_;
  if (call == nullptr || (std::strcmp(call, "put") != 0 && std::strcmp(call, "poll") != 0)) {
    context.host_.violation("host->record_error was called from outside of put and poll");
  }
  const std::lock_guard lock(context.mutex_);
  context.record_errors_.emplace_back(record_index,
                                      sdk::detail::from_host(SLUICE_RECORD_ERROR, *error));
}

void HostFunctions::config_error(sluice_context* ctx, sluice_str key, sluice_str message) {
  FakeContext& context = FakeContext::of(ctx);
  context.check_owner("config_error");
  const std::lock_guard lock(context.mutex_);
  context.config_errors_.push_back({std::string(view(key)), std::string(view(message))});
}

void HostFunctions::config_recommend(sluice_context* ctx, sluice_str, sluice_str) {
  FakeContext::of(ctx).check_owner("config_recommend");
}

void HostFunctions::config_visible(sluice_context* ctx, sluice_str, uint32_t) {
  FakeContext::of(ctx).check_owner("config_visible");
}

void HostFunctions::request_reconfiguration(sluice_context* ctx) {
  FakeContext& context = FakeContext::of(ctx);
  context.check_alive("request_reconfiguration");
  ++context.reconfigurations_;
}

sluice_status HostFunctions::open_file(sluice_context* ctx, sluice_str key, sluice_str path,
                                       uint32_t flags, int32_t* fd, sluice_error* error) {
  FakeContext& context = FakeContext::of(ctx);
  context.check_alive("open_file");
  const std::string name(view(path));
  std::error_code failure;
  const auto root = std::filesystem::weakly_canonical(context.host_.root_, failure);
  const auto full = std::filesystem::weakly_canonical(root / name, failure);
  if (name.empty() || name.find('\0') != std::string::npos || failure || !inside(root, full)) {
    return fill(error, SLUICE_CONFIG_ERROR,
                "'" + std::string(view(key)) + "': " + name + " is not below file.allowed.roots (" +
                    root.string() + ")");
  }
  const int opened = ::open(full.c_str(), open_flags(flags) | O_NOFOLLOW, 0644);
  if (opened >= 0) {
    *fd = opened;
    return SLUICE_OK;
  }
  const int number = errno;
  const sluice_status status = number == ENOENT                       ? SLUICE_NOT_CONNECTED
                               : number == EMFILE || number == ENFILE ? SLUICE_RETRIABLE
                                                                      : SLUICE_FATAL;
  return fill(error, status,
              "'" + std::string(view(key)) + "': " + name + ": " + std::strerror(number));
}

void HostFunctions::report_event(sluice_context* ctx, sluice_str kind, sluice_str text) {
  FakeContext& context = FakeContext::of(ctx);
  context.check_alive("report_event");
  const std::lock_guard lock(context.host_.mutex_);
  context.host_.events_.push_back({std::string(view(kind)), std::string(view(text))});
}

}  // namespace sluice::testkit
