// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/java_regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <optional>

namespace sluice::config {
namespace {

constexpr size_t kMaxPattern = 16 * 1024;
constexpr uint32_t kMatchLimit = 200000;
constexpr uint32_t kDepthLimit = 2000;
constexpr uint32_t kHeapLimitKib = 4096;

Error bad(const std::string& what, size_t index) {
  return {ErrorKind::kInvalid, what + " near index " + std::to_string(index)};
}

// What follows "(?" at `at` must be a group that Java has too.
bool known_group(std::string_view rest) {
  if (rest.empty()) return false;
  if (std::string_view(":=!>").find(rest[0]) != std::string_view::npos) return true;
  if (rest[0] == '<') return rest.size() > 1;  // (?<= (?<! (?<name>
  size_t i = rest.find_first_not_of("imsx-");
  return i != std::string_view::npos && i > 0 && (rest[i] == ')' || rest[i] == ':');
}

// Refuses what PCRE2 would accept with another meaning than Java.
Status check_dialect(std::string_view pattern) {
  bool in_class = false;
  size_t class_start = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const std::string_view rest = pattern.substr(i + 1);
    if (c == '\\') {
      if (!rest.empty() && std::string_view("NKCgG").find(rest[0]) != std::string_view::npos && rest[0] != 'G') {
        return bad(std::string("Unsupported escape sequence \\") + rest[0], i);
      }
      if (rest.starts_with("Q")) {
        const size_t end = pattern.find("\\E", i);
        if (end == std::string_view::npos) return ok();
        i = end + 1;
      } else {
        ++i;
      }
    } else if (in_class) {
      const bool first = i == class_start + 1 || (i == class_start + 2 && pattern[class_start + 1] == '^');
      if (c == ']' && !first) in_class = false;
      if (c == ']' && first) return bad("Unsupported ']' at the start of a character class", i);
      if (c == '[') return bad("Unsupported union of character classes", i);
      if (c == '&' && rest.starts_with("&")) return bad("Unsupported intersection of character classes", i);
    } else if (c == '[') {
      in_class = true;
      class_start = i;
    } else if (c == '(' && rest.starts_with("*")) {
      return bad("Dangling meta character '*'", i + 1);
    } else if (c == '(' && rest.starts_with("?") && !known_group(rest.substr(1))) {
      return bad("Unknown or unsupported group", i);
    }
  }
  return ok();
}

}  // namespace

Result<JavaRegex> JavaRegex::compile(const std::string& pattern) {
  if (pattern.size() > kMaxPattern) return bad("Pattern longer than " + std::to_string(kMaxPattern) + " bytes", 0);
  SLUICE_TRY(check_dialect(pattern));
  int code = 0;
  PCRE2_SIZE offset = 0;
  auto* compiled =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                    PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_ALT_BSUX | PCRE2_NEVER_BACKSLASH_C, &code,
                    &offset, nullptr);
  if (!compiled) {
    char text[256] = "";
    pcre2_get_error_message(code, reinterpret_cast<PCRE2_UCHAR*>(text), sizeof text);
    return bad(text, offset);
  }
  JavaRegex regex;
  regex.pattern_ = pattern;
  regex.code_ = std::shared_ptr<const void>(
      compiled, [](const void* p) { pcre2_code_free(static_cast<pcre2_code*>(const_cast<void*>(p))); });
  return regex;
}

Result<bool> JavaRegex::matches(std::string_view text) const {
  struct Free {
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  };
  std::unique_ptr<pcre2_match_context, Free> context(pcre2_match_context_create(nullptr));
  std::unique_ptr<pcre2_match_data, Free> data(pcre2_match_data_create(1, nullptr));
  if (!context || !data) return Error{ErrorKind::kRetriable, "no memory to match a regular expression"};
  pcre2_set_match_limit(context.get(), kMatchLimit);
  pcre2_set_depth_limit(context.get(), kDepthLimit);
  pcre2_set_heap_limit(context.get(), kHeapLimitKib);
  const int found =
      pcre2_match(static_cast<const pcre2_code*>(code_.get()), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                  0, 0, data.get(), context.get());
  if (found >= 0) return true;
  if (found == PCRE2_ERROR_NOMATCH) return false;
  char reason[256] = "";
  pcre2_get_error_message(found, reinterpret_cast<PCRE2_UCHAR*>(reason), sizeof reason);
  return Error{ErrorKind::kInvalid, "regular expression " + pattern_ + ": " + reason};
}

}  // namespace sluice::config
