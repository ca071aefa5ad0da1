// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker-core/base/result.hpp"
#include "runtime/plugin/connector.hpp"

namespace sluice::plugin {

// What a library says of itself: the same facts from its note (before it is loaded) and from its
// entry.
struct Manifest {
  uint32_t abi_version = 0;
  std::string name;
  std::string version;
  std::vector<ClassInfo> classes;  // ClassInfo::library is left empty
};

// The JSON of the note, strictly: unknown members, wrong types and numbers beyond the bounds are
// kInvalid with a text that names the place. The ABI version is judged first, as an older or newer
// note may look different.
Result<Manifest> parse_manifest(std::string_view json);

// From the tables that the entry returned, checking them on the way (kInvalid).
Result<Manifest> describe_plugin(const sluice_plugin* plugin);

// Where two descriptions differ, for people; nullopt if they do not.
std::optional<std::string> difference(const Manifest& note, const Manifest& entry);

// ok if this worker can run a plugin of that version; else kUnsupported naming it and the accepted
// window.
Status check_abi(uint32_t version);
std::string abi_text(uint32_t version);  // 0.1

}  // namespace sluice::plugin
