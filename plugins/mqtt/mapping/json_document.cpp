// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/mapping/json_document.hpp"

#include <simdjson.h>

#include <unordered_map>
#include <vector>

#include "plugins/mqtt/mapping/number_text.hpp"

namespace sluice::mqtt_plugin {

namespace {

namespace dom = simdjson::dom;

constexpr size_t kSmallObject = 32;

std::string problem(simdjson::error_code code) {
  return std::string("the payload is not JSON: ") + simdjson::error_message(code);
}

// Where the value of `key` stands in the pairs so far, for an object of any size.
class Keys {
 public:
  size_t find(std::string_view key, const std::vector<sdk::Value>& pairs) {
    const size_t count = pairs.size() / 2;
    if (count <= kSmallObject) {
      for (size_t i = 0; i < count; ++i) {
        if (*pairs[2 * i].as_string() == key) return i;
      }
      return count;
    }
    for (; indexed_ < count; ++indexed_) index_.emplace(*pairs[2 * indexed_].as_string(), indexed_);
    const auto found = index_.find(key);
    return found == index_.end() ? count : found->second;
  }

 private:
  std::unordered_map<std::string_view, size_t> index_;
  size_t indexed_ = 0;
};

std::optional<std::string> convert(const dom::element& element, sdk::RecordBatch& batch, int depth,
                                   sdk::Value* value) {
  if (depth > kMaxJsonDepth) {
    return "the payload is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels";
  }
  switch (element.type()) {
    case dom::element_type::NULL_VALUE:
      *value = sdk::Value::null();
      return {};
    case dom::element_type::BOOL:
      *value = sdk::Value::boolean(bool(element.get_bool().value_unsafe()));
      return {};
    case dom::element_type::INT64:
      *value = sdk::Value::int64(element.get_int64().value_unsafe());
      return {};
    case dom::element_type::UINT64:
      return "the payload has the number " + std::to_string(element.get_uint64().value_unsafe()) +
             ", which is no INT64";
    case dom::element_type::DOUBLE:
      *value = sdk::Value::float64(element.get_double().value_unsafe());
      return {};
    case dom::element_type::STRING:
      *value = batch.string(element.get_string().value_unsafe());
      return {};
    case dom::element_type::ARRAY: {
      std::vector<sdk::Value> items;
      const dom::array array = element.get_array().value_unsafe();
      for (const dom::element item : array) {
        if (auto error = convert(item, batch, depth + 1, &items.emplace_back())) return error;
      }
      *value = batch.array(items);
      return {};
    }
    case dom::element_type::OBJECT: {
      std::vector<sdk::Value> pairs;
      Keys keys;
      const dom::object object = element.get_object().value_unsafe();
      for (const dom::key_value_pair member : object) {
        const size_t at = keys.find(member.key, pairs);
        if (2 * at == pairs.size()) {
          pairs.push_back(batch.string(member.key));
          pairs.emplace_back();
        }
        sdk::Value item;
        if (auto error = convert(member.value, batch, depth + 1, &item)) return error;
        pairs[2 * at + 1] = item;
      }
      // Like RecordBatch::map, which takes what is known when it is written.
      sdk::Value map = batch.array(pairs);
      map.type = SLUICE_MAP;
      map.size /= 2;
      *value = map;
      return {};
    }
  }
  return "the payload has a value of an unknown type";
}

}  // namespace

std::string_view why_no_json_pointer(std::string_view pointer) {
  if (pointer.empty() || pointer[0] != '/') return "it must begin with /";
  for (size_t at = pointer.find('~'); at != std::string_view::npos;
       at = pointer.find('~', at + 1)) {
    if (at + 1 == pointer.size() || (pointer[at + 1] != '0' && pointer[at + 1] != '1')) {
      return "~ is written ~0, and / within a name ~1";
    }
  }
  return {};
}

struct JsonDocument::Parsed {
  dom::parser parser;
  dom::element root;
};

JsonDocument::JsonDocument() : parsed_(std::make_unique<Parsed>()) {}
JsonDocument::~JsonDocument() = default;

std::optional<std::string> JsonDocument::parse(std::string_view text) {
  if (const auto code = parsed_->parser.parse(text.data(), text.size()).get(parsed_->root))
    return problem(code);
  return {};
}

std::optional<std::string> JsonDocument::to_value(sdk::RecordBatch& batch,
                                                  sdk::Value* value) const {
  return convert(parsed_->root, batch, 1, value);
}

std::optional<std::string> JsonDocument::append_scalar(const std::string& pointer,
                                                       std::string& out) const {
  dom::element found;
  if (parsed_->root.at_pointer(pointer).get(found) != simdjson::SUCCESS) {
    return "the payload has nothing at '" + pointer + "'";
  }
  switch (found.type()) {
    case dom::element_type::STRING:
      out += found.get_string().value_unsafe();
      return {};
    case dom::element_type::INT64:
      append_number(found.get_int64().value_unsafe(), out);
      return {};
    case dom::element_type::UINT64:
      append_number(found.get_uint64().value_unsafe(), out);
      return {};
    case dom::element_type::DOUBLE:
      append_number(found.get_double().value_unsafe(), out);
      return {};
    case dom::element_type::BOOL:
      out += found.get_bool().value_unsafe() ? "true" : "false";
      return {};
    default:
      return "what the payload has at '" + pointer + "' is no string, number or boolean";
  }
}

}  // namespace sluice::mqtt_plugin
