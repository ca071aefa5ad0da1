// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/json_schema.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "runtime/record/bad_record.hpp"
#include "runtime/record/value.hpp"

namespace sluice::record {
namespace {

constexpr const char* kTypeNames[] = {"",      "boolean", "int8",   "int16",  "int32",
                                      "int64", "float",   "double", "string", "bytes",
                                      "array", "map",     "struct"};

Status write_schema(JsonWriter& out, const sluice_schema& schema, const sluice_str* field,
                    const JsonOptions& options);

Status write_fields(JsonWriter& out, const sluice_schema& schema, const JsonOptions& options) {
  out.raw(",\"fields\":[");
  for (uint32_t i = 0; i < schema.field_count; ++i) {
    if (i) out.raw(',');
    SLUICE_TRY(write_schema(out, *schema.fields[i].schema, &schema.fields[i].name, options));
  }
  out.raw(']');
  return ok();
}

void write_parameters(JsonWriter& out, const sluice_schema& schema) {
  out.raw(",\"parameters\":{");
  for (uint32_t i = 0; i < schema.parameter_count; ++i) {
    if (i) out.raw(',');
    out.name(text(schema.parameters[i].key));
    const auto& value = schema.parameters[i].value;
    if (value.data) {
      out.string(text(value));
    } else {
      out.null();
    }
  }
  out.raw('}');
}

Status write_schema(JsonWriter& out, const sluice_schema& schema, const sluice_str* field,
                    const JsonOptions& options) {
  out.raw("{\"type\":\"");
  out.raw(kTypeNames[schema.type]);
  out.raw('"');
  if (schema.type == SLUICE_ARRAY) {
    out.raw(",\"items\":");
    SLUICE_TRY(write_schema(out, *schema.value_schema, nullptr, options));
  } else if (schema.type == SLUICE_MAP) {
    out.raw(",\"keys\":");
    SLUICE_TRY(write_schema(out, *schema.key_schema, nullptr, options));
    out.raw(",\"values\":");
    SLUICE_TRY(write_schema(out, *schema.value_schema, nullptr, options));
  } else if (schema.type == SLUICE_STRUCT) {
    SLUICE_TRY(write_fields(out, schema, options));
  }
  out.raw(schema.optional ? ",\"optional\":true" : ",\"optional\":false");
  if (schema.name.data) {
    out.raw(",\"name\":");
    out.string(text(schema.name));
  }
  if (schema.has_version) {
    out.raw(",\"version\":");
    out.integer(schema.version);
  }
  if (schema.doc.data) {
    out.raw(",\"doc\":");
    out.string(text(schema.doc));
  }
  if (schema.parameter_count) write_parameters(out, schema);
  if (schema.default_value && schema.default_value->type != SLUICE_NULL) {
    out.raw(",\"default\":");
    SLUICE_TRY(write_json_data(out, &schema, *schema.default_value, options));
  }
  if (field) {
    out.raw(",\"field\":");
    out.string(text(*field));
  }
  out.raw('}');
  return ok();
}

// Reads one schema object: first the texts of its members, then, knowing the type, what they mean.
class SchemaReader {
 public:
  SchemaReader(Arena& arena, const JsonOptions& options) : arena_(arena), options_(options) {}

  Result<SchemaRef> read(std::string_view json, std::string_view* field_name = nullptr,
                         uint32_t depth = 0) {
    if (depth > kMaxSchemaDepth)
      return bad("schema nested deeper than " + std::to_string(kMaxSchemaDepth));
    Members members;
    SLUICE_ASSIGN(const JsonType kind, JsonReader(json, arena_).peek());
    if (kind == JsonType::kNull) return SchemaRef();
    if (kind == JsonType::kObject) SLUICE_TRY(collect(json, &members));
    if (field_name) {
      if (!has(members, "field", JsonType::kString))
        return bad("Struct schema's field name not specified properly");
      SLUICE_ASSIGN(*field_name, string_of(members["field"]));
    }
    if (!has(members, "type", JsonType::kString)) return bad("Schema must contain 'type' field");
    SLUICE_ASSIGN(const std::string_view type, string_of(members["type"]));
    sluice_schema d{};
    d.struct_size = sizeof d;
    const auto* found = std::find(std::begin(kTypeNames) + 1, std::end(kTypeNames), type);
    if (found == std::end(kTypeNames)) return bad("Unknown schema type: " + std::string(type));
    d.type = static_cast<uint8_t>(found - std::begin(kTypeNames));
    std::vector<SchemaRef> children;
    std::vector<sluice_schema_field> fields;
    SLUICE_TRY(read_children(members, depth, &d, &children, &fields));
    std::vector<sluice_pair> parameters;
    SLUICE_TRY(read_attributes(members, &d, &parameters));
    return finish(members, d);
  }

 private:
  using Members = std::map<std::string_view, std::string_view>;

  Status collect(std::string_view json, Members* members) {
    JsonReader reader(json, arena_);
    SLUICE_TRY(reader.enter_object());
    for (std::string_view key;;) {
      SLUICE_ASSIGN(const bool more, reader.next_member(&key));
      if (!more) return ok();
      SLUICE_ASSIGN((*members)[key], reader.skip_value());
    }
  }

  bool has(const Members& members, std::string_view name, JsonType type) {
    auto found = members.find(name);
    if (found == members.end()) return false;
    auto kind = JsonReader(found->second, arena_).peek();
    return kind.ok() && *kind == type;
  }

  Result<std::string_view> string_of(std::string_view json) {
    return JsonReader(json, arena_).read_string();
  }

  Result<SchemaRef> child(std::string_view json, uint32_t depth, std::string_view* name = nullptr) {
    SLUICE_ASSIGN(SchemaRef schema, read(json, name, depth + 1));
    if (!schema) return bad("Schema must contain 'type' field");
    return schema;
  }

  Status read_children(Members& members, uint32_t depth, sluice_schema* d,
                       std::vector<SchemaRef>* children, std::vector<sluice_schema_field>* fields) {
    if (d->type == SLUICE_ARRAY) {
      if (!members.count("items") || has(members, "items", JsonType::kNull)) {
        return bad("Array schema did not specify the element type");
      }
      SLUICE_ASSIGN(SchemaRef items, child(members["items"], depth));
      d->value_schema = items.get();
      children->push_back(std::move(items));
    } else if (d->type == SLUICE_MAP) {
      if (!members.count("keys")) return bad("Map schema did not specify the key type");
      if (!members.count("values")) return bad("Map schema did not specify the value type");
      SLUICE_ASSIGN(SchemaRef keys, child(members["keys"], depth));
      SLUICE_ASSIGN(SchemaRef values, child(members["values"], depth));
      d->key_schema = keys.get();
      d->value_schema = values.get();
      children->push_back(std::move(keys));
      children->push_back(std::move(values));
    } else if (d->type == SLUICE_STRUCT) {
      if (!has(members, "fields", JsonType::kArray)) {
        return bad("Struct schema's \"fields\" argument is not an array.");
      }
      SLUICE_TRY(read_fields(members["fields"], depth, children, fields));
      d->fields = fields->data();
      d->field_count = static_cast<uint32_t>(fields->size());
    }
    return ok();
  }

  Status read_fields(std::string_view json, uint32_t depth, std::vector<SchemaRef>* children,
                     std::vector<sluice_schema_field>* fields) {
    JsonReader reader(json, arena_);
    SLUICE_TRY(reader.enter_array());
    for (;;) {
      SLUICE_ASSIGN(const bool more, reader.next_element());
      if (!more) return ok();
      SLUICE_ASSIGN(const std::string_view element, reader.skip_value());
      std::string_view name;
      SLUICE_ASSIGN(SchemaRef schema, child(element, depth, &name));
      fields->push_back({str(name), schema.get()});
      children->push_back(std::move(schema));
    }
  }

  // Attributes of another JSON type than Kafka writes count as absent, as there.
  Status read_attributes(Members& members, sluice_schema* d, std::vector<sluice_pair>* parameters) {
    if (has(members, "optional", JsonType::kBoolean))
      d->optional = members["optional"] == "true" ? 1 : 0;
    if (has(members, "name", JsonType::kString)) {
      SLUICE_ASSIGN(const std::string_view name, string_of(members["name"]));
      d->name = str(name);
    }
    if (has(members, "version", JsonType::kNumber)) {
      SLUICE_ASSIGN(const JsonNumber version, JsonReader(members["version"], arena_).read_number());
      const auto number = version.as_int64();
      if (version.integral && number && *number >= INT32_MIN && *number <= INT32_MAX) {
        d->has_version = 1;
        d->version = static_cast<int32_t>(*number);
      }
    }
    if (has(members, "doc", JsonType::kString)) {
      SLUICE_ASSIGN(const std::string_view doc, string_of(members["doc"]));
      d->doc = str(doc);
    }
    if (!has(members, "parameters", JsonType::kObject)) return ok();
    Members found;
    std::vector<std::string_view> order;
    JsonReader reader(members["parameters"], arena_);
    SLUICE_TRY(reader.enter_object());
    for (std::string_view key;;) {
      SLUICE_ASSIGN(const bool more, reader.next_member(&key));
      if (!more) break;
      SLUICE_ASSIGN(const std::string_view value, reader.skip_value());
      if (found.insert_or_assign(key, value).second) order.push_back(key);
    }
    for (auto key : order) {
      if (found[key].empty() || found[key][0] != '"')
        return bad("Schema parameters must have string values.");
      SLUICE_ASSIGN(const std::string_view value, string_of(found[key]));
      parameters->push_back({str(key), str(value)});
    }
    d->parameters = parameters->data();
    d->parameter_count = static_cast<uint32_t>(parameters->size());
    return ok();
  }

  Result<SchemaRef> finish(Members& members, sluice_schema& d) {
    sluice_value default_value{};
    if (members.count("default")) {
      JsonReader reader(members["default"], arena_);
      SLUICE_ASSIGN(default_value, read_json_data(reader, arena_, &d, options_));
      if (default_value.type != SLUICE_NULL) d.default_value = &default_value;
    }
    auto made = intern_schema(d);
    if (!made.ok()) return bad(made.error().message);
    return SchemaRef::adopt(*made);
  }

  Arena& arena_;
  const JsonOptions& options_;
};

}  // namespace

Status write_json_schema(JsonWriter& out, const sluice_schema* schema, const JsonOptions& options) {
  if (schema) return write_schema(out, *schema, nullptr, options);
  out.null();
  return ok();
}

Result<SchemaRef> read_json_schema(std::string_view json, const JsonOptions& options) {
  Arena arena;
  JsonReader whole(json, arena);
  SLUICE_TRY(whole.skip_value());
  SLUICE_TRY(whole.finish());
  return SchemaReader(arena, options).read(json);
}

}  // namespace sluice::record
