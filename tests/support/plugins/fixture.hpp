// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the deliberately broken plugins share: a source and a sink without a fault, and ways to replace a piece.
#include <sluice/sdk.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace sluice::fixture {

using namespace sluice::sdk;

inline constexpr auto kNoConfig = config_def();
inline constexpr auto kSourceConfig = config_def(
    define("topic", Type::kString, Importance::kHigh, "Where records go.").default_value("fixture"));

// Three records a batch, one offset a batch, for ever.
class Source : public SourceTask {
 public:
  Status start(const Config& config) override {
    SLUICE_SDK_ASSIGN(topic_, context().topic(config.get_string("topic")));
    SLUICE_SDK_ASSIGN(partition_, context().partition({{"source", "fixture"}}));
    SLUICE_SDK_ASSIGN(const Value stored, context().offset(partition_));
    next_ = stored.get("next").as_int().value_or(0);
    return ok();
  }
  Status poll(const PollLimits&, RecordBatch& batch) override {
    for (int i = 0; i < 3; ++i) batch.add(topic_).value(batch.string("record " + std::to_string(next_++)));
    batch.offset(partition_, {{"next", next_}});
    return ok();
  }

 protected:
  uint32_t topic_ = 0;
  uint32_t partition_ = 0;
  int64_t next_ = 0;
};

// Counts records and forgets them.
class Sink : public SinkTask {
 public:
  Status start(const Config&) override { return ok(); }
  Status put(SinkBatch& batch) override {
    count_ += batch.size();
    return ok();
  }

 private:
  uint64_t count_ = 0;
};

template <class Task>
constexpr ClassDef a_source(std::string_view name) {
  return source<Task>(name, "1.0.0", "A fixture for tests.", kSourceConfig);
}
template <class Task>
constexpr ClassDef a_sink(std::string_view name) {
  return sink<Task>(name, "1.0.0", "A fixture for tests.", kNoConfig);
}
// The same class with a table of its own in place of the wrapper's.
constexpr ClassDef with_api(ClassDef entry, const void* api) {
  entry.raw.api = api;
  return entry;
}

}  // namespace sluice::fixture

// The tables and the note of a plugin, for files that write an entry of their own.
#define FIXTURE_TABLES(plugin_name, ...)                                                              \
  namespace fixture_data {                                                                            \
  using namespace sluice::fixture;                                                                    \
  static constexpr auto kDefs = std::array{__VA_ARGS__};                                              \
  static constexpr auto kConfigs = sluice::sdk::detail::config_tables(kDefs);                         \
  static constexpr auto kClasses = sluice::sdk::detail::class_tables(kDefs, kConfigs);                \
  static constexpr auto kPointers = sluice::sdk::detail::class_pointers(kClasses);                    \
  static constexpr sluice_plugin kPlugin =                                                            \
      sluice::sdk::detail::plugin_table(plugin_name, "1.0.0", kPointers);                             \
  }
#define FIXTURE_NOTE(plugin)                                                                          \
  SLUICE_NOTE_ATTRIBUTES static constexpr auto kFixtureNote =                                         \
      sluice::sdk::detail::make_note<sluice::sdk::detail::write_manifest(                             \
          nullptr, plugin, fixture_data::kClasses.data())>(plugin, fixture_data::kClasses.data())
#define FIXTURE_ENTRY extern "C" __attribute__((visibility("default"))) const sluice_plugin* sluice_plugin_entry
