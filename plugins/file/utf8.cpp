// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace sluice::file_plugin {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool is_continuation(std::string_view text, size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

// The piece of `text` that begins at `at`: a character, or something malformed.
struct Piece {
  size_t size;
  bool valid;
};

Piece three_bytes(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (!is_continuation(text, at + 1)) return {1, false};
  const auto second = static_cast<unsigned char>(text[at + 1]);
  if (lead == 0xE0 && second < 0xA0) return {1, false};
  if (!is_continuation(text, at + 2)) return {2, false};
  if (lead == 0xED && second >= 0xA0) return {3, false};
  return {3, true};
}

Piece four_bytes(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (!is_continuation(text, at + 1)) return {1, false};
  const auto second = static_cast<unsigned char>(text[at + 1]);
  if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return {1, false};
  if (!is_continuation(text, at + 2)) return {2, false};
  if (!is_continuation(text, at + 3)) return {3, false};
  return {4, true};
}

Piece piece_at(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return {1, true};
  if (lead >= 0xC2 && lead <= 0xDF) return is_continuation(text, at + 1) ? Piece{2, true} : Piece{1, false};
  if (lead >= 0xE0 && lead <= 0xEF) return three_bytes(text, at);
  if (lead >= 0xF0 && lead <= 0xF4) return four_bytes(text, at);
  return {1, false};
}

// Skips ASCII eight bytes at a time.
size_t skip_ascii(std::string_view text, size_t at) {
  while (at + 8 <= text.size()) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, sizeof(word));
    if ((word & 0x8080808080808080u) != 0) break;
    at += 8;
  }
  return at;
}

size_t valid_until(std::string_view text, size_t at) {
  while (at < text.size()) {
    at = skip_ascii(text, at);
    if (at >= text.size()) break;
    const Piece piece = piece_at(text, at);
    if (!piece.valid) return at;
    at += piece.size;
  }
  return at;
}

}  // namespace

size_t valid_utf8_prefix(std::string_view text) { return valid_until(text, 0); }

void append_repaired_utf8(std::string_view text, std::string& out) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = valid_until(text, at);
    out.append(text.substr(at, end - at));
    at = end;
    if (at >= text.size()) break;
    out.append(kReplacement);
    at += piece_at(text, at).size;
  }
}

std::string_view cut_utf8(std::string_view text, size_t size) {
  if (text.size() <= size) return text;
  size_t end = size;
  for (size_t back = 0; back < 4 && end > 0 && is_continuation(text, end); ++back) --end;
  // More than three continuation bytes in a row is no text anyway: cut where asked.
  if (is_continuation(text, end)) end = size;
  return text.substr(0, end);
}

}  // namespace sluice::file_plugin
