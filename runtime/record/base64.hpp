// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sluice::record {

inline constexpr size_t base64_size(size_t bytes) { return (bytes + 2) / 3 * 4; }
// Writes base64_size(bytes.size()) characters, returns the end.
char* encode_base64(char* out, std::string_view bytes);
// Standard alphabet, padding required, white space between characters allowed (as Jackson reads). Writes at most
// text.size() / 4 * 3 bytes; nullopt for bad input.
std::optional<size_t> decode_base64(char* out, std::string_view text);

}  // namespace sluice::record
