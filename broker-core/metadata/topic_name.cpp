// SPDX-License-Identifier: Apache-2.0
#include "broker-core/metadata/topic_name.hpp"

#include <algorithm>

namespace sluice::metadata {

namespace {

constexpr size_t kNameMax = 249;

bool is_legal(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

Error invalid(const std::string& why) {
  return {ErrorKind::kInvalid, "Topic name is invalid: " + why};
}

}  // namespace

Status validate_topic_name(std::string_view name) {
  if (name.empty()) return invalid("the empty string is not allowed");
  const std::string quoted = "'" + std::string(name) + "'";
  if (name == "." || name == "..") return invalid(quoted + " is not allowed");
  if (name.size() > kNameMax) {
    return invalid("the length of " + quoted + " is longer than the max allowed length " +
                   std::to_string(kNameMax));
  }
  if (!std::all_of(name.begin(), name.end(), is_legal)) {
    return invalid(
        quoted +
        " contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'");
  }
  return ok();
}

bool is_internal_topic(std::string_view name) {
  return name == kConsumerOffsetsTopic || name == kTransactionStateTopic;
}

bool topic_names_collide(std::string_view a, std::string_view b) {
  auto unified = [](char c) { return c == '.' ? '_' : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return unified(x) == unified(y); });
}

}  // namespace sluice::metadata
