// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/properties.hpp"

#include <filesystem>

#include "broker-core/base/disk.hpp"

namespace sluice::config {
namespace {

bool blank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

void append_utf8(std::string& out, uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0 | point >> 6);
    out += static_cast<char>(0x80 | (point & 63));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0 | point >> 12);
    out += static_cast<char>(0x80 | (point >> 6 & 63));
    out += static_cast<char>(0x80 | (point & 63));
  } else {
    out += static_cast<char>(0xf0 | point >> 18);
    out += static_cast<char>(0x80 | (point >> 12 & 63));
    out += static_cast<char>(0x80 | (point >> 6 & 63));
    out += static_cast<char>(0x80 | (point & 63));
  }
}

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t size = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3
                        : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
    if (size == 0 || text.size() - i < size) return false;
    uint32_t point = size == 1 ? lead : lead & (0xffu >> (size + 1));
    for (size_t j = 1; j < size; ++j) {
      const auto next = static_cast<unsigned char>(text[i + j]);
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 63u);
    }
    if ((size == 3 && (point < 0x800 || (point >= 0xd800 && point < 0xe000))) ||
        (size == 4 && (point < 0x10000 || point > 0x10ffff))) {
      return false;
    }
    i += size;
  }
  return true;
}

std::string from_latin1(std::string_view text) {
  std::string out;
  for (char c : text) append_utf8(out, static_cast<unsigned char>(c));
  return out;
}

class PropertiesParser {
 public:
  PropertiesParser(std::string_view text, const std::string& source) : rest_(text), source_(source) {}

  Result<std::vector<Property>> parse() {
    std::vector<Property> found;
    std::string logical;
    int line = 0;
    while (next_logical_line(&logical, &line)) {
      Property property;
      property.line = line;
      SLUICE_TRY(split(logical, &property));
      found.push_back(std::move(property));
    }
    return found;
  }

 private:
  Error error(int line, const std::string& what) const {
    return {ErrorKind::kInvalid, source_ + ":" + std::to_string(line) + ": " + what};
  }

  bool next_natural_line(std::string_view* line) {
    if (rest_.empty()) return false;
    const size_t end = rest_.find_first_of("\r\n");
    *line = rest_.substr(0, end);
    if (end == std::string_view::npos) {
      rest_ = {};
    } else {
      rest_.remove_prefix(rest_.substr(end, 2) == "\r\n" ? end + 2 : end + 1);
    }
    ++line_;
    return true;
  }

  static bool continues(std::string_view line) {
    size_t backslashes = 0;
    while (backslashes < line.size() && line[line.size() - 1 - backslashes] == '\\') ++backslashes;
    return backslashes % 2 == 1;
  }

  // The next line that is no comment and not empty, with its continuations; leading blanks are cut from each part.
  bool next_logical_line(std::string* logical, int* line) {
    logical->clear();
    std::string_view part;
    bool going_on = false;
    while (next_natural_line(&part)) {
      while (!part.empty() && blank(part.front())) part.remove_prefix(1);
      if (!going_on) {
        if (part.empty() || part[0] == '#' || part[0] == '!') continue;
        *line = line_;
      }
      going_on = continues(part);
      if (going_on) part.remove_suffix(1);
      *logical += part;
      if (!going_on) return true;
    }
    return !logical->empty();
  }

  Status split(std::string_view logical, Property* property) {
    size_t at = 0;
    while (at < logical.size() && !blank(logical[at]) && logical[at] != '=' && logical[at] != ':') {
      at += logical[at] == '\\' ? 2 : 1;
    }
    at = std::min(at, logical.size());
    SLUICE_TRY(unescape(logical.substr(0, at), property->line, &property->key));
    while (at < logical.size() && blank(logical[at])) ++at;
    if (at < logical.size() && (logical[at] == '=' || logical[at] == ':')) ++at;
    while (at < logical.size() && blank(logical[at])) ++at;
    return unescape(logical.substr(at), property->line, &property->value);
  }

  Status unescape(std::string_view text, int line, std::string* out) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (static_cast<unsigned char>(text[i]) < 0x20 && !blank(text[i])) {
        return error(line, "a control character: this is not a properties file");
      }
      if (text[i] != '\\') {
        *out += text[i];
        continue;
      }
      if (++i == text.size()) break;
      switch (text[i]) {
        case 't': *out += '\t'; break;
        case 'n': *out += '\n'; break;
        case 'r': *out += '\r'; break;
        case 'f': *out += '\f'; break;
        case 'u': {
          SLUICE_ASSIGN(uint32_t unit, unicode(text, &i, line));
          if (unit >= 0xd800 && unit < 0xdc00 && text.substr(i + 1, 2) == "\\u") {
            i += 2;
            SLUICE_ASSIGN(const uint32_t low, unicode(text, &i, line));
            if (low < 0xdc00 || low > 0xdfff) return error(line, "half of a surrogate pair in \\uXXXX");
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
          } else if (unit >= 0xd800 && unit < 0xe000) {
            return error(line, "half of a surrogate pair in \\uXXXX");
          }
          append_utf8(*out, unit);
          break;
        }
        default: *out += text[i];
      }
    }
    return ok();
  }

  // `*i` stands on the 'u' and is moved to the last digit.
  Result<uint32_t> unicode(std::string_view text, size_t* i, int line) {
    uint32_t unit = 0;
    for (int digit = 0; digit < 4; ++digit) {
      const char c = ++*i < text.size() ? text[*i] : '?';
      if (c >= '0' && c <= '9') {
        unit = unit * 16 + static_cast<uint32_t>(c - '0');
      } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
        unit = unit * 16 + static_cast<uint32_t>((c | 0x20) - 'a' + 10);
      } else {
        return error(line, "Malformed \\uxxxx encoding.");
      }
    }
    return unit;
  }

  std::string_view rest_;
  const std::string& source_;
  int line_ = 0;
};

}  // namespace

Result<std::vector<Property>> parse_properties(std::string_view text, const std::string& source) {
  if (text.size() > kMaxConfigFile) {
    return Error{ErrorKind::kInvalid, source + ": larger than " + std::to_string(kMaxConfigFile) + " bytes"};
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (is_utf8(text)) return PropertiesParser(text, source).parse();
  const std::string converted = from_latin1(text);
  return PropertiesParser(converted, source).parse();
}

Result<ConfigMap> parse_properties_map(std::string_view text, const std::string& source,
                                       std::vector<std::string>* warnings) {
  SLUICE_ASSIGN(const std::vector<Property> properties, parse_properties(text, source));
  ConfigMap map;
  std::map<std::string, int> lines;
  for (const auto& property : properties) {
    auto [at, fresh] = lines.try_emplace(property.key, property.line);
    if (!fresh && warnings) {
      warnings->push_back(source + ":" + std::to_string(property.line) + ": " + property.key +
                          " is there already in line " + std::to_string(at->second) + "; the last one counts");
    }
    at->second = property.line;
    map[property.key] = property.value;
  }
  return map;
}

Result<std::string> read_config_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Error{ErrorKind::kInvalid, path + ": is a directory, not a file"};
  }
  SLUICE_ASSIGN(const Bytes bytes, read_file(posix_disk(), path, kMaxConfigFile));
  return std::string(as_text(bytes));
}

}  // namespace sluice::config
