// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "sdk/include/sluice/plugin.h"

// Reading what stands on the other side of the ABI.
namespace sluice::plugin {

// A copy of a table that may be shorter or longer than ours: what it does not have is zero (law 2).
template <class T>
T read_table(const T* table) {
  T out{};
  if (table == nullptr) return out;
  std::memcpy(&out, table, std::min<size_t>(sizeof(T), table->struct_size));
  return out;
}

// Borrowed text of the other side; at most `max` bytes of it, so that a wrong size cannot ask for
// all memory.
inline std::string_view view_of(sluice_str text, size_t max = size_t{1} << 20) {
  if (text.data == nullptr) return {};
  return {text.data, std::min(text.size, max)};
}
inline std::string text_of(sluice_str text, size_t max = size_t{1} << 20) {
  return std::string(view_of(text, max));
}
inline sluice_str to_str(std::string_view text) {
  return {text.data() ? text.data() : "", text.size()};
}

// Fills an error of the plugin's; the text is cut to what fits, not inside of a UTF-8 sequence.
inline sluice_status fill_error(sluice_error* error, sluice_status status, std::string_view text) {
  if (error == nullptr) return status;
  size_t size = std::min<size_t>(text.size(), SLUICE_ERROR_TEXT_MAX);
  if (size < text.size()) {
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  }
  if (size > 0) std::memcpy(error->text, text.data(), size);
  error->text_size = static_cast<uint32_t>(size);
  error->retry_after_ms = 0;
  error->record_index = 0;
  return status;
}

}  // namespace sluice::plugin
