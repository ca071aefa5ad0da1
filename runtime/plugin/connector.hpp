// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker-core/base/result.hpp"
#include "runtime/config/config_def.hpp"
#include "sdk/include/sluice/plugin.h"

// The seam between the worker and connector code. Today the only implementation calls a library
// through the C ABI (runtime/plugin/abi_*); one that talks to a connector in a process of its own
// fits behind the same classes.
namespace sluice::plugin {

enum class Kind { kSource, kSink, kTransformation, kPredicate, kConverter, kHeaderConverter };
const char* to_string(
    Kind kind);  // Kafka's: source, sink, transformation, predicate, converter, header_converter

// What is known of a class without running its code (from the manifest). Shared, immutable.
struct ClassInfo {
  std::string name;  // as configs use it
  Kind kind = Kind::kSource;
  std::string version;
  std::string documentation;
  uint32_t capabilities = 0;  // SLUICE_CAP_*
  config::ConfigDef config;
  std::string library;                 // file it came from; empty = built in
  std::shared_ptr<const void> origin;  // the registry's own: which state of which library this is
  bool non_blocking() const { return (capabilities & SLUICE_CAP_NON_BLOCKING) != 0; }
};
using ClassPtr = std::shared_ptr<const ClassInfo>;

// The answer of a call into a plugin: sluice_status with its text.
struct Outcome {
  sluice_status status = SLUICE_OK;
  std::string text;
  uint32_t retry_after_ms = 0;
  uint32_t record_index = 0;
  bool ok() const { return status == SLUICE_OK; }
  static Outcome failure(sluice_status status, std::string text) {
    return {status, std::move(text), 0, 0};
  }
  Error to_error() const;
};

// Owns a sluice_batch by Arrow's rule; movable.
class Batch {
 public:
  Batch() { raw_.struct_size = sizeof(sluice_batch); }
  ~Batch() { reset(); }
  Batch(Batch&& other) noexcept : raw_(other.raw_) {
    other.raw_.release = nullptr;
    other.clear();
  }
  Batch& operator=(Batch&& other) noexcept {
    if (this != &other) {
      reset();
      raw_ = other.raw_;
      other.raw_.release = nullptr;
      other.clear();
    }
    return *this;
  }
  sluice_batch* raw() { return &raw_; }
  const sluice_batch& view() const { return raw_; }
  const sluice_record& record(size_t i) const {
    return *reinterpret_cast<const sluice_record*>(reinterpret_cast<const char*>(raw_.records) +
                                                   i * raw_.record_size);
  }
  size_t size() const { return raw_.record_count; }
  bool empty() const { return raw_.record_count == 0 && raw_.offset_count == 0; }
  void reset() {
    if (raw_.release) raw_.release(&raw_);
    clear();
  }

 private:
  void clear() {
    raw_ = sluice_batch{};
    raw_.struct_size = sizeof(sluice_batch);
  }
  sluice_batch raw_{};
};

// What the worker offers to one instance (connector or task) while its code runs. Implemented by
// runtime/task and runtime/herder; called from plugin threads, so every function is thread-safe and
// does not block on plugins.
class InstanceServices {
 public:
  virtual ~InstanceServices() = default;
  virtual std::string setting(const std::string& name) = 0;  // empty = none
  // Stored source offset, as Kafka Connect's JSON text of the offset map; `partition` likewise.
  virtual Result<std::optional<std::string>> read_offset(const std::string& partition) = 0;
  // All of the connector, in the same form.
  virtual Result<std::vector<std::pair<std::string, std::string>>> list_offsets() {
    return Error{ErrorKind::kUnsupported, "no stored offsets can be listed here"};
  }
  virtual void wake() = 0;
  virtual void request_reconfiguration() = 0;
  virtual void report_event(const std::string& kind, const std::string& text) = 0;
};

struct RecordFailure {
  uint32_t index;
  Outcome outcome;
};

// A source task. "Owner" calls: poll, ack, and destruction, one thread at a time. stop(): any
// thread.
class SourceTask {
 public:
  virtual ~SourceTask() = default;
  // `failures`: records of `batch` that the plugin could not decode, by ascending index.
  virtual Outcome poll(const sluice_poll_limits& limits, Batch& batch,
                       std::vector<RecordFailure>& failures, uint32_t& idle_ms) = 0;
  virtual Outcome ack(uint64_t batch) = 0;
  virtual void stop() = 0;
  // Interned numbers back to names; valid as long as the task.
  virtual std::string_view topic_name(uint32_t topic) const = 0;
  virtual std::string_view partition_json(
      uint32_t partition) const = 0;  // Java HashMap's key order, no spaces
};

// A sink task. Owner calls: all but stop().
class SinkTask {
 public:
  virtual ~SinkTask() = default;
  virtual uint32_t intern_topic(const std::string& name) = 0;
  virtual Outcome open(std::vector<sluice_partition_offset>& partitions, int64_t epoch) = 0;
  // `failures`: the records that it did not take, by ascending index. `batch` stays readable, also
  // when the plugin keeps it.
  virtual Outcome put(Batch& batch, std::vector<RecordFailure>& failures) = 0;
  virtual Outcome commit(std::vector<sluice_partition_offset>& partitions) = 0;
  virtual void close(const std::vector<sluice_partition_offset>& partitions, bool lost) = 0;
  virtual void stop() = 0;
};

// A running connector (the part that decides on task configs).
class Connector {
 public:
  virtual ~Connector() = default;
  virtual Outcome task_configs(uint32_t tasks_max, std::vector<config::ConfigMap>& configs) = 0;
  virtual void stop() = 0;
};

struct Validation {
  std::vector<config::ConfigValue>
      additions;  // per key: errors, recommendations, visibility from validate()
};

// What a connection check found out, in the plugin's words.
struct Finding {
  std::string kind;  // a short fixed word
  std::string text;
};

// All known classes. Thread-safe. Looking a class up may map its library; listing never runs plugin
// code.
class Registry {
 public:
  virtual ~Registry() = default;
  virtual std::vector<ClassPtr> list() = 0;  // rescans plugin.path when a folder changed
  // By full name, simple name, or simple name without "Connector", of any of the kinds. kNotFound
  // names the nearest class.
  virtual Result<ClassPtr> find(const std::string& name, const std::vector<Kind>& kinds) = 0;
  struct Problem {
    std::string library;
    std::string text;  // why it was refused: file, its ABI version, the accepted window
  };
  virtual std::vector<Problem> problems() = 0;

  // These run plugin code, may block as long as the plugin does, and are to be called on a control
  // lane (validate, check, connector) or the task's thread (tasks). `config` has passed the class's
  // ConfigDef.
  virtual Outcome validate(const ClassPtr& cls, const config::ConfigMap& config,
                           InstanceServices& services, Validation& result) = 0;
  // SLUICE_UNSUPPORTED: the class has no check.
  virtual Outcome check(const ClassPtr& cls, const config::ConfigMap& config,
                        InstanceServices& services, std::vector<Finding>& findings) = 0;
  // `services` must outlive the instance.
  virtual Outcome create_connector(const ClassPtr& cls, const config::ConfigMap& config,
                                   InstanceServices& services,
                                   std::unique_ptr<Connector>& connector) = 0;
  virtual Outcome create_source(const ClassPtr& cls, const config::ConfigMap& config,
                                InstanceServices& services, std::unique_ptr<SourceTask>& task) = 0;
  virtual Outcome create_sink(const ClassPtr& cls, const config::ConfigMap& config,
                              InstanceServices& services, std::unique_ptr<SinkTask>& task) = 0;
};

}  // namespace sluice::plugin
