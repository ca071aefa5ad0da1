// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "runtime/metrics/metrics.hpp"
#include "runtime/plugin/connector.hpp"
#include "runtime/plugin/file_access.hpp"

namespace sluice::plugin {

struct RegistryOptions {
  std::vector<std::string> plugin_path;  // folders and .so files
  std::string cache_dir;                 // holds plugin-cache.json; "" = nothing is remembered
  // The program that examines a new library; the library's name is added. The app's own binary by
  // default.
  std::vector<std::string> probe_command{"/proc/self/exe", "__probe-plugin"};
  std::chrono::milliseconds probe_timeout{30'000};
  bool probe_in_background = true;          // else only when code is needed, or by settle()
  std::shared_ptr<const FileAccess> files;  // file.allowed.roots; NULL: plugins open none
  metrics::Registry* metrics = nullptr;     // outlives the registry; NULL: plugins have none
};

// Connector classes in libraries. list, find and problems read manifests only (without cache: the
// files; with it: no more than their dates) and run no code. A library is examined in a probe
// process soon after it was found, and mapped when the first instance needs its code: from a
// private copy, for ever. A file that changed on the disk is a new version for new instances;
// instances that run keep the code that they have. Owned by the app, outlives all instances. Any
// thread.
class PluginRegistry : public Registry {
 public:
  // Waits until every library found so far was examined (`sluice plugin list` wants to show those
  // that fail).
  virtual void settle() = 0;
  struct LibraryInfo {
    std::string path;
    std::string name;
    std::string version;
    std::string abi;
    size_t classes = 0;
  };
  virtual std::vector<LibraryInfo> libraries() = 0;  // the accepted ones
};

std::unique_ptr<PluginRegistry> make_registry(RegistryOptions options);

// "a,b , c" as in plugin.path, without empty parts.
std::vector<std::string> split_plugin_path(const std::string& text);

}  // namespace sluice::plugin
