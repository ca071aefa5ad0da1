// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "runtime/plugin/manifest.hpp"
#include "runtime/plugin/tables.hpp"

// The tables that a plugin's entry returned, read with distrust: runs in the probe's process first,
// and again in the worker after the library was loaded.
namespace sluice::plugin {
namespace {

using config::ConfigKey;

constexpr uint32_t kMaxCount = 2000;
constexpr size_t kMinKeySize = offsetof(sluice_config_key, max) + sizeof(double);

Error bad(const std::string& text) {
  return {ErrorKind::kInvalid, "the plugin's tables: " + text};
}

Status read_strings(const sluice_str* strings, uint32_t count, const std::string& what,
                    std::vector<std::string>& out) {
  if (count > kMaxCount || (count > 0 && strings == nullptr))
    return bad(what + " is no valid list");
  for (uint32_t i = 0; i < count; ++i) out.push_back(text_of(strings[i]));
  return ok();
}

Result<ConfigKey> read_key(const sluice_config_key& raw, const std::string& cls) {
  ConfigKey key;
  key.name = text_of(raw.name);
  if (key.name.empty()) return bad(cls + " has a config key without a name");
  if (raw.type > SLUICE_CONFIG_PASSWORD || raw.importance > SLUICE_IMPORTANCE_LOW ||
      raw.width > SLUICE_WIDTH_LONG) {
    return bad(cls + ": config key '" + key.name + "' has an unknown type, importance or width");
  }
  key.type = static_cast<config::Type>(raw.type);
  key.importance = static_cast<config::Importance>(raw.importance);
  key.width = static_cast<config::Width>(raw.width);
  key.required = (raw.flags & SLUICE_KEY_REQUIRED) != 0;
  key.non_empty = (raw.flags & SLUICE_KEY_NON_EMPTY) != 0;
  key.ignore_case = (raw.flags & SLUICE_KEY_IGNORE_CASE) != 0;
  key.no_effect = (raw.flags & SLUICE_KEY_NO_EFFECT) != 0;
  key.refused = (raw.flags & SLUICE_KEY_REFUSED) != 0;
  if (raw.default_value.data) key.default_value = text_of(raw.default_value);
  key.documentation = text_of(raw.documentation);
  key.group = text_of(raw.group);
  key.display_name = text_of(raw.display_name);
  key.reason = text_of(raw.reason);
  key.order = raw.order_in_group < 0 ? -1 : raw.order_in_group;
  if (raw.flags & SLUICE_KEY_HAS_MIN) key.min = raw.min;
  if (raw.flags & SLUICE_KEY_HAS_MAX) key.max = raw.max;
  SLUICE_TRY(read_strings(raw.allowed, raw.allowed_count, cls + ": allowed values of " + key.name,
                          key.allowed));
  SLUICE_TRY(read_strings(raw.dependents, raw.dependent_count, cls + ": dependents of " + key.name,
                          key.dependents));
  return key;
}

Status read_config(const sluice_config_def* pointer, const std::string& cls,
                   config::ConfigDef& out) {
  auto def = read_table(pointer);
  if (def.key_count == 0) return ok();
  if (def.keys == nullptr || def.key_count > kMaxCount || def.key_size < kMinKeySize ||
      def.key_size % 8 != 0) {
    return bad(cls + " has no valid config definition");
  }
  for (uint32_t i = 0; i < def.key_count; ++i) {
    sluice_config_key raw{};
    const char* from = reinterpret_cast<const char*>(def.keys) + size_t{i} * def.key_size;
    std::memcpy(&raw, from, std::min<size_t>(sizeof(raw), def.key_size));
    SLUICE_ASSIGN(ConfigKey key, read_key(raw, cls));
    out.define(std::move(key));
  }
  return ok();
}

Result<ClassInfo> read_class(const sluice_class* pointer) {
  if (pointer == nullptr) return bad("a class is NULL");
  auto raw = read_table(pointer);
  ClassInfo out;
  out.name = text_of(raw.name);
  if (out.name.empty()) return bad("a class has no name");
  if (raw.kind < SLUICE_KIND_SOURCE || raw.kind > SLUICE_KIND_HEADER_CONVERTER) {
    return bad(out.name + " is of the unknown kind " + std::to_string(raw.kind));
  }
  out.kind = static_cast<Kind>(raw.kind - SLUICE_KIND_SOURCE);
  out.version = text_of(raw.version);
  out.documentation = text_of(raw.documentation);
  out.capabilities = raw.capabilities;
  if (raw.api == nullptr) return bad(out.name + " has no functions");
  SLUICE_TRY(read_config(raw.config, out.name, out.config));
  return out;
}

}  // namespace

Result<Manifest> describe_plugin(const sluice_plugin* plugin) {
  if (plugin == nullptr) {
    return Error{ErrorKind::kUnsupported, "the plugin says that it cannot work with version " +
                                              abi_text(SLUICE_ABI_VERSION) + " of the plugin ABI"};
  }
  auto raw = read_table(plugin);
  SLUICE_TRY(check_abi(raw.abi_version));
  Manifest out;
  out.abi_version = raw.abi_version;
  out.name = text_of(raw.name);
  out.version = text_of(raw.version);
  if (raw.classes == nullptr || raw.class_count == 0 || raw.class_count > kMaxCount)
    return bad("no classes");
  for (uint32_t i = 0; i < raw.class_count; ++i) {
    SLUICE_ASSIGN(ClassInfo cls, read_class(raw.classes[i]));
    out.classes.push_back(std::move(cls));
  }
  return out;
}

}  // namespace sluice::plugin
