// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/connector_file.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/config/java_format.hpp"
#include "runtime/config/properties.hpp"
#include "runtime/json/json.hpp"

namespace sluice::config {
namespace {

constexpr int kMaxDepth = 16;  // a connector file needs two levels

// Builds the tree as nlohmann's own parser does, except that numbers with a fraction keep their
// text, as Jackson does when it makes strings of them; depth is bounded.
class Builder : public nlohmann::detail::json_sax_dom_parser<Json> {
  using Base = nlohmann::detail::json_sax_dom_parser<Json>;

 public:
  explicit Builder(Json& tree) : Base(tree, false) {}
  bool number_float(double, const std::string& raw) {
    std::string text = raw;
    return Base::string(text);
  }
  bool start_object(size_t size) { return ++depth_ <= kMaxDepth && Base::start_object(size); }
  bool start_array(size_t size) { return ++depth_ <= kMaxDepth && Base::start_array(size); }
  bool end_object() { return --depth_, Base::end_object(); }
  bool end_array() { return --depth_, Base::end_array(); }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) {
    position_ = position;
    message_ = error.what();
    return false;
  }

  size_t position() const { return position_; }
  // nlohmann's text without its own "[json.exception...] " at the front.
  std::string message() const {
    if (depth_ > kMaxDepth) return "nested deeper than " + std::to_string(kMaxDepth);
    const size_t end = message_.find("] ");
    return end == std::string::npos ? message_ : message_.substr(end + 2);
  }

 private:
  int depth_ = 0;
  size_t position_ = 0;
  std::string message_;
};

Error bad(const std::string& source, const std::string& what) {
  return {ErrorKind::kInvalid, source + ": " + what};
}

Result<Json> parse_json(std::string_view text, const std::string& source) {
  Json root;
  Builder builder(root);
  if (Json::sax_parse(text.begin(), text.end(), &builder)) return root;
  const size_t position = std::min(builder.position(), text.size());
  const auto line =
      1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(position), '\n');
  return bad(source + ":" + std::to_string(line), builder.message());
}

// As Jackson reads a String: text, or a number or boolean as it is written.
std::optional<std::string> scalar(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return json_text(value);
  return std::nullopt;
}

Result<ConfigMap> to_config(const Json& object, const std::string& source,
                            const std::string& where) {
  ConfigMap config;
  for (const auto& [key, value] : object.items()) {
    auto text = scalar(value);
    if (!text) {
      return bad(source, where + "\"" + key +
                             "\" must be a string, a number or a boolean, but is " +
                             value.type_name());
    }
    config[key] = *text;
  }
  return config;
}

Error missing_name(const std::string& source) {
  return {ErrorKind::kInvalid, "Connector configuration at '" + source +
                                   "' is missing the mandatory 'name' configuration"};
}

Result<std::string> initial_state(const Json& value, const std::string& source) {
  if (value.is_null()) return std::string();
  std::string state = value.is_string() ? value.get<std::string>() : json_text(value);
  for (auto& c : state) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (state == "RUNNING" || state == "PAUSED" || state == "STOPPED") return state;
  return bad(source,
             "initial_state must be one of RUNNING, PAUSED, STOPPED, but is " + json_text(value));
}

Result<ConnectorFile> from_json(const Json& root, const std::string& source) {
  ConnectorFile file;
  const bool nested = root.contains("config") && root["config"].is_object();
  if (!nested) {
    SLUICE_ASSIGN(file.config, to_config(root, source, ""));
    auto name = file.config.find("name");
    if (name == file.config.end()) return missing_name(source);
    file.name = name->second;
    return file;
  }
  SLUICE_ASSIGN(file.config, to_config(root["config"], source, "config."));
  auto name = root.contains("name") ? scalar(root["name"]) : std::nullopt;
  if (!name) return missing_name(source);
  file.name = *name;
  auto [at, fresh] = file.config.try_emplace("name", file.name);
  if (!fresh && at->second != file.name) {
    return Error{
        ErrorKind::kInvalid,
        "Connector name configuration in 'config' doesn't match the one specified in 'name' at '" +
            source + "'"};
  }
  if (root.contains("initial_state")) {
    SLUICE_ASSIGN(file.initial_state, initial_state(root["initial_state"], source));
  }
  return file;
}

}  // namespace

Result<ConnectorFile> parse_connector_file(std::string_view text, const std::string& source) {
  if (text.size() > kMaxConfigFile)
    return bad(source, "larger than " + std::to_string(kMaxConfigFile) + " bytes");
  const std::string_view begin = trim(text.starts_with("\xef\xbb\xbf") ? text.substr(3) : text);
  if (begin.empty()) return bad(source, "the file is empty");
  if (begin[0] == '{' || begin[0] == '[') {
    SLUICE_ASSIGN(const Json root, parse_json(text, source));
    if (!root.is_object()) return bad(source, "a JSON object was expected");
    return from_json(root, source);
  }
  ConnectorFile file;
  SLUICE_ASSIGN(file.config, parse_properties_map(text, source, nullptr));
  auto name = file.config.find("name");
  if (name == file.config.end()) return missing_name(source);
  file.name = name->second;
  return file;
}

Result<ConnectorFile> read_connector_file(const std::string& path) {
  SLUICE_ASSIGN(const std::string text, read_config_file(path));
  return parse_connector_file(text, path);
}

}  // namespace sluice::config
