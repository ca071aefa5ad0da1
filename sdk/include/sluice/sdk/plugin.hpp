// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/export.hpp>
#include <sluice/sdk/manifest.hpp>

#include <array>
#include <cstddef>
#include <string_view>

namespace sluice::sdk {

enum Capability : uint32_t {
  kNonBlocking = SLUICE_CAP_NON_BLOCKING,
  kExactlyOnce = SLUICE_CAP_EXACTLY_ONCE,
  kOneTask = SLUICE_CAP_ONE_TASK,
};

// One entry of SLUICE_PLUGIN: source<Task>(...) or sink<Task>(...), at compile time.
struct ClassDef {
  sluice_class raw = {};
  const sluice_config_key* keys = nullptr;
  uint32_t key_count = 0;

  // Bits of Capability.
  constexpr ClassDef capabilities(uint32_t bits) const {
    ClassDef copy = *this;
    copy.raw.capabilities = bits;
    return copy;
  }
  // The control side: a Connector, or a class with static validate and check, or both.
  template <class T>
  constexpr ClassDef connector() const {
    ClassDef copy = *this;
    copy.raw.connector = &detail::kConnectorApi<T>;
    return copy;
  }
};

namespace detail {

template <size_t N>
constexpr ClassDef make_class(uint32_t kind, std::string_view name, std::string_view version,
                              std::string_view documentation, const ConfigDef<N>& config, const void* api) {
  ClassDef made;
  made.raw.struct_size = sizeof(sluice_class);
  made.raw.kind = kind;
  made.raw.name = to_str(name);
  made.raw.version = to_str(version);
  made.raw.documentation = to_str(documentation);
  made.raw.api = api;
  made.keys = config.data();
  made.key_count = N;
  return made;
}

template <size_t N>
constexpr std::array<sluice_config_def, N> config_tables(const std::array<ClassDef, N>& defs) {
  std::array<sluice_config_def, N> tables = {};
  for (size_t i = 0; i < N; ++i) {
    tables[i] = {sizeof(sluice_config_def), sizeof(sluice_config_key), defs[i].keys, defs[i].key_count, 0};
  }
  return tables;
}

template <size_t N>
constexpr std::array<sluice_class, N> class_tables(const std::array<ClassDef, N>& defs,
                                                   const std::array<sluice_config_def, N>& configs) {
  std::array<sluice_class, N> tables = {};
  for (size_t i = 0; i < N; ++i) {
    tables[i] = defs[i].raw;
    tables[i].config = &configs[i];
  }
  return tables;
}

template <size_t N>
constexpr std::array<const sluice_class*, N> class_pointers(const std::array<sluice_class, N>& classes) {
  std::array<const sluice_class*, N> pointers = {};
  for (size_t i = 0; i < N; ++i) pointers[i] = &classes[i];
  return pointers;
}

template <size_t N>
constexpr sluice_plugin plugin_table(std::string_view name, std::string_view version,
                                     const std::array<const sluice_class*, N>& classes) {
  return {sizeof(sluice_plugin), SLUICE_ABI_VERSION, to_str(name), to_str(version), classes.data(),
          static_cast<uint32_t>(N), 0};
}

// Unstable: the same version only. Frozen: a host of the same major and no older minor.
constexpr bool accepts_host(uint32_t host, uint32_t own) {
  if (own >> 16 == 0) return host == own;
  return host >> 16 == own >> 16 && host >= own;
}

}  // namespace detail

// `config` must be static constexpr data: static constexpr auto kConfig = config_def(...).
template <std::derived_from<SourceTask> Task, size_t N>
constexpr ClassDef source(std::string_view name, std::string_view version, std::string_view documentation,
                          const ConfigDef<N>& config) {
  return detail::make_class(SLUICE_KIND_SOURCE, name, version, documentation, config,
                            &detail::kSourceApi<Task>);
}
template <std::derived_from<SinkTask> Task, size_t N>
constexpr ClassDef sink(std::string_view name, std::string_view version, std::string_view documentation,
                        const ConfigDef<N>& config) {
  return detail::make_class(SLUICE_KIND_SINK, name, version, documentation, config, &detail::kSinkApi<Task>);
}

}  // namespace sluice::sdk

#if defined(__clang__)
#define SLUICE_NOTE_ATTRIBUTES \
  __attribute__((used, section(".note.sluice"), aligned(4), no_sanitize("address")))
#else
#define SLUICE_NOTE_ATTRIBUTES __attribute__((used, section(".note.sluice"), aligned(4)))
#endif

// SLUICE_PLUGIN("name", "version", source<A>(...), sink<B>(...)): once per library, outside of any namespace.
// Exports the entry and puts the manifest into the file.
#define SLUICE_PLUGIN(plugin_name, plugin_version, ...)                                                  \
  namespace sluice_plugin_data {                                                                         \
  using namespace ::sluice::sdk; /* NOLINT: for source, sink and the capabilities in the arguments */    \
  static constexpr auto kDefs = std::array{__VA_ARGS__};                                                 \
  static constexpr auto kConfigs = detail::config_tables(kDefs);                                         \
  static constexpr auto kClasses = detail::class_tables(kDefs, kConfigs);                                \
  static constexpr auto kPointers = detail::class_pointers(kClasses);                                    \
  static constexpr sluice_plugin kPlugin = detail::plugin_table(plugin_name, plugin_version, kPointers); \
  static constexpr size_t kNoteSize = detail::write_manifest(nullptr, kPlugin, kClasses.data());         \
  SLUICE_NOTE_ATTRIBUTES static constexpr auto kNote =                                                   \
      detail::make_note<kNoteSize>(kPlugin, kClasses.data());                                            \
  }                                                                                                      \
  extern "C" __attribute__((visibility("default"))) const sluice_plugin* sluice_plugin_entry(            \
      uint32_t host_abi_version) {                                                                       \
    return ::sluice::sdk::detail::accepts_host(host_abi_version, SLUICE_ABI_VERSION)                     \
               ? &sluice_plugin_data::kPlugin                                                            \
               : nullptr;                                                                                \
  }                                                                                                      \
  static_assert(true, "ends with a semicolon")
