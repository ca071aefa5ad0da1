// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/plugin/private_copy.hpp"

namespace sluice::plugin {

// Finds the files that plugin.path names: the *.so of its folders (not of folders below them) and
// single files. Folders are read again only when their date says that something came or went. Owned
// and locked by the registry.
class PluginScan {
 public:
  explicit PluginScan(std::vector<std::string> plugin_path)
      : plugin_path_(std::move(plugin_path)) {}
  struct Found {
    std::vector<std::pair<std::string, FileIdentity>>
        files;  // in the order of plugin.path, then by name
    std::vector<std::pair<std::string, std::string>>
        unreadable;  // element of plugin.path, what is wrong
  };
  Found scan();

 private:
  struct Folder {
    FileIdentity identity;
    bool settled = false;  // its date is old enough to show the next change
    std::vector<std::string> files;
  };
  const std::vector<std::string> plugin_path_;
  std::map<std::string, Folder> folders_;
};

}  // namespace sluice::plugin
