// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/manifest.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "runtime/json/json.hpp"

namespace sluice::plugin {
namespace {

using config::ConfigKey;

constexpr size_t kMaxClasses = 256;
constexpr size_t kMaxKeys = 2000;     // of one class
constexpr size_t kMaxStrings = 1000;  // in one list
constexpr size_t kMaxName = 255;
constexpr size_t kMaxText = 64 * 1024;

constexpr const char* kTypes[] = {"BOOLEAN", "STRING", "INT",   "SHORT",   "LONG",
                                  "DOUBLE",  "LIST",   "CLASS", "PASSWORD"};
constexpr const char* kImportances[] = {"HIGH", "MEDIUM", "LOW"};
constexpr const char* kWidths[] = {"NONE", "SHORT", "MEDIUM", "LONG"};
constexpr const char* kKinds[] = {"source",    "sink",      "transformation",
                                  "predicate", "converter", "header_converter"};
constexpr const char* kFlags[] = {"required",    "has_min",   "has_max", "non_empty",
                                  "ignore_case", "no_effect", "refused"};
constexpr const char* kCapabilities[] = {"non_blocking", "exactly_once", "one_task"};

Error bad(const std::string& where, const std::string& text) {
  return {ErrorKind::kInvalid, "manifest: " + where + ": " + text};
}

// One object of the manifest: each member is taken once, and what remains at the end is unknown.
class Reader {
 public:
  Reader(const Json& object, std::string where) : object_(object), where_(std::move(where)) {}

  Status begin() const {
    if (!object_.is_object()) return bad(where_, "expected an object");
    return ok();
  }
  const Json* take(const char* key) {
    taken_.insert(key);
    auto it = object_.find(key);
    return it == object_.end() ? nullptr : &*it;
  }
  Result<std::optional<std::string>> text(const char* key, size_t max = kMaxText) {
    const Json* value = take(key);
    if (!value) return std::optional<std::string>();
    if (!value->is_string()) return bad(where_, std::string(key) + " is no string");
    const auto& out = value->get_ref<const std::string&>();
    if (out.size() > max)
      return bad(where_, std::string(key) + " is longer than " + std::to_string(max) + " bytes");
    return std::optional<std::string>(out);
  }
  Result<std::string> name(const char* key) {
    SLUICE_ASSIGN(auto value, text(key, kMaxName));
    if (!value || value->empty()) return bad(where_, std::string(key) + " is missing");
    for (unsigned char c : *value) {
      if (c < 0x20 || c == 0x7f) return bad(where_, std::string(key) + " has control characters");
    }
    return *value;
  }
  template <size_t N>
  Result<size_t> word(const char* key, const char* const (&words)[N]) {
    SLUICE_ASSIGN(auto value, text(key, kMaxName));
    if (!value) return bad(where_, std::string(key) + " is missing");
    return index_of(key, *value, words);
  }
  template <size_t N>
  Result<uint32_t> bits(const char* key, const char* const (&words)[N]) {
    SLUICE_ASSIGN(auto names, strings(key));
    uint32_t out = 0;
    for (const auto& entry : names) {
      SLUICE_ASSIGN(size_t index, index_of(key, entry, words));
      out |= 1u << index;
    }
    return out;
  }
  Result<std::vector<std::string>> strings(const char* key) {
    const Json* value = take(key);
    std::vector<std::string> out;
    if (!value) return out;
    if (!value->is_array() || value->size() > kMaxStrings) {
      return bad(where_, std::string(key) + " is no list of at most " +
                             std::to_string(kMaxStrings) + " strings");
    }
    for (const auto& item : *value) {
      if (!item.is_string())
        return bad(where_, std::string(key) + " has an element that is no string");
      out.push_back(item.get<std::string>());
    }
    return out;
  }
  Result<std::optional<double>> number(const char* key) {
    const Json* value = take(key);
    if (!value) return std::optional<double>();
    if (!value->is_number()) return bad(where_, std::string(key) + " is no number");
    return std::optional<double>(value->get<double>());
  }
  Status end() const {
    for (const auto& item : object_.items()) {
      if (!taken_.contains(item.key())) return bad(where_, "unknown member '" + item.key() + "'");
    }
    return ok();
  }
  const std::string& where() const { return where_; }

 private:
  template <size_t N>
  Result<size_t> index_of(const char* key, const std::string& value,
                          const char* const (&words)[N]) {
    for (size_t i = 0; i < N; ++i) {
      if (value == words[i]) return i;
    }
    return bad(where_, std::string(key) + " has the unknown value '" + value + "'");
  }

  const Json& object_;
  const std::string where_;
  std::set<std::string> taken_;
};

void apply_flags(ConfigKey& key, uint32_t flags) {
  key.required = (flags & SLUICE_KEY_REQUIRED) != 0;
  key.non_empty = (flags & SLUICE_KEY_NON_EMPTY) != 0;
  key.ignore_case = (flags & SLUICE_KEY_IGNORE_CASE) != 0;
  key.no_effect = (flags & SLUICE_KEY_NO_EFFECT) != 0;
  key.refused = (flags & SLUICE_KEY_REFUSED) != 0;
}

Status parse_bound(Reader& reader, const char* name, bool flagged, double& bound) {
  SLUICE_ASSIGN(auto value, reader.number(name));
  if (value.has_value() != flagged)
    return bad(reader.where(), std::string("flag has_") + name + " and " + name + " disagree");
  if (value) bound = *value;
  return ok();
}

Result<ConfigKey> parse_key(const Json& object, const std::string& where) {
  Reader reader(object, where);
  SLUICE_TRY(reader.begin());
  ConfigKey key;
  SLUICE_ASSIGN(key.name, reader.name("name"));
  SLUICE_ASSIGN(size_t type, reader.word("type", kTypes));
  key.type = static_cast<config::Type>(type);
  SLUICE_ASSIGN(size_t importance, reader.word("importance", kImportances));
  key.importance = static_cast<config::Importance>(importance);
  SLUICE_ASSIGN(size_t width, reader.word("width", kWidths));
  key.width = static_cast<config::Width>(width);
  SLUICE_ASSIGN(uint32_t flags, reader.bits("flags", kFlags));
  apply_flags(key, flags);
  SLUICE_ASSIGN(key.default_value, reader.text("default"));
  if (key.required && key.default_value) return bad(where, "a required key with a default");
  SLUICE_ASSIGN(auto documentation, reader.text("documentation"));
  key.documentation = documentation.value_or("");
  SLUICE_ASSIGN(auto group, reader.text("group", kMaxName));
  key.group = group.value_or("");
  SLUICE_ASSIGN(auto display, reader.text("display_name", kMaxName));
  key.display_name = display.value_or("");
  SLUICE_ASSIGN(auto reason, reader.text("reason"));
  key.reason = reason.value_or("");
  SLUICE_ASSIGN(auto order, reader.number("order"));
  if (order) {
    if (!(*order >= 0 && *order <= INT32_MAX)) return bad(where, "order is out of range");
    key.order = static_cast<int>(*order);
  }
  SLUICE_ASSIGN(key.allowed, reader.strings("allowed"));
  SLUICE_ASSIGN(key.dependents, reader.strings("dependents"));
  SLUICE_TRY(parse_bound(reader, "min", (flags & SLUICE_KEY_HAS_MIN) != 0, key.min));
  SLUICE_TRY(parse_bound(reader, "max", (flags & SLUICE_KEY_HAS_MAX) != 0, key.max));
  SLUICE_TRY(reader.end());
  return key;
}

Result<ClassInfo> parse_class(const Json& object, size_t index) {
  Reader reader(object, "class " + std::to_string(index));
  SLUICE_TRY(reader.begin());
  ClassInfo out;
  SLUICE_ASSIGN(out.name, reader.name("name"));
  SLUICE_ASSIGN(size_t kind, reader.word("kind", kKinds));
  out.kind = static_cast<Kind>(kind);
  SLUICE_ASSIGN(auto version, reader.text("version", kMaxName));
  out.version = version.value_or("");
  SLUICE_ASSIGN(auto documentation, reader.text("documentation"));
  out.documentation = documentation.value_or("");
  SLUICE_ASSIGN(out.capabilities, reader.bits("capabilities", kCapabilities));
  if (const Json* keys = reader.take("config")) {
    if (!keys->is_array() || keys->size() > kMaxKeys) {
      return bad(out.name, "config is no list of at most " + std::to_string(kMaxKeys) + " keys");
    }
    for (size_t i = 0; i < keys->size(); ++i) {
      SLUICE_ASSIGN(ConfigKey key, parse_key((*keys)[i], out.name + ", key " + std::to_string(i)));
      if (out.config.find(key.name))
        return bad(out.name, "config key '" + key.name + "' is defined twice");
      out.config.define(std::move(key));
    }
  }
  SLUICE_TRY(reader.end());
  return out;
}

Result<uint32_t> parse_abi(const Json* abi) {
  if (!abi || !abi->is_array() || abi->size() != 2) return bad("abi", "expected [major, minor]");
  uint32_t parts[2];
  for (size_t i = 0; i < 2; ++i) {
    const Json& part = (*abi)[i];
    if (!part.is_number_unsigned() || part.get<uint64_t>() > 0xffff)
      return bad("abi", "expected [major, minor]");
    parts[i] = part.get<uint32_t>();
  }
  return parts[0] << 16 | parts[1];
}

// Kafka keeps one class per name and kind; so does the registry.
Status check_unique(const std::vector<ClassInfo>& classes) {
  std::set<std::pair<std::string, Kind>> seen;
  for (const auto& cls : classes) {
    if (!seen.emplace(cls.name, cls.kind).second) return bad(cls.name, "is declared twice");
  }
  return ok();
}

Json to_json(const ConfigKey& key) {
  return {{"type", config::to_string(key.type)},
          {"importance", config::to_string(key.importance)},
          {"width", config::to_string(key.width)},
          {"required", key.required},
          {"default", key.default_value ? Json(*key.default_value) : Json()},
          {"documentation", key.documentation},
          {"group", key.group},
          {"order", key.order},
          {"display_name", key.display_name},
          {"dependents", key.dependents},
          {"allowed", key.allowed},
          {"ignore_case", key.ignore_case},
          {"non_empty", key.non_empty},
          {"has_min", std::isfinite(key.min)},
          {"has_max", std::isfinite(key.max)},
          {"min", std::isfinite(key.min) ? key.min : 0.0},
          {"max", std::isfinite(key.max) ? key.max : 0.0},
          {"no_effect", key.no_effect},
          {"refused", key.refused},
          {"reason", key.reason}};
}

std::optional<std::string> difference(const ClassInfo& note, const ClassInfo& entry) {
  if (note.version != entry.version)
    return "version '" + note.version + "' and '" + entry.version + "'";
  if (note.documentation != entry.documentation) return "different documentation";
  if (note.capabilities != entry.capabilities) {
    return "capabilities " + std::to_string(note.capabilities) + " and " +
           std::to_string(entry.capabilities);
  }
  const auto& left = note.config.keys();
  const auto& right = entry.config.keys();
  if (left.size() != right.size()) {
    return std::to_string(left.size()) + " and " + std::to_string(right.size()) + " config keys";
  }
  for (size_t i = 0; i < left.size(); ++i) {
    if (left[i].name != right[i].name)
      return "config keys '" + left[i].name + "' and '" + right[i].name + "'";
    if (to_json(left[i]) != to_json(right[i]))
      return "different definitions of config key '" + left[i].name + "'";
  }
  return std::nullopt;
}

}  // namespace

std::string abi_text(uint32_t version) {
  return std::to_string(version >> 16) + "." + std::to_string(version & 0xffff);
}

Status check_abi(uint32_t version) {
  if (version == SLUICE_ABI_VERSION) return ok();
  auto mine = abi_text(SLUICE_ABI_VERSION);
  return Error{ErrorKind::kUnsupported, "built for version " + abi_text(version) +
                                            " of the plugin ABI, this worker accepts " + mine +
                                            " to " + mine +
                                            "; build it with the SDK of this worker"};
}

Result<Manifest> parse_manifest(std::string_view text) {
  auto parsed = parse_json(text);
  if (parsed.is_discarded()) return bad("note", "no valid JSON");
  Reader reader(parsed, "note");
  SLUICE_TRY(reader.begin());
  Manifest out;
  SLUICE_ASSIGN(out.abi_version, parse_abi(reader.take("abi")));
  SLUICE_TRY(check_abi(out.abi_version));
  SLUICE_ASSIGN(out.name, reader.name("name"));
  SLUICE_ASSIGN(out.version, reader.name("version"));
  const Json* classes = reader.take("classes");
  if (!classes || !classes->is_array() || classes->empty() || classes->size() > kMaxClasses) {
    return bad("classes", "expected a list of 1 to " + std::to_string(kMaxClasses) + " classes");
  }
  for (size_t i = 0; i < classes->size(); ++i) {
    SLUICE_ASSIGN(ClassInfo cls, parse_class((*classes)[i], i));
    out.classes.push_back(std::move(cls));
  }
  SLUICE_TRY(reader.end());
  SLUICE_TRY(check_unique(out.classes));
  return out;
}

std::optional<std::string> difference(const Manifest& note, const Manifest& entry) {
  if (note.abi_version != entry.abi_version) {
    return "ABI " + abi_text(note.abi_version) + " and " + abi_text(entry.abi_version);
  }
  if (note.name != entry.name) return "name '" + note.name + "' and '" + entry.name + "'";
  if (note.version != entry.version)
    return "version '" + note.version + "' and '" + entry.version + "'";
  if (note.classes.size() != entry.classes.size()) {
    return std::to_string(note.classes.size()) + " and " + std::to_string(entry.classes.size()) +
           " classes";
  }
  for (size_t i = 0; i < note.classes.size(); ++i) {
    const auto& left = note.classes[i];
    const auto& right = entry.classes[i];
    if (left.name != right.name || left.kind != right.kind)
      return "classes " + left.name + " and " + right.name;
    if (auto text = difference(left, right)) return left.name + ": " + *text;
  }
  return std::nullopt;
}

}  // namespace sluice::plugin
