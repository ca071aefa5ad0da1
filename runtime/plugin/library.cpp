// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/library.hpp"

#include <boost/dll/import.hpp>
#include <boost/dll/shared_library.hpp>

#include <memory>
#include <mutex>
#include <vector>

#include "runtime/plugin/call_guard.hpp"

namespace sluice::plugin {
namespace {

namespace dll = boost::dll;

// Libraries are never unloaded: code of theirs may be on any thread's stack, in thread-local
// destructors and atexit lists. Kept here so that a leak checker sees that this is meant.
void keep_for_ever(std::unique_ptr<dll::shared_library> library) {
  static std::mutex mutex;
  static auto* kept =
      new std::vector<std::unique_ptr<dll::shared_library>>;  // lint:allow on purpose: for ever
  std::lock_guard lock(mutex);
  kept->push_back(std::move(library));
}

Result<std::unique_ptr<dll::shared_library>> map_library(const PrivateCopy& copy) {
  try {
    return std::make_unique<dll::shared_library>(
        copy.path(), dll::load_mode::rtld_now | dll::load_mode::rtld_local);
  } catch (const std::exception& e) {
    return Error{ErrorKind::kInvalid, std::string("it cannot be loaded: ") + e.what()};
  }
}

}  // namespace

Result<const sluice_plugin*> open_library(PrivateCopy& copy, const Manifest& note) {
  SLUICE_ASSIGN(auto library, map_library(copy));
  if (!library->has(SLUICE_PLUGIN_ENTRY)) {
    return Error{ErrorKind::kInvalid, "it does not export " SLUICE_PLUGIN_ENTRY};
  }
  auto* handle = library.get();
  copy.keep_for_ever();
  keep_for_ever(std::move(library));
  const sluice_plugin* plugin = nullptr;
  auto thrown = call_guarded([&] {
    auto entry = dll::import_symbol<const sluice_plugin*(uint32_t)>(*handle, SLUICE_PLUGIN_ENTRY);
    plugin = entry(SLUICE_ABI_VERSION);
  });
  if (thrown) return Error{ErrorKind::kInvalid, "its entry broke the contract: " + *thrown};
  SLUICE_ASSIGN(Manifest described, describe_plugin(plugin));
  if (auto text = difference(note, described)) {
    return Error{ErrorKind::kInvalid, "its manifest and its entry disagree: " + *text};
  }
  return plugin;
}

}  // namespace sluice::plugin
