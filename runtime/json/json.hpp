// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

// JSON of the control plane: nlohmann's tree with members in the order of the text. Parser and
// writer are compiled here once, not in each file that uses them: they cost seconds in each. (JSON
// on the record path is simdjson's, in runtime/record.)
namespace sluice {

using Json = nlohmann::ordered_json;

// is_discarded() when `text` is no JSON; never throws.
Json parse_json(std::string_view text);

// On one line; bytes that are no UTF-8 are replaced.
std::string json_text(const Json& json);
// For people: indented by two.
std::string json_pretty(const Json& json);

// The object in `text` with its members sorted by name, at every level; nothing when it is no
// object.
std::optional<std::string> sorted_object(std::string_view text);

}  // namespace sluice
