// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/registry.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "runtime/logging/logging.hpp"
#include "runtime/plugin/abi.hpp"
#include "runtime/plugin/plugin_catalog.hpp"
#include "runtime/plugin/plugin_scan.hpp"

namespace sluice::plugin {
namespace {

using LibraryPtr = std::shared_ptr<PluginLibrary>;

class LibraryRegistry final : public PluginRegistry {
 public:
  explicit LibraryRegistry(RegistryOptions options)
      : options_(std::move(options)),
        host_{options_.files, options_.metrics},
        scan_(options_.plugin_path),
        cache_(options_.cache_dir) {
    if (options_.probe_in_background) prober_ = std::thread([this] { probe_new_ones(); });
  }

  ~LibraryRegistry() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (prober_.joinable()) prober_.join();
  }

  std::vector<ClassPtr> list() override { return refresh()->classes; }
  std::vector<Problem> problems() override { return refresh()->problems; }
  Result<ClassPtr> find(const std::string& name, const std::vector<Kind>& kinds) override {
    return find_class(*refresh(), name, kinds);
  }

  void settle() override {
    refresh();
    for (const auto& library : snapshot()) library->examine(stopping_);
    refresh();
  }

  std::vector<LibraryInfo> libraries() override {
    refresh();
    std::vector<LibraryInfo> out;
    for (const auto& library : snapshot()) {
      if (library->refusal()) continue;
      const auto& m = library->manifest();
      out.push_back(
          {library->path(), m.name, m.version, abi_text(m.abi_version), m.classes.size()});
    }
    return out;
  }

  Outcome validate(const ClassPtr& cls, const config::ConfigMap& config, InstanceServices& services,
                   Validation& result) override {
    return with_class(cls, [&](const AbiClass& abi) {
      return abi_validate(abi, config, services, host_, result);
    });
  }
  Outcome check(const ClassPtr& cls, const config::ConfigMap& config,
                InstanceServices& services, std::vector<Finding>& findings) override {
    return with_class(cls, [&](const AbiClass& abi) {
      return abi_check(abi, config, services, host_, findings);
    });
  }
  Outcome create_connector(const ClassPtr& cls, const config::ConfigMap& config,
                           InstanceServices& services,
                           std::unique_ptr<Connector>& connector) override {
    return with_class(cls, [&](const AbiClass& abi) {
      return make_abi_connector(abi, config, services, host_, connector);
    });
  }
  Outcome create_source(const ClassPtr& cls, const config::ConfigMap& config,
                        InstanceServices& services, std::unique_ptr<SourceTask>& task) override {
    return with_class(cls, [&](const AbiClass& abi) {
      return make_abi_source(abi, config, services, host_, task);
    });
  }
  Outcome create_sink(const ClassPtr& cls, const config::ConfigMap& config,
                      InstanceServices& services, std::unique_ptr<SinkTask>& task) override {
    return with_class(cls, [&](const AbiClass& abi) {
      return make_abi_sink(abi, config, services, host_, task);
    });
  }

 private:
  template <class Call>
  Outcome with_class(const ClassPtr& cls, Call&& call) {
    if (!cls->origin)
      return Outcome::failure(SLUICE_UNSUPPORTED, cls->name + " is no class of a plugin library");
    auto library = std::const_pointer_cast<PluginLibrary>(
        std::static_pointer_cast<const PluginLibrary>(cls->origin));
    auto abi = library->load(cls, stopping_);
    if (abi.ok()) return call(*abi);
    bool again =
        abi.error().kind == ErrorKind::kRetriable || abi.error().kind == ErrorKind::kNotFound;
    return Outcome::failure(again ? SLUICE_RETRIABLE : SLUICE_CONFIG_ERROR, abi.error().message);
  }

  std::vector<LibraryPtr> snapshot() {
    std::lock_guard lock(mutex_);
    return libraries_;
  }

  // Brings what is known up to what is on the disk. Reads new files; runs nothing.
  PluginCatalogPtr refresh() {
    std::lock_guard lock(mutex_);
    auto found = scan_.scan();
    std::map<std::string, LibraryPtr> before;
    for (const auto& library : libraries_) before.emplace(library->path(), library);
    std::vector<LibraryPtr> now;
    std::map<std::string, FileIdentity> present;
    for (const auto& [path, identity] : found.files) {
      auto it = before.find(path);
      auto library = it != before.end() && it->second->identity() == identity
                         ? it->second
                         : look_at(path, identity);
      if (!library) continue;  // being written; the next look finds it
      present.emplace(path, library->identity());
      now.push_back(std::move(library));
    }
    libraries_ = std::move(now);
    remember(present);
    auto catalog = std::make_shared<PluginCatalog>(*make_catalog(libraries_, known_));
    for (const auto& [element, text] : found.unreadable)
      catalog->problems.push_back({element, text});
    return catalog;
  }

  LibraryPtr look_at(const std::string& path, const FileIdentity& identity) {
    ProbeOptions probe{options_.probe_command, options_.probe_timeout, options_.cache_dir};
    LibraryPtr library;
    if (const auto* entry = cache_.find(path, identity)) {
      library = PluginLibrary::remembered(path, *entry, probe);
    } else {
      auto read = PluginLibrary::read(path, probe);
      if (!read.ok()) return nullptr;
      library = std::move(*read);
      if (const auto* same = cache_.find_contents(library->sha256())) library->adopt(*same);
    }
    if (!library->examined() && options_.probe_in_background) {
      unexamined_.push_back(library);
      changed_.notify_all();
    }
    return library;
  }

  // Under the lock. Verdicts that came since the last time go to the cache, problems to the log.
  void remember(const std::map<std::string, FileIdentity>& present) {
    for (const auto& library : libraries_) {
      if (!library->examined() || !reported_.insert(library).second) continue;
      if (auto refusal = library->refusal()) log_.error("refused: " + *refusal);
      if (!library->sha256().empty()) cache_.put(library->path(), library->cached());
    }
    std::erase_if(reported_, [&](const LibraryPtr& library) {
      return std::find(libraries_.begin(), libraries_.end(), library) == libraries_.end();
    });
    if (auto error = cache_.save(present)) log_.warn("cannot write the plugin cache: " + *error);
  }

  void probe_new_ones() {
    for (;;) {
      LibraryPtr next;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stopping_ || !unexamined_.empty(); });
        if (stopping_) return;
        next = unexamined_.front();
        unexamined_.pop_front();
      }
      next->examine(stopping_);
      refresh();  // writes the verdict down
    }
  }

  const RegistryOptions options_;
  const HostServices host_;
  const logging::Logger log_{"plugin.registry"};

  std::atomic<bool> stopping_{false};
  std::mutex
      mutex_;  // guards all below; held while new files are read, never while code of a plugin runs
  std::condition_variable changed_;
  PluginScan scan_;
  PluginCache cache_;
  std::vector<LibraryPtr> libraries_;
  KnownClasses known_;
  std::set<LibraryPtr> reported_;
  std::deque<LibraryPtr> unexamined_;
  std::thread prober_;
};

}  // namespace

std::unique_ptr<PluginRegistry> make_registry(RegistryOptions options) {
  return std::make_unique<LibraryRegistry>(std::move(options));
}

std::vector<std::string> split_plugin_path(const std::string& text) {
  std::vector<std::string> out;
  for (auto& part : config::split_list(text)) {
    if (!part.empty()) out.push_back(std::move(part));
  }
  return out;
}

}  // namespace sluice::plugin
