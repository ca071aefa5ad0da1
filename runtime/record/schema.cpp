// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/schema.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "runtime/record/arena.hpp"
#include "runtime/record/value.hpp"

namespace sluice::record {
namespace {

// A schema as it lives in the table: the public struct first, so that one pointer serves for both.
struct Node {
  sluice_schema schema{};
  std::atomic<int64_t> references{1};
  bool constant = false;
  uint32_t depth = 1;
  size_t hash = 0;
  Arena memory{8 * kMaxSchemaText, 512};
};

Node* node_of(const sluice_schema* schema) {
  return reinterpret_cast<Node*>(const_cast<sluice_schema*>(schema));
}

bool equal_str(const sluice_str& a, const sluice_str& b) {
  return (a.data == nullptr) == (b.data == nullptr) && text(a) == text(b);
}

bool equal_schemas(const sluice_schema& a, const sluice_schema& b) {
  if (a.type != b.type || a.optional != b.optional || a.has_version != b.has_version ||
      a.version != b.version || a.field_count != b.field_count || a.key_schema != b.key_schema ||
      a.value_schema != b.value_schema || a.parameter_count != b.parameter_count ||
      !equal_str(a.name, b.name) || !equal_str(a.doc, b.doc)) {
    return false;
  }
  if ((a.default_value == nullptr) != (b.default_value == nullptr)) return false;
  if (a.default_value && !equal_values(*a.default_value, *b.default_value)) return false;
  auto same_field = [](const sluice_schema_field& x, const sluice_schema_field& y) {
    return x.schema == y.schema && text(x.name) == text(y.name);
  };
  auto same_pair = [](const sluice_pair& x, const sluice_pair& y) {
    return equal_str(x.key, y.key) && equal_str(x.value, y.value);
  };
  return std::equal(a.fields, a.fields + a.field_count, b.fields, same_field) &&
         std::equal(a.parameters, a.parameters + a.parameter_count, b.parameters, same_pair);
}

size_t hash_schema(const sluice_schema& s) {
  size_t hash = s.type * 7u + s.optional * 3u + s.has_version;
  auto mix = [&hash](size_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15ull + (hash >> 29);
  };
  auto mix_text = [&](const sluice_str& value) { mix(std::hash<std::string_view>()(text(value))); };
  mix(static_cast<size_t>(s.version));
  mix_text(s.name);
  mix_text(s.doc);
  mix(reinterpret_cast<size_t>(s.key_schema));
  mix(reinterpret_cast<size_t>(s.value_schema));
  for (uint32_t i = 0; i < s.field_count; ++i) {
    mix_text(s.fields[i].name);
    mix(reinterpret_cast<size_t>(s.fields[i].schema));
  }
  for (uint32_t i = 0; i < s.parameter_count; ++i) {
    mix_text(s.parameters[i].key);
    mix_text(s.parameters[i].value);
  }
  if (s.default_value) mix(hash_value(*s.default_value));
  return hash;
}

Error bad_schema(const std::string& what) {
  return {ErrorKind::kInvalid, "schema: " + what};
}

// All sub-schemas of a definition.
template <class F>
void for_each_child(const sluice_schema& s, F f) {
  for (uint32_t i = 0; i < s.field_count; ++i) f(s.fields[i].schema);
  if (s.key_schema) f(s.key_schema);
  if (s.value_schema) f(s.value_schema);
}

Status check_shape(const sluice_schema& d) {
  if (d.type < SLUICE_BOOLEAN || d.type > SLUICE_STRUCT)
    return bad_schema("unknown type " + std::to_string(d.type));
  if (d.optional > 1 || d.has_version > 1) return bad_schema("optional and has_version are 0 or 1");
  if (!d.has_version && d.version != 0) return bad_schema("a version without has_version");
  if (d.type != SLUICE_STRUCT && d.field_count != 0) return bad_schema("only a STRUCT has fields");
  if ((d.type == SLUICE_MAP) != (d.key_schema != nullptr))
    return bad_schema("a MAP, and only a MAP, has a key schema");
  if ((d.type == SLUICE_MAP || d.type == SLUICE_ARRAY) != (d.value_schema != nullptr)) {
    return bad_schema("a MAP or ARRAY, and nothing else, has a value schema");
  }
  if (d.field_count > kMaxSchemaFields || d.parameter_count > kMaxSchemaFields) {
    return bad_schema("more than " + std::to_string(kMaxSchemaFields) + " fields or parameters");
  }
  if ((d.field_count && !d.fields) || (d.parameter_count && !d.parameters))
    return bad_schema("a count without its array");
  return ok();
}

Status check_text(const sluice_schema& d) {
  size_t total = d.name.size + d.doc.size;
  std::unordered_set<std::string_view> names;
  for (uint32_t i = 0; i < d.field_count; ++i) {
    const auto& field = d.fields[i];
    if (!field.schema) return bad_schema("field " + std::to_string(i) + " has no schema");
    if (!field.name.data) return bad_schema("field " + std::to_string(i) + " has no name");
    if (!names.insert(text(field.name)).second) {
      return bad_schema("field " + std::string(text(field.name)) + " is there twice");
    }
    total += field.name.size;
  }
  names.clear();
  for (uint32_t i = 0; i < d.parameter_count; ++i) {
    const auto& parameter = d.parameters[i];
    if (!parameter.key.data || !names.insert(text(parameter.key)).second) {
      return bad_schema("parameter " + std::string(text(parameter.key)) +
                        " is there twice or has no name");
    }
    total += parameter.key.size + parameter.value.size;
  }
  if (d.default_value) {
    const size_t size = deep_size(*d.default_value);
    if (size == SIZE_MAX)
      return bad_schema("the default value nests too deep or has an unknown type");
    total += size;
  }
  if (total > kMaxSchemaText)
    return bad_schema("more than " + std::to_string(kMaxSchemaText) + " bytes of text");
  return ok();
}

// Fills `node` with a deep copy. The bounds were checked before, so the arena does not run out.
bool copy_definition(const sluice_schema& d, Node* node) {
  Arena& memory = node->memory;
  auto copy = [&memory](const sluice_str& from) -> sluice_str {
    if (!from.data) return {nullptr, 0};
    auto copied = memory.copy(text(from));
    return {copied.data(), copied.size()};
  };
  sluice_schema& s = node->schema;
  s = d;
  s.struct_size = sizeof(sluice_schema);
  s.reserved = 0;
  s.reserved2 = 0;
  s.name = copy(d.name);
  s.doc = copy(d.doc);
  auto* fields = memory.array<sluice_schema_field>(d.field_count);
  auto* parameters = memory.array<sluice_pair>(d.parameter_count);
  auto* value = memory.array<sluice_value>(1);
  if (!fields || !parameters || !value) return false;
  for (uint32_t i = 0; i < d.field_count; ++i)
    fields[i] = {copy(d.fields[i].name), d.fields[i].schema};
  for (uint32_t i = 0; i < d.parameter_count; ++i) {
    parameters[i] = {copy(d.parameters[i].key), copy(d.parameters[i].value)};
  }
  s.fields = d.field_count ? fields : nullptr;
  s.parameters = d.parameter_count ? parameters : nullptr;
  if (d.default_value) {
    if (!copy_value(*d.default_value, memory, value)) return false;
    s.default_value = value;
  }
  return true;
}

// The table of all schemas of the process. A count that falls to zero does so under the lock, so a
// schema found in the table can always be retained.
class Table {
 public:
  static Table& get() {
    static Table* table =
        new Table;  // never destroyed: schemas may be released while the process ends
    return *table;
  }

  Result<const sluice_schema*> intern(const sluice_schema& definition) {
    if (definition.struct_size < sizeof(sluice_schema))
      return bad_schema("struct_size is too small");
    SLUICE_TRY(check_shape(definition));
    SLUICE_TRY(check_text(definition));
    const size_t hash = hash_schema(definition);
    std::lock_guard lock(mutex_);
    uint32_t depth = 0;
    bool foreign = false;
    for_each_child(definition, [&](const sluice_schema* child) {
      if (!members_.count(child)) {
        foreign = true;
      } else {
        depth = std::max(depth, node_of(child)->depth);
      }
    });
    if (foreign)
      return bad_schema("a sub-schema was not made by schema_make, or is released already");
    if (depth >= kMaxSchemaDepth)
      return bad_schema("nested deeper than " + std::to_string(kMaxSchemaDepth));
    auto [from, to] = by_hash_.equal_range(hash);
    for (; from != to; ++from) {
      if (!equal_schemas(from->second->schema, definition)) continue;
      from->second->references.fetch_add(1, std::memory_order_relaxed);
      return static_cast<const sluice_schema*>(&from->second->schema);
    }
    auto node = std::make_unique<Node>();
    if (!copy_definition(definition, node.get())) return bad_schema("out of memory");
    node->hash = hash;
    node->depth = depth + 1;
    for_each_child(definition,
                   [](const sluice_schema* child) { node_of(child)->references.fetch_add(1); });
    const sluice_schema* schema = &node->schema;
    members_.insert(schema);
    by_hash_.emplace(hash, node.release());
    return schema;
  }

  void release(Node* node) {
    auto& references = node->references;
    for (int64_t seen = references.load(std::memory_order_relaxed); seen > 1;) {
      if (references.compare_exchange_weak(seen, seen - 1, std::memory_order_release)) return;
    }
    std::lock_guard lock(mutex_);
    release_locked(node);
  }

  size_t size() {
    std::lock_guard lock(mutex_);
    return members_.size();
  }

  const sluice_schema* primitive(uint8_t type, bool optional) {
    if (type < SLUICE_BOOLEAN || type > SLUICE_BYTES) __builtin_trap();
    return primitives_[type][optional ? 1 : 0];
  }

 private:
  Table() {
    for (uint8_t type = SLUICE_BOOLEAN; type <= SLUICE_BYTES; ++type) {
      for (uint8_t optional = 0; optional < 2; ++optional) {
        sluice_schema definition{};
        definition.struct_size = sizeof definition;
        definition.type = type;
        definition.optional = optional;
        const sluice_schema* schema = std::move(intern(definition)).value();
        node_of(schema)->constant = true;
        primitives_[type][optional] = schema;
      }
    }
  }

  void release_locked(Node* node) {
    if (node->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (node->constant) __builtin_trap();  // released more often than retained
    auto [from, to] = by_hash_.equal_range(node->hash);
    while (from != to && from->second != node) ++from;
    if (from != to) by_hash_.erase(from);
    members_.erase(&node->schema);
    for_each_child(node->schema,
                   [this](const sluice_schema* child) { release_locked(node_of(child)); });
    std::unique_ptr<Node> freed(node);
  }

  std::mutex mutex_;
  std::unordered_multimap<size_t, Node*> by_hash_;
  std::unordered_set<const sluice_schema*> members_;
  const sluice_schema* primitives_[SLUICE_BYTES + 1][2] = {};
};

}  // namespace

Result<const sluice_schema*> intern_schema(const sluice_schema& definition) {
  return Table::get().intern(definition);
}

void retain_schema(const sluice_schema* schema) {
  if (!schema || node_of(schema)->constant) return;
  node_of(schema)->references.fetch_add(1, std::memory_order_relaxed);
}

void release_schema(const sluice_schema* schema) {
  if (!schema || node_of(schema)->constant) return;
  Table::get().release(node_of(schema));
}

size_t interned_schemas() {
  return Table::get().size();
}

const sluice_schema* primitive_schema(uint8_t type, bool optional) {
  return Table::get().primitive(type, optional);
}

Logical logical_type(const sluice_schema* schema) {
  if (!schema || !schema->name.data) return Logical::kNone;
  const auto name = text(schema->name);
  if (!name.starts_with("org.apache.kafka.connect.data.")) return Logical::kNone;
  if (name == kDecimalName) return Logical::kDecimal;
  if (name == kDateName) return Logical::kDate;
  if (name == kTimeName) return Logical::kTime;
  if (name == kTimestampName) return Logical::kTimestamp;
  return Logical::kNone;
}

const char* type_name(uint8_t type) {
  static const char* const kNames[] = {"NULL",  "BOOLEAN", "INT8",    "INT16",  "INT32",
                                       "INT64", "FLOAT32", "FLOAT64", "STRING", "BYTES",
                                       "ARRAY", "MAP",     "STRUCT"};
  return type <= SLUICE_STRUCT ? kNames[type] : "UNKNOWN";
}

}  // namespace sluice::record
