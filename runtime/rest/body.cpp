// SPDX-License-Identifier: Apache-2.0
#include "runtime/rest/body.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "runtime/json/json.hpp"

namespace sluice::rest {
namespace {

Error invalid(std::string message) {
  return {ErrorKind::kInvalid, std::move(message)};
}

// "line 2, column 7" of the byte `position` (1-based, as nlohmann counts what it has read).
std::string place(std::string_view text, size_t position) {
  auto before = text.substr(0, std::min(text.size(), position > 0 ? position - 1 : 0));
  auto line = std::count(before.begin(), before.end(), '\n') + 1;
  auto start = before.rfind('\n');
  auto column = start == std::string_view::npos ? before.size() + 1 : before.size() - start;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

// Builds a document from the parser's events. Differs from nlohmann's own builder in three ways:
// depth is bounded, numbers keep the text they were written with (as strings: all callers want
// strings), and a key that comes twice in one object is an error instead of a silent choice.
class Builder : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(std::string_view text) : text_(text) {}
  Json root;
  std::string error;
  static constexpr size_t kMaxFields = 4096;

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return add(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return add(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return add(text); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return open(Json::object()); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_object() override {
    stack_.pop_back();
    return true;
  }
  bool end_array() override {
    stack_.pop_back();
    return true;
  }
  bool key(string_t& name) override {
    if (stack_.back()->size() >=
        kMaxFields) {  // looking for repeats is linear in the number of fields
      error =
          "An object in the request body has more than " + std::to_string(kMaxFields) + " fields";
      return false;
    }
    if (stack_.back()->contains(name)) {
      error = "The request body has the field \"" + name + "\" twice";
      return false;
    }
    key_ = std::move(name);
    return true;
  }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception& cause) override {
    std::string what = cause.what();
    auto detail = what.find(
        ": ");  // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax ..."
    if (detail != std::string::npos) what = what.substr(detail + 2);
    error = "Malformed JSON in the request body at " + place(text_, position) + ": " + what;
    return false;
  }

 private:
  bool add(Json value) {
    put(std::move(value));
    return true;
  }
  bool open(Json value) {
    if (stack_.size() >= static_cast<size_t>(kMaxJsonDepth)) {
      error = "The request body is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels";
      return false;
    }
    stack_.push_back(put(std::move(value)));
    return true;
  }
  Json* put(Json value) {
    if (stack_.empty()) {
      root = std::move(value);
      return &root;
    }
    Json& parent = *stack_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    Json& slot = parent[key_];
    slot = std::move(value);
    return &slot;
  }

  std::string_view text_;
  std::vector<Json*> stack_;
  std::string key_;
};

Result<Json> parse(std::string_view body) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return invalid("The request body is empty: a JSON object is expected");
  }
  Builder builder(body);
  bool parsed = false;
  try {
    parsed = Json::sax_parse(body.begin(), body.end(), &builder);
  } catch (const std::exception& error) {
    return invalid(std::string("Malformed JSON in the request body: ") + error.what());
  }
  if (!parsed)
    return invalid(builder.error.empty() ? "Malformed JSON in the request body" : builder.error);
  return std::move(builder.root);
}

const char* kind_of(const Json& value) {
  if (value.is_null()) return "null";
  if (value.is_array()) return "an array";
  if (value.is_object()) return "an object";
  return "a plain value";
}

Result<Json> parse_object(std::string_view body) {
  SLUICE_ASSIGN(auto json, parse(body));
  if (!json.is_object())
    return invalid(std::string("The request body must be a JSON object, not ") + kind_of(json));
  return json;
}

using Patch = std::map<std::string, std::optional<std::string>>;

Result<Patch> to_patch(const Json& object, const std::string& where) {
  Patch patch;
  for (const auto& [key, value] : object.items()) {
    if (value.is_null()) {
      patch[key] = std::nullopt;
    } else if (value.is_string()) {
      patch[key] = value.get<std::string>();
    } else {
      return invalid("The value of \"" + key + "\" in " + where + " is " + kind_of(value) +
                     ": connector configs are flat, write it as a string");
    }
  }
  return patch;
}

Result<config::ConfigMap> to_config(const Json& object, const std::string& where) {
  SLUICE_ASSIGN(auto patch, to_patch(object, where));
  config::ConfigMap config;
  for (auto& [key, value] : patch) {
    if (!value) {
      return invalid("Null value can not be supplied as the configuration value. (\"" + key +
                     "\" in " + where + ")");
    }
    config[key] = std::move(*value);
  }
  return config;
}

std::string trim(const std::string& text) {
  auto first = text.find_first_not_of(" \t\r\n\f\v");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n\f\v") - first + 1);
}

Result<std::string> parse_initial_state(const Json& value) {
  std::string state = value.is_string() ? value.get<std::string>() : "";
  std::transform(state.begin(), state.end(), state.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  if (state == "RUNNING" || state == "PAUSED" || state == "STOPPED") return state;
  return invalid("Unknown initial_state \"" +
                 (value.is_string() ? value.get<std::string>() : kind_of(value)) +
                 "\": it is one of RUNNING, PAUSED, STOPPED");
}

}  // namespace

Result<CreateRequest> parse_create_request(std::string_view body) {
  SLUICE_ASSIGN(auto json, parse_object(body));
  CreateRequest request;
  request.initial_state = "RUNNING";
  bool has_config = false;
  for (const auto& [key, value] : json.items()) {
    if (key == "name") {
      if (!value.is_string() && !value.is_null()) {
        return invalid(std::string("The field \"name\" must be a string, not ") + kind_of(value));
      }
      if (value.is_string()) request.name = trim(value.get<std::string>());
    } else if (key == "config") {
      if (!value.is_object()) {
        return invalid(std::string("The field \"config\" must be an object of strings, not ") +
                       kind_of(value));
      }
      SLUICE_ASSIGN(request.config, to_config(value, "\"config\""));
      has_config = true;
    } else if (key == "initial_state") {
      if (value.is_null()) continue;
      SLUICE_ASSIGN(request.initial_state, parse_initial_state(value));
    } else {
      return invalid(
          "Unrecognized field \"" + key +
          "\" in the request body: it may have \"name\", \"config\" and \"initial_state\"");
    }
  }
  if (!has_config)
    return invalid("The request body has no field \"config\": the connector's configuration");
  return request;
}

Result<config::ConfigMap> parse_config(std::string_view body) {
  SLUICE_ASSIGN(auto json, parse_object(body));
  return to_config(json, "the request body");
}

Result<std::map<std::string, std::optional<std::string>>> parse_patch(std::string_view body) {
  SLUICE_ASSIGN(auto json, parse_object(body));
  return to_patch(json, "the request body");
}

}  // namespace sluice::rest
