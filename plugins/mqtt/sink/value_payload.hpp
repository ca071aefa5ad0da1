// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk.hpp>
#include <string>
#include <string_view>

namespace sluice::mqtt_plugin {

// A value as a payload: bytes and text as they are, nothing for null, numbers and booleans as text,
// the rest as compact JSON (bytes in it as base64). False: it is nested too deeply, or of an
// unknown type.
bool append_payload(const sluice_value& value, const sluice_schema* schema, std::string& out);

// What stands at a JSON pointer in a struct, map or array. NULL type: nothing.
sdk::Value value_at(const sluice_value& value, const sluice_schema* schema,
                    std::string_view pointer);

}  // namespace sluice::mqtt_plugin
