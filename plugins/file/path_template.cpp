// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/path_template.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include "plugins/file/rotation_name.hpp"

namespace sluice::file_plugin {

namespace {

constexpr std::string_view kLetters = "YmdHMS";
constexpr size_t kNumberDigits = 6;

Error invalid(std::string_view text, std::string_view part) {
  return Error::config(
      "Invalid value " + std::string(text) + " for configuration file: '" + std::string(part) +
      "' is unknown; there are ${topic}, ${partition}, ${seq}, %Y, %m, %d, %H, %M, %S and %%");
}

size_t digits_of(char letter) {
  return letter == 'Y' ? 4 : 2;
}

std::string padded(uint64_t number, size_t digits) {
  const std::string text = std::to_string(number);
  return text.size() < digits ? std::string(digits - text.size(), '0') + text : text;
}

std::string time_text(char letter, int64_t time_ms) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(time_ms)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  uint64_t value = 0;
  switch (letter) {
    case 'Y':
      value = static_cast<uint64_t>(static_cast<int>(date.year()));
      break;
    case 'm':
      value = static_cast<unsigned>(date.month());
      break;
    case 'd':
      value = static_cast<unsigned>(date.day());
      break;
    case 'H':
      value = static_cast<uint64_t>(clock.hours().count());
      break;
    case 'M':
      value = static_cast<uint64_t>(clock.minutes().count());
      break;
    default:
      value = static_cast<uint64_t>(clock.seconds().count());
      break;
  }
  return padded(value, digits_of(letter));
}

}  // namespace

Result<PathTemplate> PathTemplate::parse(std::string_view text) {
  PathTemplate made;
  std::string plain;
  const auto add = [&](Kind kind, std::string what) {
    if (!plain.empty()) made.parts_.push_back({Kind::kText, std::exchange(plain, {})});
    made.parts_.push_back({kind, std::move(what)});
  };
  for (size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("${")) {
      const size_t end = rest.find('}');
      const std::string_view variable =
          rest.substr(0, end == std::string_view::npos ? rest.size() : end + 1);
      if (variable == "${topic}") {
        add(Kind::kTopic, "");
      } else if (variable == "${partition}") {
        add(Kind::kPartition, "");
      } else if (variable == "${seq}") {
        add(Kind::kNumber, "");
      } else {
        return invalid(text, variable);
      }
      at += variable.size();
    } else if (rest[0] == '%') {
      if (rest.size() < 2 || (rest[1] != '%' && kLetters.find(rest[1]) == std::string_view::npos)) {
        return invalid(text, rest.substr(0, 2));
      }
      if (rest[1] == '%') {
        plain += '%';
      } else {
        add(Kind::kTime, std::string(1, rest[1]));
      }
      at += 2;
    } else {
      plain += rest[0];
      ++at;
    }
  }
  if (!plain.empty()) made.parts_.push_back({Kind::kText, std::move(plain)});
  return made;
}

bool PathTemplate::has(Kind kind) const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [kind](const Part& part) { return part.kind == kind; });
}

int64_t PathTemplate::time_unit_s() const {
  int64_t unit = 86400;
  for (const Part& part : parts_) {
    if (part.kind != Kind::kTime) continue;
    if (part.text == "S") unit = 1;
    if (part.text == "M") unit = std::min<int64_t>(unit, 60);
    if (part.text == "H") unit = std::min<int64_t>(unit, 3600);
  }
  return unit;
}

std::string PathTemplate::fixed(const Part& part, std::string_view topic, int32_t partition) const {
  if (part.kind == Kind::kTopic) return std::string(topic);
  if (part.kind == Kind::kPartition) return std::to_string(partition);
  return part.text;
}

std::string PathTemplate::fill(std::string_view topic, int32_t partition, int64_t time_ms,
                               uint64_t number) const {
  std::string path;
  for (const Part& part : parts_) {
    if (part.kind == Kind::kNumber) {
      path += padded(number, kNumberDigits);
    } else if (part.kind == Kind::kTime) {
      path += time_text(part.text[0], time_ms);
    } else {
      path += fixed(part, topic, partition);
    }
  }
  return path;
}

std::string PathTemplate::active(std::string_view topic, int32_t partition) const {
  std::string same;  // up to the first part that differs from file to file
  std::string rest;
  bool differs = false;
  for (const Part& part : parts_) {
    differs |= part.kind == Kind::kNumber || part.kind == Kind::kTime;
    if (!differs) {
      same += fixed(part, topic, partition);
    } else {
      rest += part.kind == Kind::kNumber || part.kind == Kind::kTime
                  ? "_"
                  : fixed(part, topic, partition);
    }
  }
  std::string name = std::string(file_name_of(same)) + rest;
  std::replace(name.begin(), name.end(), '/', '_');
  return join_path(folder_of(same), "." + name + ".active");
}

std::string PathTemplate::pattern(std::string_view topic, int32_t partition) const {
  std::string pattern;
  for (const Part& part : parts_) {
    if (part.kind == Kind::kNumber || part.kind == Kind::kTime) {
      if (!pattern.ends_with('*') || pattern.ends_with("\\*")) pattern += '*';
      continue;
    }
    for (const char c : fixed(part, topic, partition)) {
      if (c == '*' || c == '?' || c == '[' || c == '\\') pattern += '\\';
      pattern += c;
    }
  }
  return pattern;
}

std::optional<uint64_t> PathTemplate::number_of(std::string_view path, std::string_view topic,
                                                int32_t partition) const {
  std::optional<uint64_t> number;
  for (const Part& part : parts_) {
    if (part.kind == Kind::kTime || part.kind == Kind::kNumber) {
      const bool is_number = part.kind == Kind::kNumber;
      size_t digits = 0;
      while (digits < path.size() && path[digits] >= '0' && path[digits] <= '9') ++digits;
      if (!is_number) digits = std::min(digits, digits_of(part.text[0]));
      if (digits < (is_number ? kNumberDigits : digits_of(part.text[0]))) return std::nullopt;
      if (is_number) {
        uint64_t value = 0;
        if (std::from_chars(path.data(), path.data() + digits, value).ec != std::errc())
          return std::nullopt;
        number = value;
      }
      path.remove_prefix(digits);
      continue;
    }
    const std::string wanted = fixed(part, topic, partition);
    if (!path.starts_with(wanted)) return std::nullopt;
    path.remove_prefix(wanted.size());
  }
  return path.empty() ? number : std::nullopt;
}

}  // namespace sluice::file_plugin
