// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <sched.h>

#include <exception>
#include <filesystem>
#include <set>

#include "laws.hpp"

namespace sluice::runner {

using sdk::view;

const sluice_plugin* load(const Options& options, Verdict& verdict) {
  verdict.step("loading");
  void* library = ::dlopen(options.library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    verdict.fail(std::string("cannot be loaded: ") + ::dlerror());
    return nullptr;
  }
  const auto entry = reinterpret_cast<sluice_plugin_entry_fn>(::dlsym(library, SLUICE_PLUGIN_ENTRY));
  if (entry == nullptr) {
    verdict.fail("does not export " SLUICE_PLUGIN_ENTRY);
    return nullptr;
  }
  verdict.step("calling the entry");
  const sluice_plugin* plugin = nullptr;
  try {
    plugin = entry(SLUICE_ABI_VERSION);
  } catch (const std::exception& exception) {
    verdict.fail(std::string("the entry threw across the ABI: ") + exception.what());
    return nullptr;
  } catch (...) {
    verdict.fail("the entry threw across the ABI");
    return nullptr;
  }
  if (plugin == nullptr) {
    verdict.fail("the entry returned NULL for the version that the manifest names");
    return nullptr;
  }
  if (plugin->struct_size < sizeof(sluice_plugin) ||
      !sdk::detail::accepts_host(SLUICE_ABI_VERSION, plugin->abi_version)) {
    verdict.fail("the table was built for ABI " + std::to_string(plugin->abi_version >> 16) + "." +
                 std::to_string(plugin->abi_version & 0xffff) + ", this is " + std::to_string(SLUICE_ABI_MAJOR) +
                 "." + std::to_string(SLUICE_ABI_MINOR));
    return nullptr;
  }
  verdict.step("");
  return plugin;
}

namespace {

// Functions without which a class of this kind cannot work.
bool complete(const sluice_class& cls) {
  if (cls.api == nullptr) return false;
  switch (cls.kind) {
    case SLUICE_KIND_SOURCE: {
      const auto& api = *static_cast<const sluice_source_api*>(cls.api);
      return api.struct_size >= sizeof(api) && api.create && api.poll && api.destroy;
    }
    case SLUICE_KIND_SINK: {
      const auto& api = *static_cast<const sluice_sink_api*>(cls.api);
      return api.struct_size >= sizeof(api) && api.create && api.put && api.destroy;
    }
    case SLUICE_KIND_TRANSFORMATION: {
      const auto& api = *static_cast<const sluice_transform_api*>(cls.api);
      return api.struct_size >= sizeof(api) && api.create && api.apply && api.destroy;
    }
    case SLUICE_KIND_PREDICATE: {
      const auto& api = *static_cast<const sluice_predicate_api*>(cls.api);
      return api.struct_size >= sizeof(api) && api.create && api.test && api.destroy;
    }
    default: {
      const auto& api = *static_cast<const sluice_converter_api*>(cls.api);
      return api.struct_size >= sizeof(api) && api.create && api.from_connect && api.to_connect && api.destroy;
    }
  }
}

// False: the tables cannot be compared with the manifest.
bool check_class(const sluice_class* cls, std::set<std::string>& names, Verdict& verdict) {
  if (cls == nullptr || cls->struct_size < sizeof(sluice_class) || cls->config == nullptr) {
    verdict.fail("a class without table, size or ConfigDef");
    return false;
  }
  const std::string name(view(cls->name));
  if (name.empty()) verdict.fail("a class without a name");
  if (!names.insert(name + "/" + std::to_string(cls->kind)).second) verdict.fail(name + " stands there twice");
  if (view(cls->version).empty()) verdict.fail(name + " has no version");
  if (cls->kind < SLUICE_KIND_SOURCE || cls->kind > SLUICE_KIND_HEADER_CONVERTER) {
    verdict.fail(name + " has no known kind");
    return false;
  }
  if (!complete(*cls)) verdict.fail(name + ": its table of functions is too small or lacks one that it needs");
  const sluice_config_def& def = *cls->config;
  if (def.struct_size < sizeof(def) || def.key_size < sizeof(sluice_config_key)) {
    verdict.fail(name + ": sizes of the ConfigDef are not set");
    return false;
  }
  for (uint32_t i = 0; i < def.key_count; ++i) {
    const sluice_config_key& key = key_at(def, i);
    if (key.type > SLUICE_CONFIG_PASSWORD || key.importance > SLUICE_IMPORTANCE_LOW || key.width > SLUICE_WIDTH_LONG) {
      verdict.fail(name + ": key " + std::string(view(key.name)) + " has an unknown type, importance or width");
      return false;
    }
  }
  return true;
}

size_t count_entries(const char* folder) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    (void)entry;
    ++count;
  }
  return count;
}

}  // namespace

const sluice_config_key& key_at(const sluice_config_def& def, uint32_t index) {
  const auto* first = reinterpret_cast<const char*>(def.keys);
  return *reinterpret_cast<const sluice_config_key*>(first + size_t{index} * def.key_size);
}

void use_root(testkit::FakeHost& host, const Subject& subject) {
  if (!subject.options.root.empty()) host.set_root(subject.options.root);
}

void refused(const Subject& subject, const testkit::Outcome& outcome, Verdict& verdict) {
  if (outcome.status == SLUICE_CONFIG_ERROR && subject.options.config.empty()) {
    verdict.skip("needs --config: " + outcome.text);
  } else {
    verdict.fail(std::string("create answered ") + testkit::status_name(outcome.status) + ": " + outcome.text);
  }
}

void law_describes(const sluice_plugin& plugin, const Json& manifest, Verdict& verdict) {
  if (view(plugin.name).empty() || view(plugin.version).empty()) verdict.fail("the library has no name or version");
  if (plugin.class_count == 0) verdict.fail("the library has no classes");
  std::set<std::string> names;
  std::vector<sluice_class> classes;
  for (uint32_t i = 0; i < plugin.class_count; ++i) {
    if (!check_class(plugin.classes[i], names, verdict)) return;
    classes.push_back(*plugin.classes[i]);
  }
  std::string text;
  try {
    text.resize(sdk::detail::write_manifest(nullptr, plugin, classes.data()));
    sdk::detail::write_manifest(text.data(), plugin, classes.data());
  } catch (const char* fault) {
    verdict.fail(fault);
    return;
  }
  Json tables;
  std::string fault;
  if (!parse_json(text, tables, fault)) {
    verdict.fail("a text of the tables cannot stand in a manifest: " + fault);
    return;
  }
  const std::string differs = difference(manifest, tables, "manifest against tables");
  if (!differs.empty()) verdict.fail(differs);
}

Balance::Balance() : descriptors_(count_entries("/proc/self/fd")), threads_(count_entries("/proc/self/task")) {}

void Balance::check(const testkit::FakeHost& host, Verdict& verdict) const {
  for (const std::string& text : host.violations()) verdict.fail(text);
  if (host.live_batches() > 0) {
    verdict.fail(std::to_string(host.live_batches()) + " batches are not released after destroy");
  }
  if (host.live_schemas() > 0) {
    verdict.fail(std::to_string(host.live_schemas()) + " schemas are not released after destroy");
  }
  const size_t descriptors = count_entries("/proc/self/fd");
  if (descriptors > descriptors_) {
    verdict.fail(std::to_string(descriptors - descriptors_) + " file descriptors are open after destroy");
  }
  // A thread that was joined may stand in the list for a moment.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  size_t threads = count_entries("/proc/self/task");
  while (threads > threads_ && std::chrono::steady_clock::now() < deadline) {
    ::sched_yield();
    threads = count_entries("/proc/self/task");
  }
  if (threads > threads_) verdict.fail(std::to_string(threads - threads_) + " threads run on after destroy");
}

}  // namespace sluice::runner
