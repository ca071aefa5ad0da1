// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk.hpp>
#include <sluice/testkit/value_copy.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

// The author's test kit: a host inside of the test's process, so that a connector is tested without a worker. Link
// sluice::testkit; docs/writing-a-connector.md shows a test.
namespace sluice::testkit {

using Settings = std::map<std::string, std::string>;

struct LogLine {
  uint32_t level;
  std::string message;
};
struct Event {
  std::string kind;
  std::string text;
};
struct ConfigFinding {
  std::string key;
  std::string message;
};

class FakeHost;
class SchemaStore;

// The host's side of one instance. Made by FakeHost::make_context, which keeps it alive until the host ends, so that
// a call after destroy is noticed and harmless.
class FakeContext {
 public:
  FakeContext(FakeHost& host, Settings settings) : host_(host), settings_(std::move(settings)) {}
  sluice_context* raw() { return reinterpret_cast<sluice_context*>(this); }
  static FakeContext& of(sluice_context* raw) { return *reinterpret_cast<FakeContext*>(raw); }
  FakeHost& host() { return host_; }

  std::string topic_name(uint32_t topic) const;
  // The number of a topic, as the worker gives it out before a sink sees it.
  uint32_t intern_topic(std::string_view name);
  // What intern_partition got for this number, in the form that offsets are stored under.
  std::string partition_key(uint32_t partition) const;
  std::vector<ConfigFinding> config_errors() const;
  std::vector<std::pair<uint32_t, sdk::Error>> take_record_errors();
  uint32_t wakes() const { return wakes_; }
  // Waits until wake() has been called since the last wait. False: it was not, within that time.
  bool wait_for_wake(std::chrono::milliseconds limit);
  uint32_t reconfigurations() const { return reconfigurations_; }

  // Marks an owner call for as long as it lives; a second one at the same time is a violation, and so is one after
  // the end of the instance.
  class Call {
   public:
    Call(FakeContext& context, const char* name);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    FakeContext& context_;
  };
  // The instance is destroyed: from now on no call may come from it or go to it.
  void end() { ended_ = true; }
  bool ended() const { return ended_; }

 private:
  friend struct HostFunctions;
  // A host function that is not marked [any] has been called.
  void check_owner(const char* function);
  void check_alive(const char* function);

  FakeHost& host_;
  const Settings settings_;
  std::atomic<std::thread::id> owner_{};  // thread that is inside of an owner call
  std::atomic<const char*> call_{nullptr};
  std::atomic<bool> ended_{false};
  std::atomic<uint32_t> wakes_{0};
  std::atomic<uint32_t> reconfigurations_{0};
  std::condition_variable woken_;
  mutable std::mutex mutex_;  // for what follows
  uint32_t wakes_seen_ = 0;
  std::vector<std::unique_ptr<std::string>> topics_;
  std::vector<std::string> partitions_;
  std::unique_ptr<ValueCopy> offset_value_;  // the answer of the last read_offset
  std::vector<ConfigFinding> config_errors_;
  std::vector<std::pair<uint32_t, sdk::Error>> record_errors_;
};

// The worker, faked: contexts, interning, stored offsets, schemas, metrics, logs, events, files below a temporary
// root. Owned by the test. Thread-safe. At its end everything that a plugin still holds has been counted: ask
// live_schemas(), live_batches() and violations() after the instances are gone.
class FakeHost {
 public:
  FakeHost();
  ~FakeHost();
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  const sluice_host* table() const { return &table_; }
  // Valid as long as the host. `settings` are connector.name, task.id, ...
  FakeContext& make_context(Settings settings = {});

  // The folder below which open_file opens; its own temporary folder unless the test names one (which stays).
  const std::filesystem::path& root() const { return root_; }
  void set_root(std::filesystem::path root) { root_ = std::move(root); }

  // Source offsets: partition and offset as canonical text, see describe().
  void store_offset(const std::string& partition_key, const sluice_value& offset);
  // The same; also for tasks that list what is stored.
  void store_offset(const sluice_value& partition, const sluice_value& offset);
  std::string stored_offset(const std::string& partition_key) const;  // as text; empty = none
  size_t stored_offsets() const;
  std::map<std::string, std::string> all_stored_offsets() const;  // partition and offset as text

  std::vector<LogLine> logs() const;
  std::vector<Event> events() const;
  double metric(const std::string& name) const;  // 0 if never registered
  size_t live_schemas() const;
  size_t live_batches() const { return live_batches_; }

  // Laws that were broken, in words. A test expects it to be empty.
  std::vector<std::string> violations() const;
  void violation(std::string text);
  void batch_made() { ++live_batches_; }
  void batch_released() { --live_batches_; }

  // Smallest level that is logged.
  void set_log_level(uint32_t level) { log_level_ = level; }

 private:
  friend struct HostFunctions;
  struct Metric {
    std::string name;
    uint32_t kind;
    double value;
  };
  sluice_host table_;
  std::filesystem::path root_;
  std::filesystem::path temporary_;
  std::atomic<uint32_t> log_level_{SLUICE_LOG_TRACE};
  std::atomic<size_t> live_batches_{0};
  std::unique_ptr<SchemaStore> schemas_;
  mutable std::mutex mutex_;  // for what follows
  std::vector<std::unique_ptr<FakeContext>> contexts_;
  std::map<std::string, std::unique_ptr<ValueCopy>> offsets_;
  std::map<std::string, std::unique_ptr<ValueCopy>> partitions_;  // all that were interned, by their text
  std::vector<LogLine> logs_;
  std::vector<Event> events_;
  std::vector<Metric> metrics_;
  std::vector<std::string> violations_;
};

// What transforms and converters get for their output; ends with the test's scope.
class FakeArena {
 public:
  explicit FakeArena(const FakeHost& host) : host_(host.table()) {}
  FakeArena(const FakeArena&) = delete;
  FakeArena& operator=(const FakeArena&) = delete;
  sluice_arena* raw() { return reinterpret_cast<sluice_arena*>(this); }

 private:
  friend struct HostFunctions;
  static FakeArena& of(sluice_arena* raw) { return *reinterpret_cast<FakeArena*>(raw); }
  const sluice_host* host_;
  sdk::detail::Arena memory_;
  std::vector<sdk::Schema> schemas_;
};

// One line of text for a value, the same for equal values (map keys sorted): {"k":1}, "text", null, 0x00ff.
std::string describe(const sluice_value& value);

}  // namespace sluice::testkit
