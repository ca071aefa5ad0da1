// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/plugin/connector.hpp"
#include "runtime/plugin/plugin_library.hpp"

namespace sluice::plugin {

// What the registry knows at one moment: the accepted classes, and what was refused and why.
// Immutable; made anew when a library came, went, changed or was judged.
struct PluginCatalog {
  std::vector<ClassPtr> classes;  // sorted by name, then kind
  std::vector<Registry::Problem> problems;
  // Classes that refused libraries would have had, with the reason: so that the error for a missing
  // class can say it.
  std::map<std::string, std::string> refused_classes;
};
using PluginCatalogPtr = std::shared_ptr<const PluginCatalog>;

// Libraries in the order of plugin.path. Of two classes with one name the higher version wins, of
// equals the earlier. `known` keeps a class's pointer the same as long as its library is: callers
// compare and hold them.
using KnownClasses = std::map<std::shared_ptr<PluginLibrary>, std::vector<ClassPtr>>;
PluginCatalogPtr make_catalog(const std::vector<std::shared_ptr<PluginLibrary>>& libraries,
                              KnownClasses& known);

// By full name, simple name, or simple name without the word of its kind, as Kafka Connect finds
// classes.
Result<ClassPtr> find_class(const PluginCatalog& catalog, const std::string& name,
                            const std::vector<Kind>& kinds);

// Numbers in versions compare as numbers: 1.10 > 1.9; a pre-release (1.0-rc1) is less than its
// release.
int compare_versions(const std::string& a, const std::string& b);

}  // namespace sluice::plugin
