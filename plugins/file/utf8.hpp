// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace sluice::file_plugin {

// Number of leading bytes that are well-formed UTF-8 (all of them: text.size()).
size_t valid_utf8_prefix(std::string_view text);
inline bool is_valid_utf8(std::string_view text) { return valid_utf8_prefix(text) == text.size(); }

// Appends `text` to `out` with each malformed piece replaced by U+FFFD, cut into pieces as Java's decoder does it
// (an encoded surrogate is one piece of three bytes, otherwise a piece is what could still have become a character).
void append_repaired_utf8(std::string_view text, std::string& out);

// The longest prefix of at most `size` bytes that does not end inside of a character.
std::string_view cut_utf8(std::string_view text, size_t size);

}  // namespace sluice::file_plugin
