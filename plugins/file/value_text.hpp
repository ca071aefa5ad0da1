// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/plugin.h>

#include "plugins/file/text_buffer.hpp"

namespace sluice::file_plugin {

// Appends what Java's String.valueOf gives for a Connect value: "null", text as it is, 1.0E10 for floating point,
// [a, b] and {k=v} for collections, Struct{a=1,b=2} without null fields, java.util.Date's text (in UTC) and
// BigDecimal's for logical types. Other than Java, which prints the identity of a byte array ("[B@1f32e575"), bytes
// are written as they are. `schema` may be NULL. False: too deeply nested, or a decimal too large to show.
bool append_value_text(const sluice_value& value, const sluice_schema* schema, TextBuffer& out);

}  // namespace sluice::file_plugin
