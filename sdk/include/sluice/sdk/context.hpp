// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/value.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace sluice::sdk {

// A number that the worker exports with the labels connector and task. Usable from any thread.
class Metric {
 public:
  Metric() = default;
  Metric(const sluice_host* host, sluice_context* ctx, uint32_t number)
      : host_(host), ctx_(ctx), number_(number) {}
  void add(double amount = 1) const { if (host_ != nullptr) host_->metric_add(ctx_, number_, amount); }
  void set(double value) const { if (host_ != nullptr) host_->metric_set(ctx_, number_, value); }

 private:
  const sluice_host* host_ = nullptr;
  sluice_context* ctx_ = nullptr;
  uint32_t number_ = 0;
};

// The worker, as one task or connector sees it. A small value, copied freely, valid until that task or
// connector is destroyed. Calls marked [any] are for any thread, the others only for calls of the worker into
// the task.
class Context {
 public:
  Context() = default;
  Context(const sluice_host* host, sluice_context* raw) : host_(host), raw_(raw) {}

  // [any] SLUICE_LOG_...; enabled() says whether building the message pays.
  bool enabled(uint32_t level) const { return level >= host_->log_level(raw_); }
  void log(uint32_t level, std::string_view message) const {
    if (enabled(level)) host_->log(raw_, level, to_str(message));
  }
  void debug(std::string_view message) const { log(SLUICE_LOG_DEBUG, message); }
  void info(std::string_view message) const { log(SLUICE_LOG_INFO, message); }
  void warn(std::string_view message) const { log(SLUICE_LOG_WARN, message); }
  void error(std::string_view message) const { log(SLUICE_LOG_ERROR, message); }

  // [any] connector.name, task.id, worker.id, ...; nullopt if the worker knows no such fact.
  std::optional<std::string_view> setting(std::string_view name) const {
    const sluice_str text = host_->setting(raw_, to_str(name));
    if (text.data == nullptr) return std::nullopt;
    return view(text);
  }

  Result<uint32_t> topic(std::string_view name) const {
    uint32_t number = 0;
    return call([&](sluice_error* error) { return host_->intern_topic(raw_, to_str(name), &number, error); },
                number);
  }
  std::string_view topic_name(uint32_t topic) const { return view(host_->topic_name(raw_, topic)); }

  // The number of a source partition, such as {{"filename", path}}.
  Result<uint32_t> partition(MapEntries entries) const {
    const detail::TemporaryMap map(entries);
    return partition(map.value());
  }
  Result<uint32_t> partition(const Value& map) const {
    uint32_t number = 0;
    return call(
        [&](sluice_error* error) { return host_->intern_partition(raw_, &map, &number, error); }, number);
  }
  // Where to resume; null if nothing is stored. Valid until the next call of offset().
  Result<Value> offset(uint32_t partition) const {
    Value offset;
    return call(
        [&](sluice_error* error) { return host_->read_offset(raw_, partition, &offset, error); }, offset);
  }

  // Calls each(partition, offset) for all partitions of the connector that have a stored offset. The values are valid
  // inside of that call.
  template <class Each>
  Status each_offset(Each&& each) const {
    if (host_->struct_size < offsetof(sluice_host, list_offsets) + sizeof(host_->list_offsets) ||
        host_->list_offsets == nullptr) {
      return Error::unsupported("this worker cannot list the stored offsets of a connector");
    }
    using Function = std::remove_reference_t<Each>;
    sluice_error error = detail::empty_error();
    const sluice_status status = host_->list_offsets(
        raw_,
        [](void* collector, const sluice_value* partition, const sluice_value* offset) {
          (*static_cast<Function*>(collector))(Value(*partition), Value(*offset));
        },
        &each, &error);
    if (status != SLUICE_OK) return detail::from_host(status, error);
    return ok();
  }

  // [any] poll (or put, commit) is called again soon.
  void wake() const { host_->wake(raw_); }

  // [any] Register once, at the start, and keep the result.
  Result<Metric> counter(std::string_view name, std::string_view help) const {
    return metric(SLUICE_METRIC_COUNTER, name, help);
  }
  Result<Metric> gauge(std::string_view name, std::string_view help) const {
    return metric(SLUICE_METRIC_GAUGE, name, help);
  }

  // [any] A file below the worker's allowed roots; `key` is the config key that held the path. The caller
  // closes the descriptor. NOT_CONNECTED: no such file (yet).
  Result<int> open_file(std::string_view key, std::string_view path, uint32_t flags) const {
    int32_t fd = -1;
    SLUICE_SDK_TRY(call([&](sluice_error* error) {
      return host_->open_file(raw_, to_str(key), to_str(path), flags, &fd, error);
    }, fd));
    return static_cast<int>(fd);
  }

  // [any] Something a person should hear of that is no failure: a possible gap, a lost session.
  void report_event(std::string_view kind, std::string_view text) const {
    host_->report_event(raw_, to_str(kind), to_str(text));
  }

  // [any] From a Connector: task_configs would answer differently now.
  void request_reconfiguration() const { host_->request_reconfiguration(raw_); }

  // Inside of validate only.
  void config_error(std::string_view key, std::string_view message) const {
    host_->config_error(raw_, to_str(key), to_str(message));
  }
  void config_recommend(std::string_view key, std::string_view value) const {
    host_->config_recommend(raw_, to_str(key), to_str(value));
  }
  void config_visible(std::string_view key, bool visible) const {
    host_->config_visible(raw_, to_str(key), visible ? 1 : 0);
  }

  // Inside of put: this record is bad, the others count as accepted. Inside of poll: the record with this index in the
  // batch that poll fills could not be decoded; it stands there as it came (bytes without a schema), and the worker
  // skips it, writes it to the dead letter topic, or fails the task, as errors.tolerance says.
  void record_error(uint32_t index, const Error& error) const {
    sluice_error raw = detail::empty_error();
    detail::fill(&raw, error.kind, error.message, error.retry_after_ms, index);
    host_->record_error(raw_, index, &raw);
  }

  const sluice_host* host() const { return host_; }
  sluice_context* raw() const { return raw_; }

 private:
  Result<Metric> metric(uint32_t kind, std::string_view name, std::string_view help) const {
    uint32_t number = 0;
    SLUICE_SDK_TRY(call([&](sluice_error* error) {
      return host_->metric_register(raw_, kind, to_str(name), to_str(help), &number, error);
    }, number));
    return Metric(host_, raw_, number);
  }
  // Runs one host function; `out` is read after it.
  template <class Function, class T>
  static Result<T> call(Function&& function, const T& out) {
    sluice_error error = detail::empty_error();
    const sluice_status status = function(&error);
    if (status != SLUICE_OK) return detail::from_host(status, error);
    return out;
  }

  const sluice_host* host_ = nullptr;
  sluice_context* raw_ = nullptr;
};

}  // namespace sluice::sdk
