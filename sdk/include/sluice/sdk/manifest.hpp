// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/config_def.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::sdk::detail {

// The manifest (docs/abi.md), written by the compiler from the same tables that the entry returns, so that
// the two cannot differ. A first run counts the bytes, a second writes them.
class JsonWriter {
 public:
  constexpr explicit JsonWriter(char* out) : out_(out) {}
  constexpr size_t size() const { return size_; }

  constexpr void raw(char c) {
    if (out_ != nullptr) out_[size_] = c;
    ++size_;
  }
  constexpr void raw(const char* text) {
    for (; *text != '\0'; ++text) raw(*text);
  }
  constexpr void string(sluice_str text) {
    constexpr const char* kHex = "0123456789abcdef";
    raw('"');
    for (size_t i = 0; i < text.size; ++i) {
      const char c = text.data[i];
      if (c == '"' || c == '\\') {
        raw('\\');
        raw(c);
      } else if (static_cast<unsigned char>(c) < 0x20) {
        raw("\\u00");
        raw(kHex[static_cast<unsigned char>(c) >> 4]);
        raw(kHex[static_cast<unsigned char>(c) & 15]);
      } else {
        raw(c);
      }
    }
    raw('"');
  }
  constexpr void integer(uint64_t number) {
    char digits[20] = {};
    int count = 0;
    do {
      digits[count++] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    while (count > 0) raw(digits[--count]);
  }
  // Only what decimal digits give exactly; any other bound ends the compilation in the throw.
  constexpr void number(double value) {
    if (value < 0) {
      raw('-');
      value = -value;
    }
    if (!(value < 18446744073709551616.0)) throw "a bound of a config key is too large for the manifest";
    double scale = 1;
    for (int places = 0; places <= 15; ++places, scale *= 10) {
      if (value * scale >= 18446744073709551616.0) break;
      const auto scaled = static_cast<uint64_t>(value * scale);
      if (static_cast<double>(scaled) / scale != value) continue;
      decimal(scaled, places);
      return;
    }
    throw "a bound of a config key has no short decimal form";
  }

 private:
  constexpr void decimal(uint64_t scaled, int places) {
    uint64_t divisor = 1;
    for (int i = 0; i < places; ++i) divisor *= 10;
    integer(scaled / divisor);
    if (places == 0) return;
    raw('.');
    for (uint64_t digit = divisor / 10; digit != 0; digit /= 10) {
      raw(static_cast<char>('0' + scaled / digit % 10));
    }
  }

  char* out_;
  size_t size_ = 0;
};

// Writes `,"name":` before all but the first member of an object.
class Members {
 public:
  constexpr explicit Members(JsonWriter& json) : json_(json) { json_.raw('{'); }
  constexpr void name(const char* text) {
    if (!first_) json_.raw(',');
    first_ = false;
    json_.raw('"');
    json_.raw(text);
    json_.raw("\":");
  }
  constexpr void string(const char* key, sluice_str text) {
    if (text.data == nullptr) return;
    name(key);
    json_.string(text);
  }
  constexpr void strings(const char* key, const sluice_str* texts, uint32_t count) {
    if (count == 0) return;
    name(key);
    json_.raw('[');
    for (uint32_t i = 0; i < count; ++i) {
      if (i > 0) json_.raw(',');
      json_.string(texts[i]);
    }
    json_.raw(']');
  }
  // The names of the bits that are set, as an array; unnamed bits end the compilation.
  constexpr void bits(const char* key, uint32_t set, const char* const* names, uint32_t count) {
    if (set >> count != 0) throw "a flag that the manifest has no name for";
    name(key);
    json_.raw('[');
    bool first = true;
    for (uint32_t i = 0; i < count; ++i) {
      if ((set >> i & 1) == 0) continue;
      if (!first) json_.raw(',');
      first = false;
      json_.raw('"');
      json_.raw(names[i]);
      json_.raw('"');
    }
    json_.raw(']');
  }
  constexpr void end() { json_.raw('}'); }

 private:
  JsonWriter& json_;
  bool first_ = true;
};

inline constexpr const char* kTypeNames[] = {"BOOLEAN", "STRING", "INT",   "SHORT",   "LONG",
                                             "DOUBLE",  "LIST",   "CLASS", "PASSWORD"};
inline constexpr const char* kImportanceNames[] = {"HIGH", "MEDIUM", "LOW"};
inline constexpr const char* kWidthNames[] = {"NONE", "SHORT", "MEDIUM", "LONG"};
inline constexpr const char* kFlagNames[] = {"required",    "has_min",   "has_max", "non_empty",
                                             "ignore_case", "no_effect", "refused"};
inline constexpr const char* kKindNames[] = {"",          "source",    "sink",            "transformation",
                                             "predicate", "converter", "header_converter"};
inline constexpr const char* kCapabilityNames[] = {"non_blocking", "exactly_once", "one_task"};

constexpr void write_word(JsonWriter& json, Members& members, const char* key, const char* word) {
  members.name(key);
  json.raw('"');
  json.raw(word);
  json.raw('"');
}

constexpr void write_key(JsonWriter& json, const sluice_config_key& key) {
  Members members(json);
  members.string("name", key.name);
  write_word(json, members, "type", kTypeNames[key.type]);
  write_word(json, members, "importance", kImportanceNames[key.importance]);
  write_word(json, members, "width", kWidthNames[key.width]);
  members.bits("flags", key.flags, kFlagNames, 7);
  members.string("default", key.default_value);
  members.string("documentation", key.documentation);
  members.string("group", key.group);
  members.string("display_name", key.display_name);
  members.string("reason", key.reason);
  if (key.order_in_group >= 0) {
    members.name("order");
    json.integer(static_cast<uint64_t>(key.order_in_group));
  }
  members.strings("allowed", key.allowed, key.allowed_count);
  members.strings("dependents", key.dependents, key.dependent_count);
  if ((key.flags & SLUICE_KEY_HAS_MIN) != 0) {
    members.name("min");
    json.number(key.min);
  }
  if ((key.flags & SLUICE_KEY_HAS_MAX) != 0) {
    members.name("max");
    json.number(key.max);
  }
  members.end();
}

constexpr void write_class(JsonWriter& json, const sluice_class& entry) {
  Members members(json);
  members.string("name", entry.name);
  write_word(json, members, "kind", kKindNames[entry.kind]);
  members.string("version", entry.version);
  members.string("documentation", entry.documentation);
  members.bits("capabilities", entry.capabilities, kCapabilityNames, 3);
  members.name("config");
  json.raw('[');
  for (uint32_t i = 0; i < entry.config->key_count; ++i) {
    if (i > 0) json.raw(',');
    write_key(json, entry.config->keys[i]);
  }
  json.raw(']');
  members.end();
}

constexpr size_t write_manifest(char* out, const sluice_plugin& plugin, const sluice_class* classes) {
  JsonWriter json(out);
  Members members(json);
  members.name("abi");
  json.raw('[');
  json.integer(plugin.abi_version >> 16);
  json.raw(',');
  json.integer(plugin.abi_version & 0xffffu);
  json.raw(']');
  members.string("name", plugin.name);
  members.string("version", plugin.version);
  members.name("classes");
  json.raw('[');
  for (uint32_t i = 0; i < plugin.class_count; ++i) {
    if (i > 0) json.raw(',');
    write_class(json, classes[i]);
  }
  json.raw(']');
  members.end();
  return json.size();
}

// An ELF note as it stands in the file: sizes, type, owner padded to four bytes, text padded to four bytes.
template <size_t kText>
struct Note {
  uint32_t name_size = sizeof(SLUICE_NOTE_OWNER);
  uint32_t text_size = kText;
  uint32_t type = SLUICE_NOTE_TYPE;
  char name[(sizeof(SLUICE_NOTE_OWNER) + 3) / 4 * 4] = SLUICE_NOTE_OWNER;
  char text[(kText + 3) / 4 * 4] = {};
};

template <size_t kText>
constexpr Note<kText> make_note(const sluice_plugin& plugin, const sluice_class* classes) {
  static_assert(kText <= SLUICE_NOTE_MAX, "the manifest is too large");
  Note<kText> note;
  write_manifest(note.text, plugin, classes);
  return note;
}

}  // namespace sluice::sdk::detail
