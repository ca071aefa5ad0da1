// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/task.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <type_traits>

namespace sluice::sdk::detail {

// The only place where exceptions of a plugin stop, and the only code that the worker calls.

struct Access {
  static void set_context(Instance& instance, const sluice_host* host, sluice_context* ctx) {
    instance.context_ = Context(host, ctx);
  }
  static const Context& context(const Instance& instance) { return instance.context_; }
  static RecordBatch batch(SourceTask& task) { return RecordBatch(task.pool_->take()); }
};

template <class Function>
sluice_status guard(sluice_error* error, Function&& function) noexcept {
  try {
    const Status status = function();
    if (status.ok()) return SLUICE_OK;
    const Error& failure = status.error();
    const sluice_status kind = failure.kind == SLUICE_OK ? SLUICE_FATAL : failure.kind;
    return fill(error, kind, failure.message, failure.retry_after_ms, failure.record_index);
  } catch (const std::exception& exception) {
    return fill(error, SLUICE_FATAL, exception.what());
  } catch (...) {
    return fill(error, SLUICE_FATAL, "the plugin threw something that is no std::exception");
  }
}

// For functions of the ABI that cannot fail: what the author's code throws is logged, as an error.
template <class Function>
void guard_void(const Instance& instance, Function&& function) noexcept {
  try {
    function();
  } catch (const std::exception& exception) {
    Access::context(instance).error(exception.what());
  } catch (...) {
    Access::context(instance).error("the plugin threw something that is no std::exception");
  }
}

// Tasks cross as pointers to their base class (SourceTask, SinkTask, Connector), whatever their own type is.
template <class Base, class T>
sluice_status create(const sluice_host* host, sluice_context* ctx, const sluice_config* config,
                     void** instance, sluice_error* error) noexcept {
  return guard(error, [&]() -> Status {
    std::unique_ptr<Base> made = std::make_unique<T>();
    Access::set_context(*made, host, ctx);
    SLUICE_SDK_TRY(made->start(Config(config)));
    *instance = made.release();
    return ok();
  });
}

template <class Base>
void stop(void* instance) noexcept {
  auto* object = static_cast<Base*>(instance);
  guard_void(*object, [&] { object->stop(); });
}

template <class Base>
void destroy(void* instance) noexcept {
  const std::unique_ptr<Base> object(static_cast<Base*>(instance));
}

inline sluice_status source_poll(void* task, const sluice_poll_limits* limits, sluice_batch* out,
                                 sluice_poll_result* result, sluice_error* error) noexcept {
  return guard(error, [&]() -> Status {
    auto& source = *static_cast<SourceTask*>(task);
    RecordBatch batch = Access::batch(source);
    SLUICE_SDK_TRY(source.poll({limits->records_max, limits->bytes_max, limits->wait_max_ms}, batch));
    result->idle_ms = batch.idle_ms();
    if (!batch.empty()) batch.finish(out);
    return ok();
  });
}

inline sluice_status source_ack(void* task, uint64_t batch, sluice_error* error) noexcept {
  return guard(error, [&] { return static_cast<SourceTask*>(task)->ack(batch); });
}

inline sluice_status sink_open(void* task, sluice_partition_offset* partitions, uint32_t count, int64_t epoch,
                               sluice_error* error) noexcept {
  return guard(error, [&] { return static_cast<SinkTask*>(task)->open({partitions, count}, epoch); });
}

inline sluice_status sink_put(void* task, sluice_batch* raw, sluice_error* error) noexcept {
  return guard(error, [&] {
    SinkBatch batch(raw);
    return static_cast<SinkTask*>(task)->put(batch);
  });
}

inline sluice_status sink_commit(void* task, sluice_partition_offset* partitions, uint32_t count,
                                 sluice_error* error) noexcept {
  return guard(error, [&] { return static_cast<SinkTask*>(task)->commit({partitions, count}); });
}

inline void sink_close(void* task, const sluice_partition_offset* partitions, uint32_t count,
                       uint32_t lost) noexcept {
  auto* sink = static_cast<SinkTask*>(task);
  guard_void(*sink, [&] { sink->close({partitions, count}, lost != 0); });
}

inline sluice_status task_configs(void* connector, uint32_t tasks_max, sluice_task_config_sink sink,
                                  void* collector, sluice_error* error) noexcept {
  return guard(error, [&]() -> Status {
    SLUICE_SDK_ASSIGN(const auto configs, static_cast<Connector*>(connector)->task_configs(tasks_max));
    std::vector<sluice_pair> entries;
    for (const TaskConfig& config : configs) {
      entries.clear();
      for (const auto& [key, value] : config) entries.push_back({to_str(key), to_str(value)});
      sink(collector, entries.data(), static_cast<uint32_t>(entries.size()));
    }
    return ok();
  });
}

template <class T>
concept HasValidate = requires(const Context& context, const Config& config) {
  { T::validate(context, config) } -> std::same_as<Status>;
};
template <class T>
concept HasCheck = requires(const Context& context, const Config& config) {
  { T::check(context, config) } -> std::same_as<Status>;
};

template <class T>
sluice_status validate(const sluice_host* host, sluice_context* ctx, const sluice_config* config,
                       sluice_error* error) noexcept {
  return guard(error, [&] { return T::validate(Context(host, ctx), Config(config)); });
}
template <class T>
sluice_status check(const sluice_host* host, sluice_context* ctx, const sluice_config* config,
                    sluice_error* error) noexcept {
  return guard(error, [&] { return T::check(Context(host, ctx), Config(config)); });
}

template <class T>
constexpr sluice_source_api make_source_api() {
  return {sizeof(sluice_source_api), 0, &create<SourceTask, T>, &source_poll, &source_ack, &stop<SourceTask>,
          &destroy<SourceTask>};
}
template <class T>
constexpr sluice_sink_api make_sink_api() {
  return {sizeof(sluice_sink_api), 0,           &create<SinkTask, T>, &sink_open,          &sink_put,
          &sink_commit,            &sink_close, &stop<SinkTask>,      &destroy<SinkTask>};
}
// T may be a Connector, or have static validate and check, or both.
template <class T>
constexpr sluice_connector_api make_connector_api() {
  sluice_connector_api api = {};
  api.struct_size = sizeof(api);
  if constexpr (HasValidate<T>) api.validate = &validate<T>;
  if constexpr (HasCheck<T>) api.check = &check<T>;
  if constexpr (std::derived_from<T, Connector>) {
    api.create = &create<Connector, T>;
    api.task_configs = &task_configs;
    api.stop = &stop<Connector>;
    api.destroy = &destroy<Connector>;
  }
  return api;
}

template <class T>
inline constexpr sluice_source_api kSourceApi = make_source_api<T>();
template <class T>
inline constexpr sluice_sink_api kSinkApi = make_sink_api<T>();
template <class T>
inline constexpr sluice_connector_api kConnectorApi = make_connector_api<T>();

}  // namespace sluice::sdk::detail
