// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "broker-core/base/result.hpp"

namespace sluice::config {

// A regular expression as configs of Kafka have it (java.util.regex.Pattern), run by PCRE2 with limits. Both languages
// agree on nearly all that is used for topic names; what would silently mean something else is refused when compiled:
// unions and intersections in classes ([a[b]], [a&&b]), the flags d, u and U, \N \K \C \g, and PCRE's (*VERBS),
// recursion, conditions and (?P...). Immutable, any thread.
class JavaRegex {
 public:
  // kInvalid with the reason and the index.
  static Result<JavaRegex> compile(const std::string& pattern);
  // Whether the whole text matches (Matcher.matches). kInvalid when the limits are reached.
  Result<bool> matches(std::string_view text) const;
  const std::string& pattern() const { return pattern_; }

 private:
  JavaRegex() = default;
  std::string pattern_;
  std::shared_ptr<const void> code_;
};

}  // namespace sluice::config
