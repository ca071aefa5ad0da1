// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/plugin/abi.hpp"
#include "runtime/plugin/manifest.hpp"
#include "runtime/plugin/plugin_cache.hpp"
#include "runtime/plugin/private_copy.hpp"
#include "runtime/plugin/probe.hpp"

namespace sluice::plugin {

struct ProbeOptions {
  std::vector<std::string> command;
  std::chrono::milliseconds timeout;
  std::string scratch;
};

// One state of one library file. Shared by the registry, the classes made from it and a probe under
// way. Immutable but for its verdict and its code, which it guards itself; any thread.
class PluginLibrary {
 public:
  // Reads the file (kRetriable: it changes at this moment). A file that is no good gives a library
  // with a refusal.
  static Result<std::shared_ptr<PluginLibrary>> read(const std::string& path,
                                                     const ProbeOptions& probe);
  // As remembered: nothing is read.
  static std::shared_ptr<PluginLibrary> remembered(const std::string& path,
                                                   const CachedLibrary& entry,
                                                   const ProbeOptions& probe);

  const std::string& path() const { return path_; }
  const FileIdentity& identity() const { return identity_; }
  const std::string& sha256() const { return sha256_; }
  const Manifest& manifest() const { return manifest_; }
  std::optional<std::string> refusal() const;  // what problems() says, with the file's name
  bool examined() const;                       // there is a verdict, or no need for one
  CachedLibrary cached() const;

  // Takes over the verdict on the same contents.
  void adopt(const CachedLibrary& entry);
  // Runs the probe if there is no verdict yet. `cancelled`: the registry is being destroyed.
  void examine(const std::atomic<bool>& cancelled);
  // The class's tables; maps the library if need be. kRetriable: the file is another one by now.
  // kInvalid: refused.
  Result<AbiClass> load(const ClassPtr& info, const std::atomic<bool>& cancelled);

 private:
  explicit PluginLibrary(std::string path, ProbeOptions probe)
      : path_(std::move(path)), probe_(std::move(probe)) {}
  void judge_manifest(Result<Manifest> manifest);
  Result<PrivateCopy> same_copy();
  void examine_locked(const PrivateCopy& copy, const std::atomic<bool>& cancelled);
  Status load_locked(const std::atomic<bool>& cancelled);
  Error refused() const;

  const std::string path_;
  const ProbeOptions probe_;
  FileIdentity identity_;
  std::string sha256_;
  std::string manifest_text_;
  Manifest manifest_;

  mutable std::mutex mutex_;  // guards the verdict
  bool probed_ = false;
  bool remember_ = true;  // the verdict may go to the cache
  std::string refusal_;
  std::mutex work_;                        // held while a probe or a load runs
  const sluice_plugin* plugin_ = nullptr;  // under work_
};

}  // namespace sluice::plugin
