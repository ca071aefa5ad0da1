// SPDX-License-Identifier: Apache-2.0
#include "schema_store.hpp"

#include <sluice/testkit/fake_host.hpp>

namespace sluice::testkit {

namespace {

void put(std::string& out, sluice_str text) {
  if (text.data == nullptr) {
    out += "-;";
    return;
  }
  out += std::to_string(text.size) + ":";
  out.append(text.data, text.size);
}

void put(std::string& out, const sluice_schema* schema) {
  out += std::to_string(reinterpret_cast<uintptr_t>(schema)) + ";";
}

sdk::Error malformed(const std::string& what) { return sdk::Error::fatal("schema_make: " + what); }

}  // namespace

SchemaStore::Entry& SchemaStore::entry_of(const sluice_schema* schema) {
  return *const_cast<Entry*>(reinterpret_cast<const Entry*>(schema));
}

std::string SchemaStore::identity(const sluice_schema& s) const {
  std::string id = std::to_string(s.type) + "," + std::to_string(s.optional) + "," +
                   (s.has_version != 0 ? std::to_string(s.version) : "none") + ",";
  put(id, s.name);
  put(id, s.doc);
  put(id, s.key_schema);
  put(id, s.value_schema);
  for (uint32_t i = 0; i < s.field_count; ++i) {
    put(id, s.fields[i].name);
    put(id, s.fields[i].schema);
  }
  id += "|";
  for (uint32_t i = 0; i < s.parameter_count; ++i) {
    put(id, s.parameters[i].key);
    put(id, s.parameters[i].value);
  }
  if (s.default_value != nullptr) id += "|" + describe(*s.default_value);
  return id;
}

sluice_str SchemaStore::keep(Entry& entry, sluice_str text) {
  if (text.data == nullptr) return text;
  entry.texts.emplace_back(text.data, text.size);
  return sdk::to_str(entry.texts.back());
}

sdk::Result<const sluice_schema*> SchemaStore::make(const sluice_schema& definition) {
  if (definition.struct_size < sizeof(sluice_schema)) return malformed("struct_size is not set");
  if (definition.type == SLUICE_NULL || definition.type > SLUICE_STRUCT) return malformed("no such type");
  const bool map = definition.type == SLUICE_MAP;
  if ((map || definition.type == SLUICE_ARRAY) && definition.value_schema == nullptr) {
    return malformed("an ARRAY or MAP needs value_schema");
  }
  if (map && definition.key_schema == nullptr) return malformed("a MAP needs key_schema");
  if (definition.type != SLUICE_STRUCT && definition.field_count > 0) {
    return malformed("only a STRUCT has fields");
  }
  for (uint32_t i = 0; i < definition.field_count; ++i) {
    if (definition.fields[i].schema == nullptr) return malformed("a field without schema");
  }
  const std::lock_guard lock(mutex_);
  std::string id = identity(definition);
  if (const auto found = alive_.find(id); found != alive_.end()) {
    ++found->second->references;
    return &found->second->raw;
  }
  auto entry = std::make_unique<Entry>();
  entry->raw = definition;
  entry->store = this;
  entry->references = 1;
  entry->raw.name = keep(*entry, definition.name);
  entry->raw.doc = keep(*entry, definition.doc);
  for (uint32_t i = 0; i < definition.field_count; ++i) {
    entry->fields.push_back({keep(*entry, definition.fields[i].name), definition.fields[i].schema});
  }
  for (uint32_t i = 0; i < definition.parameter_count; ++i) {
    entry->parameters.push_back(
        {keep(*entry, definition.parameters[i].key), keep(*entry, definition.parameters[i].value)});
  }
  entry->raw.fields = entry->fields.data();
  entry->raw.parameters = entry->parameters.data();
  if (definition.default_value != nullptr) {
    entry->default_value = std::make_unique<ValueCopy>(*definition.default_value);
    entry->raw.default_value = &entry->default_value->value();
  }
  entry->identity = id;
  add_references(*entry);
  entries_.push_back(std::move(entry));
  alive_[std::move(id)] = entries_.back().get();
  return &entries_.back()->raw;
}

// A schema keeps those that it consists of.
void SchemaStore::add_references(Entry& entry) {
  for (const auto& field : entry.fields) ++entry_of(field.schema).references;
  if (entry.raw.key_schema != nullptr) ++entry_of(entry.raw.key_schema).references;
  if (entry.raw.value_schema != nullptr) ++entry_of(entry.raw.value_schema).references;
}

void SchemaStore::drop(Entry& entry) {
  if (entry.references == 0) {
    host_.violation("a schema was released more often than retained");
    return;
  }
  if (--entry.references > 0) return;
  alive_.erase(entry.identity);
  for (const auto& field : entry.fields) drop(entry_of(field.schema));
  if (entry.raw.key_schema != nullptr) drop(entry_of(entry.raw.key_schema));
  if (entry.raw.value_schema != nullptr) drop(entry_of(entry.raw.value_schema));
}

void SchemaStore::retain(const sluice_schema* schema) {
  Entry& entry = entry_of(schema);
  const std::lock_guard lock(entry.store->mutex_);
  if (entry.references == 0) entry.store->host_.violation("a schema was retained after its last release");
  ++entry.references;
}

void SchemaStore::release(const sluice_schema* schema) {
  Entry& entry = entry_of(schema);
  const std::lock_guard lock(entry.store->mutex_);
  entry.store->drop(entry);
}

size_t SchemaStore::live() const {
  const std::lock_guard lock(mutex_);
  return alive_.size();
}

}  // namespace sluice::testkit
