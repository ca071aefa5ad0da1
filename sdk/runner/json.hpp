// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::runner {

// JSON, read only, just enough for manifests; the SDK has no dependencies. Depth is bounded.
struct Json {
  enum class Kind { kNull, kBoolean, kNumber, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  bool boolean = false;
  double number = 0;
  std::string string;
  std::vector<Json> items;
  std::vector<std::pair<std::string, Json>> members;

  // Null if there is no such member.
  const Json& operator[](std::string_view name) const;
  // null, and what is as good as absent: an empty array.
  bool absent() const { return kind == Kind::kNull || (kind == Kind::kArray && items.empty()); }
};

// True and `out` filled, or false and `fault` says what is wrong where.
bool parse_json(std::string_view text, Json& out, std::string& fault);

// Empty if both say the same, else the first place where they differ. Order of members does not count.
std::string difference(const Json& a, const Json& b, const std::string& place);

}  // namespace sluice::runner
