// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "plugins/file/content.hpp"

// How a file is recognised under another name, as a copy or compressed, and told from another one
// of the same name or inode: by the first bytes of it, and by the bytes before the position up to
// which it was read.
namespace sluice::file_plugin {

struct Fingerprint {
  static constexpr uint32_t kHeadBytes = 1024;
  static constexpr uint32_t kTailBytes = 256;
  static_assert(kHeadBytes <= Content::kLookBack && kTailBytes <= Content::kLookBack);

  uint32_t head_size = 0;  // the smaller of kHeadBytes and the position
  uint32_t tail_size = 0;
  uint64_t head = 0;
  uint64_t tail = 0;

  bool empty() const { return head_size == 0; }
  bool operator==(const Fingerprint&) const = default;
  // "1024:8a3f...:256:17c0..."; empty for none.
  std::string text() const;
  static std::optional<Fingerprint> parse(std::string_view text);
};

// Of a content read up to `position`. `known` of an earlier position of the same content saves a
// read.
Result<Fingerprint> fingerprint_of(Content& content, uint64_t position,
                                   const Fingerprint& known = {});

// Of one of which nothing was read yet.
Result<Fingerprint> fingerprint_of_head(Content& content);

enum class Match {
  kSame,      // these bytes were read up to that position
  kOther,     // something else
  kTooShort,  // it begins alike and ends before that position
};
Result<Match> match(Content& content, uint64_t position, const Fingerprint& print);

// FNV-1a, 64 bits.
uint64_t hash_bytes(std::string_view bytes);

}  // namespace sluice::file_plugin
