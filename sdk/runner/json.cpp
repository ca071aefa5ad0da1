// SPDX-License-Identifier: Apache-2.0
#include "json.hpp"

#include <charconv>
#include <set>

namespace sluice::runner {

namespace {

const Json kNull;

// One pass over the text; the first fault ends it.
class Parser {
 public:
  Parser(std::string_view text, std::string& fault) : text_(text), fault_(fault) {}

  bool document(Json& out) {
    if (!value(out, 0)) return false;
    blanks();
    return at_ == text_.size() || fail("something follows the document");
  }

 private:
  static constexpr int kDepthMax = 16;

  bool fail(const std::string& what) {
    if (fault_.empty()) fault_ = "byte " + std::to_string(at_) + ": " + what;
    return false;
  }
  void blanks() {
    while (at_ < text_.size() && std::string_view(" \n\t\r").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool next_is(char c) {
    blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return fail("no JSON value");
    at_ += expected.size();
    return true;
  }

  bool value(Json& out, int depth) {
    blanks();
    if (depth > kDepthMax) return fail("nested too deeply");
    if (at_ >= text_.size()) return fail("the text ends early");
    switch (text_[at_]) {
      case '{': return object(out, depth);
      case '[': return array(out, depth);
      case '"': out.kind = Json::Kind::kString; return string(out.string);
      case 't': out.kind = Json::Kind::kBoolean; out.boolean = true; return word("true");
      case 'f': out.kind = Json::Kind::kBoolean; return word("false");
      case 'n': return word("null");
      default: return number(out);
    }
  }
  bool number(Json& out) {
    out.kind = Json::Kind::kNumber;
    const char* first = text_.data() + at_;
    const auto [end, code] = std::from_chars(first, text_.data() + text_.size(), out.number);
    if (code != std::errc()) return fail("no JSON value");
    at_ += static_cast<size_t>(end - first);
    return true;
  }
  bool object(Json& out, int depth) {
    out.kind = Json::Kind::kObject;
    ++at_;
    if (next_is('}')) return true;
    do {
      blanks();
      auto& [name, member] = out.members.emplace_back();
      if (at_ >= text_.size() || text_[at_] != '"') return fail("a member needs a name");
      if (!string(name)) return false;
      if (!next_is(':')) return fail("':' is missing");
      if (!value(member, depth + 1)) return false;
    } while (next_is(','));
    return next_is('}') || fail("'}' is missing");
  }
  bool array(Json& out, int depth) {
    out.kind = Json::Kind::kArray;
    ++at_;
    if (next_is(']')) return true;
    do {
      if (!value(out.items.emplace_back(), depth + 1)) return false;
    } while (next_is(','));
    return next_is(']') || fail("']' is missing");
  }
  bool string(std::string& out) {
    ++at_;
    while (at_ < text_.size() && text_[at_] != '"') {
      const char c = text_[at_++];
      if (static_cast<unsigned char>(c) < 0x20) return fail("a control character in a string");
      if (c != '\\') {
        out += c;
      } else if (!escape(out)) {
        return false;
      }
    }
    if (at_ >= text_.size()) return fail("a string has no end");
    ++at_;
    return true;
  }
  bool escape(std::string& out) {
    if (at_ >= text_.size()) return fail("a string has no end");
    const char c = text_[at_++];
    constexpr std::string_view kFrom = "\"\\/bfnrt";
    constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
    if (const size_t i = kFrom.find(c); i != std::string_view::npos) {
      out += kTo[i];
      return true;
    }
    if (c != 'u' || at_ + 4 > text_.size()) return fail("no such escape");
    unsigned code = 0;
    const char* first = text_.data() + at_;
    const auto [end, status] = std::from_chars(first, first + 4, code, 16);
    if (status != std::errc() || end != first + 4) return fail("no such escape");
    at_ += 4;
    return append_utf8(out, code);
  }
  bool append_utf8(std::string& out, unsigned code) {
    if (code >= 0xd800 && code < 0xe000) return fail("write characters past U+FFFF as UTF-8");
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xc0 | code >> 6);
      out += static_cast<char>(0x80 | (code & 0x3f));
    } else {
      out += static_cast<char>(0xe0 | code >> 12);
      out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
      out += static_cast<char>(0x80 | (code & 0x3f));
    }
    return true;
  }

  std::string_view text_;
  std::string& fault_;
  size_t at_ = 0;
};

std::string short_text(const Json& json) {
  switch (json.kind) {
    case Json::Kind::kNull: return "nothing";
    case Json::Kind::kBoolean: return json.boolean ? "true" : "false";
    case Json::Kind::kNumber: return std::to_string(json.number);
    case Json::Kind::kString: return "\"" + json.string.substr(0, 60) + "\"";
    case Json::Kind::kArray: return std::to_string(json.items.size()) + " items";
    case Json::Kind::kObject: return "an object";
  }
  return "";
}

}  // namespace

const Json& Json::operator[](std::string_view name) const {
  for (const auto& [key, value] : members) {
    if (key == name) return value;
  }
  return kNull;
}

bool parse_json(std::string_view text, Json& out, std::string& fault) {
  return Parser(text, fault).document(out);
}

std::string difference(const Json& a, const Json& b, const std::string& place) {
  if (a.absent() && b.absent()) return "";
  const std::string differs = place + ": " + short_text(a) + " against " + short_text(b);
  if (a.kind != b.kind) return differs;
  switch (a.kind) {
    case Json::Kind::kBoolean: return a.boolean == b.boolean ? "" : differs;
    case Json::Kind::kNumber: return a.number == b.number ? "" : differs;
    case Json::Kind::kString: return a.string == b.string ? "" : differs;
    case Json::Kind::kArray:
      if (a.items.size() != b.items.size()) return differs;
      for (size_t i = 0; i < a.items.size(); ++i) {
        const Json& name = a.items[i]["name"];
        const std::string step = name.kind == Json::Kind::kString ? name.string : std::to_string(i);
        if (std::string text = difference(a.items[i], b.items[i], place + "[" + step + "]"); !text.empty()) {
          return text;
        }
      }
      return "";
    case Json::Kind::kObject: {
      std::set<std::string> names;
      for (const auto& member : a.members) names.insert(member.first);
      for (const auto& member : b.members) names.insert(member.first);
      for (const auto& name : names) {
        if (std::string text = difference(a[name], b[name], place + "." + name); !text.empty()) return text;
      }
      return "";
    }
    case Json::Kind::kNull: break;
  }
  return "";
}

}  // namespace sluice::runner
