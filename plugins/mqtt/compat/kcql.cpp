// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/compat/kcql.hpp"

#include <cctype>

namespace sluice::mqtt_plugin {

using sdk::Error;
using sdk::Result;
using sdk::Status;

namespace {

struct Token {
  std::string text;
  bool quoted = false;
  size_t begin = 0, end = 0;  // in the whole
};

Error wrong(std::string_view why) {
  return Error::config(
      std::string(why) +
      ". Allowed is INSERT INTO <topic> SELECT * FROM <MQTT filter> "
      "[WITHCONVERTER=`<class>`] [WITHKEY(<field>, ...)] [KEYDELIMITER='.'], several "
      "of them separated by ';'");
}

Result<std::vector<Token>> tokens_of(std::string_view text) {
  constexpr std::string_view kSymbols = "(),=;";
  std::vector<Token> tokens;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      ++at;
      continue;
    }
    size_t end = at + 1;
    if (c == '`' || c == '\'' || c == '"') {
      end = text.find(c, at + 1);
      if (end == std::string_view::npos)
        return wrong("a name that begins with " + std::string(1, c) + " has no end");
      tokens.push_back({std::string(text.substr(at + 1, end - at - 1)), true, at, end + 1});
      at = end + 1;
      continue;
    }
    if (kSymbols.find(c) == std::string_view::npos) {
      while (end < text.size() && std::isspace(static_cast<unsigned char>(text[end])) == 0 &&
             kSymbols.find(text[end]) == std::string_view::npos)
        ++end;
    }
    tokens.push_back({std::string(text.substr(at, end - at)), false, at, end});
    at = end;
  }
  return tokens;
}

class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens)
      : text_(text), tokens_(std::move(tokens)) {}

  Result<std::vector<KcqlStatement>> run() {
    std::vector<KcqlStatement> statements;
    while (at_ < tokens_.size()) {
      if (is(";")) {
        ++at_;
        continue;
      }
      SLUICE_SDK_ASSIGN(KcqlStatement statement, parse_statement());
      statements.push_back(std::move(statement));
    }
    if (statements.empty()) return wrong("there is no statement");
    return statements;
  }

 private:
  bool is(std::string_view word) const {
    return at_ < tokens_.size() && !tokens_[at_].quoted &&
           sdk::detail::equals_ignoring_case(tokens_[at_].text, word);
  }
  Status expect(std::string_view word) {
    if (is(word)) {
      ++at_;
      return sdk::ok();
    }
    return wrong((at_ < tokens_.size() ? "'" + tokens_[at_].text + "' stands" : "it ends") +
                 std::string(" where ") + std::string(word) + " is expected");
  }
  Result<std::string> name() {
    const bool symbol = at_ < tokens_.size() && !tokens_[at_].quoted &&
                        tokens_[at_].text.find_first_of("(),=;") != std::string::npos;
    if (at_ >= tokens_.size() || symbol || tokens_[at_].text.empty())
      return wrong("a name is missing");
    return tokens_[at_++].text;
  }

  Result<KcqlStatement> parse_statement() {
    KcqlStatement made;
    const size_t begin = tokens_[at_].begin;
    for (const char* word : {"INSERT", "INTO"}) SLUICE_SDK_TRY(expect(word));
    SLUICE_SDK_ASSIGN(made.target, name());
    for (const char* word : {"SELECT", "*", "FROM"}) SLUICE_SDK_TRY(expect(word));
    SLUICE_SDK_ASSIGN(made.source, name());
    while (at_ < tokens_.size() && !is(";")) SLUICE_SDK_TRY(parse_option(made));
    made.text = text_.substr(begin, tokens_[at_ - 1].end - begin);
    return made;
  }

  Status parse_option(KcqlStatement& made) {
    if (is("WITHCONVERTER")) {
      ++at_;
      SLUICE_SDK_TRY(expect("="));
      SLUICE_SDK_ASSIGN(made.converter, name());
    } else if (is("KEYDELIMITER")) {
      ++at_;
      SLUICE_SDK_TRY(expect("="));
      SLUICE_SDK_ASSIGN(made.delimiter, name());
    } else if (is("WITHKEY")) {
      ++at_;
      SLUICE_SDK_TRY(expect("("));
      do {
        SLUICE_SDK_ASSIGN(std::string field, name());
        made.keys.push_back(std::move(field));
      } while (is(",") && ++at_ > 0);
      SLUICE_SDK_TRY(expect(")"));
    } else {
      return wrong("'" + tokens_[at_].text + "' is not understood");
    }
    return sdk::ok();
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
};

}  // namespace

Result<std::vector<KcqlStatement>> parse_kcql(std::string_view text) {
  SLUICE_SDK_ASSIGN(std::vector<Token> tokens, tokens_of(text));
  return Parser(text, std::move(tokens)).run();
}

}  // namespace sluice::mqtt_plugin
