// SPDX-License-Identifier: Apache-2.0
#include <unordered_map>

#include "runtime/record/bad_record.hpp"
#include "runtime/record/builtin_converters.hpp"
#include "runtime/record/json_data.hpp"
#include "runtime/record/json_schema.hpp"
#include "runtime/record/value.hpp"

namespace sluice::record {
namespace {

constexpr std::string_view kSchemaPart = "{\"schema\":";
constexpr std::string_view kPayloadPart = ",\"payload\":";
constexpr size_t kCachedSchemaText = size_t{1} << 20;  // longer schemas are converted each time
constexpr char kEnvelopeError[] =
    "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not "
    "contain additional "
    "fields."
    " If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter "
    "configuration.";

Error syntax(const Error& error) {
  return bad("Converting byte[] to Kafka Connect data failed due to serialization error: " +
             error.message);
}

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

// org.apache.kafka.connect.json.JsonConverter. Both directions keep the schema part: as text per
// schema, and as schema per text, so that a record in its stride costs only its payload. Each cache
// is emptied when it holds schemas.cache.size entries.
class JsonConverter final : public Converter {
 public:
  explicit JsonConverter(const config::ConfigMap& config)
      : schemas_(config::get_bool(config, "schemas.enable")),
        cache_size_(static_cast<size_t>(
            std::max<int64_t>(1, config::get_int(config, "schemas.cache.size")))) {
    const std::string format = config::get_string(config, "decimal.format");
    options_.decimal_numeric =
        !format.empty() && (format[0] | 0x20) == 'n';  // NUMERIC or BASE64, in any case
    options_.replace_null_with_default = config::get_bool(config, "replace.null.with.default");
  }

  Result<std::optional<ByteView>> from_connect(std::string_view, const sluice_schema* schema,
                                               const sluice_value& value, Arena& arena) override {
    if (!schema && value.type == SLUICE_NULL) return std::optional<ByteView>();
    JsonWriter out(arena);
    if (schemas_) {
      if (schema != last_written_ || last_prefix_.empty()) SLUICE_TRY(find_prefix(schema));
      out.raw(last_prefix_);
    }
    SLUICE_TRY(write_json_data(out, schema, value, options_));
    if (schemas_) out.raw('}');
    if (out.failed()) return bad("the JSON is larger than the memory bound of a batch");
    return std::optional<ByteView>(as_bytes(out.finish()));
  }

  Result<SchemaAndValue> to_connect(std::string_view, std::optional<ByteView> bytes,
                                    Arena& arena) override {
    if (!bytes) return SchemaAndValue{nullptr, null_value()};
    const std::string_view json = as_text(*bytes);
    if (!schemas_) return read_plain(json, arena);
    if (!read_prefix_.empty() && json.starts_with(read_prefix_)) {
      JsonReader reader(json, arena);
      reader.advance(read_prefix_.size());
      auto value = read_json_data(reader, arena, read_schema_.get(), options_);
      const auto rest = value.ok() ? json.substr(reader.position()) : std::string_view();
      if (rest == "}") {
        arena.keep(read_schema_.get());
        return SchemaAndValue{read_schema_.get(), *value};
      }
    }
    return read_envelope(json, arena);
  }

 private:
  // Makes last_prefix_ the text before the payload of a record with `schema`.
  Status find_prefix(const sluice_schema* schema) {
    auto found = texts_.find(schema);
    if (found == texts_.end()) {
      std::string text(kSchemaPart);
      JsonWriter out(&text);
      SLUICE_TRY(write_json_schema(out, schema, options_));
      out.raw(kPayloadPart);
      out.finish();
      if (texts_.size() >= cache_size_) texts_.clear();
      found = texts_.emplace(schema, Text{SchemaRef::retain(schema), std::move(text)}).first;
    }
    last_prefix_ = found->second.prefix;
    last_written_ = schema;
    return ok();
  }

  Result<SchemaAndValue> read_plain(std::string_view json, Arena& arena) {
    if (json.empty()) return SchemaAndValue{nullptr, null_value()};  // as Jackson's missing node
    JsonReader reader(json, arena);
    auto value = read_json_data(reader, arena, nullptr, options_);
    if (!value.ok()) return explain(json, value.error(), arena);
    if (auto end = reader.finish(); !end.ok()) return syntax(end.error());
    return SchemaAndValue{nullptr, *value};
  }

  // The error of malformed JSON if that is what it is, else the error of the data.
  Error explain(std::string_view json, const Error& found, Arena& arena) {
    JsonReader reader(json, arena);
    auto skipped = reader.skip_value();
    return skipped.ok() ? found : syntax(skipped.error());
  }

  Result<SchemaAndValue> read_envelope(std::string_view json, Arena& arena) {
    JsonReader reader(json, arena);
    if (json.empty()) return bad(kEnvelopeError);
    auto type = reader.peek();
    if (!type.ok()) return syntax(type.error());
    std::string_view schema_text, payload;
    bool other = *type != JsonType::kObject;
    if (other) {
      if (auto skipped = reader.skip_value(); !skipped.ok()) return syntax(skipped.error());
    } else {
      auto read = split_envelope(reader, &schema_text, &payload, &other);
      if (!read.ok()) return syntax(read.error());
    }
    if (auto end = reader.finish(); !end.ok()) return syntax(end.error());
    if (other || schema_text.empty() || payload.empty()) return bad(kEnvelopeError);
    SLUICE_ASSIGN(SchemaRef schema, find_schema(schema_text));
    JsonReader payload_reader(payload, arena);
    SLUICE_ASSIGN(const sluice_value value,
                  read_json_data(payload_reader, arena, schema.get(), options_));
    arena.keep(schema.get());
    const sluice_schema* result = schema.get();
    remember(json, schema_text, payload, std::move(schema));
    return SchemaAndValue{result, value};
  }

  static Status split_envelope(JsonReader& reader, std::string_view* schema,
                               std::string_view* payload, bool* other) {
    SLUICE_TRY(reader.enter_object());
    for (std::string_view key;;) {
      SLUICE_ASSIGN(const bool more, reader.next_member(&key));
      if (!more) return ok();
      SLUICE_ASSIGN(const std::string_view value, reader.skip_value());
      if (key == "schema") {
        *schema = value;
      } else if (key == "payload") {
        *payload = value;
      } else {
        *other = true;
      }
    }
  }

  Result<SchemaRef> find_schema(std::string_view text) {
    if (auto found = schemas_by_text_.find(text); found != schemas_by_text_.end())
      return found->second;
    SLUICE_ASSIGN(SchemaRef schema, read_json_schema(text, options_));
    if (text.size() <= kCachedSchemaText) {
      if (schemas_by_text_.size() >= cache_size_) schemas_by_text_.clear();
      schemas_by_text_.emplace(std::string(text), schema);
    }
    return schema;
  }

  // If the schema stands first, the next record is likely to begin with the same bytes.
  void remember(std::string_view json, std::string_view schema_text, std::string_view payload,
                SchemaRef schema) {
    if (schema_text.data() > payload.data() || schema_text.size() > kCachedSchemaText) return;
    read_prefix_.assign(json.substr(0, static_cast<size_t>(payload.data() - json.data())));
    read_schema_ = std::move(schema);
  }

  struct Text {
    SchemaRef schema;
    std::string prefix;
  };

  const bool schemas_;
  const size_t cache_size_;
  JsonOptions options_;
  std::unordered_map<const sluice_schema*, Text> texts_;
  const sluice_schema* last_written_ = nullptr;
  std::string_view last_prefix_;  // into texts_
  std::unordered_map<std::string, SchemaRef, TextHash, std::equal_to<>> schemas_by_text_;
  std::string read_prefix_;
  SchemaRef read_schema_;
};

}  // namespace

const config::ConfigDef& json_converter_config() {
  static const config::ConfigDef def = [] {
    using config::ConfigKey;
    using config::Type;
    config::ConfigDef built(converter_base_config());
    auto add = [&built](const char* name, Type type, const char* value,
                        config::Importance importance, const char* doc, const char* group,
                        int order, const char* display) -> ConfigKey {
      ConfigKey key;
      key.name = name;
      key.type = type;
      key.default_value = value;
      key.importance = importance;
      key.documentation = doc;
      key.group = group;
      key.order = order;
      key.width = config::Width::kMedium;
      key.display_name = display;
      built.define(key);
      return key;
    };
    using enum config::Importance;
    add("schemas.enable", Type::kBoolean, "true", kHigh,
        "Write the schema next to each key or value, and expect it there when reading.", "Schemas",
        0, "Enable Schemas");
    add("schemas.cache.size", Type::kInt, "1000", kHigh,
        "How many schemas one converter keeps at most.", "Schemas", 1, "Schema Cache Size");
    auto format = add(
        "decimal.format", Type::kString, "BASE64", kLow,
        "How decimals are written: BASE64 (the default) or NUMERIC, in any case. Both are read.",
        "Serialization", 0, "Decimal Format");
    format.allowed = {"BASE64", "NUMERIC"};
    format.ignore_case = true;
    built.define(format);
    add("replace.null.with.default", Type::kBoolean, "true", kLow,
        "Whether a null in a field that has a default value becomes that default.", "Serialization",
        1, "Replace null with default");
    return built;
  }();
  return def;
}

std::unique_ptr<Converter> make_json_converter(const config::ConfigMap& config) {
  return std::make_unique<JsonConverter>(config);
}

}  // namespace sluice::record
