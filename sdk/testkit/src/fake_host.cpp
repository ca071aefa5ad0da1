// SPDX-License-Identifier: Apache-2.0
#include <sluice/testkit/fake_host.hpp>

#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <system_error>

#include "host_functions.hpp"
#include "schema_store.hpp"

namespace sluice::testkit {

// -------------------------------------------------------------------------------------------------- contexts ---

std::string FakeContext::topic_name(uint32_t topic) const {
  const std::lock_guard lock(mutex_);
  return topic < topics_.size() ? *topics_[topic] : "";
}

uint32_t FakeContext::intern_topic(std::string_view name) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < topics_.size(); ++i) {
    if (*topics_[i] == name) return static_cast<uint32_t>(i);
  }
  topics_.push_back(std::make_unique<std::string>(name));
  return static_cast<uint32_t>(topics_.size() - 1);
}

std::string FakeContext::partition_key(uint32_t partition) const {
  const std::lock_guard lock(mutex_);
  return partition < partitions_.size() ? partitions_[partition] : "";
}

std::vector<ConfigFinding> FakeContext::config_errors() const {
  const std::lock_guard lock(mutex_);
  return config_errors_;
}

std::vector<std::pair<uint32_t, sdk::Error>> FakeContext::take_record_errors() {
  const std::lock_guard lock(mutex_);
  return std::exchange(record_errors_, {});
}

bool FakeContext::wait_for_wake(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  const bool woken = woken_.wait_for(lock, limit, [this] { return wakes_ != wakes_seen_; });
  wakes_seen_ = wakes_;
  return woken;
}

FakeContext::Call::Call(FakeContext& context, const char* name) : context_(context) {
  const char* running = nullptr;
  if (!context.call_.compare_exchange_strong(running, name)) {
    context.host_.violation(std::string("owner calls overlap: ") + name + " while " + running + " runs");
  }
  if (context.ended_) context.host_.violation(std::string(name) + " was called after destroy");
  context.owner_ = std::this_thread::get_id();
}

FakeContext::Call::~Call() {
  context_.owner_ = std::thread::id();
  context_.call_ = nullptr;
}

void FakeContext::check_owner(const char* function) {
  check_alive(function);
  if (owner_.load() == std::this_thread::get_id()) return;
  host_.violation(std::string("host->") + function + " was called from outside of an owner call");
}

void FakeContext::check_alive(const char* function) {
  if (ended_) host_.violation(std::string("host->") + function + " was called after destroy");
}

// ------------------------------------------------------------------------------------------------------ host ---

FakeHost::FakeHost() : table_(HostFunctions::table()), schemas_(std::make_unique<SchemaStore>(*this)) {
  std::string name = (std::filesystem::temp_directory_path() / "sluice-testkit-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    violation("no temporary folder can be made: " + name);
    return;
  }
  temporary_ = root_ = name;
}

FakeHost::~FakeHost() {
  if (temporary_.empty()) return;
  std::error_code failure;
  std::filesystem::remove_all(temporary_, failure);
  if (failure) std::fprintf(stderr, "left behind: %s: %s\n", temporary_.c_str(), failure.message().c_str());
}

FakeContext& FakeHost::make_context(Settings settings) {
  const std::lock_guard lock(mutex_);
  contexts_.push_back(std::make_unique<FakeContext>(*this, std::move(settings)));
  return *contexts_.back();
}

void FakeHost::store_offset(const std::string& partition_key, const sluice_value& offset) {
  const std::lock_guard lock(mutex_);
  if (offset.type == SLUICE_NULL) {
    offsets_.erase(partition_key);
  } else {
    offsets_[partition_key] = std::make_unique<ValueCopy>(offset);
  }
}

void FakeHost::store_offset(const sluice_value& partition, const sluice_value& offset) {
  const std::string key = describe(partition);
  {
    const std::lock_guard lock(mutex_);
    partitions_.try_emplace(key, std::make_unique<ValueCopy>(partition));
  }
  store_offset(key, offset);
}

std::string FakeHost::stored_offset(const std::string& partition_key) const {
  const std::lock_guard lock(mutex_);
  const auto found = offsets_.find(partition_key);
  return found == offsets_.end() ? "" : describe(found->second->value());
}

size_t FakeHost::stored_offsets() const {
  const std::lock_guard lock(mutex_);
  return offsets_.size();
}

std::map<std::string, std::string> FakeHost::all_stored_offsets() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> all;
  for (const auto& [partition, offset] : offsets_) all[partition] = describe(offset->value());
  return all;
}

std::vector<LogLine> FakeHost::logs() const {
  const std::lock_guard lock(mutex_);
  return logs_;
}

std::vector<Event> FakeHost::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

double FakeHost::metric(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  for (const Metric& metric : metrics_) {
    if (metric.name == name) return metric.value;
  }
  return 0;
}

size_t FakeHost::live_schemas() const { return schemas_->live(); }

std::vector<std::string> FakeHost::violations() const {
  const std::lock_guard lock(mutex_);
  return violations_;
}

void FakeHost::violation(std::string text) {
  const std::lock_guard lock(mutex_);
  if (violations_.size() < 100) violations_.push_back(std::move(text));
}

// ---------------------------------------------------------------------------------------------------- values ---

namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string hex(std::string_view bytes) {
  std::string out = "0x";
  char digits[3];
  for (const char c : bytes) {
    std::snprintf(digits, sizeof(digits), "%02x", static_cast<unsigned char>(c));
    out += digits;
  }
  return out;
}

std::string joined(const std::vector<std::string>& parts, char open, char close) {
  std::string out(1, open);
  for (size_t i = 0; i < parts.size(); ++i) out += (i > 0 ? "," : "") + parts[i];
  return out + close;
}

}  // namespace

std::string describe(const sluice_value& raw) {
  const sdk::Value value(raw);
  if (const auto b = value.as_bool()) return *b ? "true" : "false";
  if (const auto i = value.as_int()) return std::to_string(*i);
  if (const auto s = value.as_string()) return quoted(*s);
  if (const auto b = value.as_bytes()) return hex(*b);
  std::vector<std::string> parts;
  if (value.type == SLUICE_MAP) {
    for (uint32_t i = 0; i < value.size; ++i) {
      parts.push_back(describe(value.as.items[2 * i]) + ":" + describe(value.as.items[2 * i + 1]));
    }
    std::sort(parts.begin(), parts.end());
    return joined(parts, '{', '}');
  }
  if (value.type == SLUICE_ARRAY || value.type == SLUICE_STRUCT) {
    for (uint32_t i = 0; i < value.size; ++i) parts.push_back(describe(value.as.items[i]));
    return joined(parts, '[', ']');
  }
  if (const auto d = value.as_double()) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.17g", *d);
    return text;
  }
  return "null";
}

}  // namespace sluice::testkit
