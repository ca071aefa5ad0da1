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

// The same as a line; when false, `out` is as before.
inline bool append_value_line(const sluice_value& value, const sluice_schema* schema, TextBuffer& out) {
  if (value.type == SLUICE_STRING) [[likely]] {
    out.append_line({value.as.bytes, value.size});
    return true;
  }
  const size_t begin = out.size();
  if (append_value_text(value, schema, out)) {
    out.append('\n');
    return true;
  }
  out.cut_to(begin);
  return false;
}

// What a sink says of a record for which these are false.
inline constexpr char kNoText[] =
    "the value has no text form: it is nested too deeply, of an unknown type, or a decimal of too many digits";

}  // namespace sluice::file_plugin
