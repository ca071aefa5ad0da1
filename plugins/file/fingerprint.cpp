// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/fingerprint.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace sluice::file_plugin {

namespace {

// The hash of bytes [from, from + size); nullopt: they are not all there.
Result<std::optional<uint64_t>> hash_of(Content& content, uint64_t from, uint32_t size) {
  std::array<char, Fingerprint::kHeadBytes> bytes;
  SLUICE_SDK_ASSIGN(const size_t read, content.read_at(bytes.data(), size, from));
  if (read != size) return std::optional<uint64_t>();
  return std::optional<uint64_t>(hash_bytes({bytes.data(), size}));
}

}  // namespace

uint64_t hash_bytes(std::string_view bytes) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

std::string Fingerprint::text() const {
  if (empty()) return "";
  std::array<char, 80> text;
  const int size = std::snprintf(text.data(), text.size(), "%u:%016llx:%u:%016llx", head_size,
                                 static_cast<unsigned long long>(head), tail_size,
                                 static_cast<unsigned long long>(tail));
  return std::string(text.data(), static_cast<size_t>(size));
}

std::optional<Fingerprint> Fingerprint::parse(std::string_view text) {
  Fingerprint print;
  if (text.empty()) return print;
  const auto take = [&text](auto* number, int base, bool last) {
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), *number, base);
    if (code != std::errc()) return false;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (last) return text.empty();
    if (!text.starts_with(':')) return false;
    text.remove_prefix(1);
    return true;
  };
  if (!take(&print.head_size, 10, false) || !take(&print.head, 16, false) ||
      !take(&print.tail_size, 10, false) || !take(&print.tail, 16, true) ||
      print.head_size > kHeadBytes || print.tail_size > kTailBytes) {
    return std::nullopt;
  }
  return print;
}

Result<Fingerprint> fingerprint_of(Content& content, uint64_t position, const Fingerprint& known) {
  Fingerprint print;
  print.head_size = static_cast<uint32_t>(std::min<uint64_t>(Fingerprint::kHeadBytes, position));
  print.tail_size = static_cast<uint32_t>(std::min<uint64_t>(Fingerprint::kTailBytes, position));
  if (position == 0) return print;
  if (known.head_size == print.head_size) {
    print.head = known.head;
  } else {
    SLUICE_SDK_ASSIGN(const auto head, hash_of(content, 0, print.head_size));
    if (!head) return Fingerprint();  // it was cut just now; the next look sees that
    print.head = *head;
  }
  SLUICE_SDK_ASSIGN(const auto tail, hash_of(content, position - print.tail_size, print.tail_size));
  if (!tail) return Fingerprint();
  print.tail = *tail;
  return print;
}

Result<Fingerprint> fingerprint_of_head(Content& content) {
  std::array<char, Fingerprint::kHeadBytes> bytes;
  SLUICE_SDK_ASSIGN(const size_t read, content.read_at(bytes.data(), bytes.size(), 0));
  Fingerprint print;
  if (read == 0) return print;
  print.head_size = static_cast<uint32_t>(read);
  print.head = hash_bytes({bytes.data(), read});
  print.tail = hash_bytes("");
  return print;
}

Result<Match> match(Content& content, uint64_t position, const Fingerprint& print) {
  SLUICE_SDK_ASSIGN(const auto head, hash_of(content, 0, print.head_size));
  if (!head) return Match::kTooShort;
  if (*head != print.head) return Match::kOther;
  SLUICE_SDK_ASSIGN(const auto tail, hash_of(content, position - print.tail_size, print.tail_size));
  if (!tail) return Match::kTooShort;
  return *tail == print.tail ? Match::kSame : Match::kOther;
}

}  // namespace sluice::file_plugin
