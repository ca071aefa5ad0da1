// SPDX-License-Identifier: Apache-2.0
#include "broker-core/metadata/topic_config.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <vector>

namespace sluice::metadata {

namespace {

using enum ConfigType;
using enum ConfigSupport;

constexpr std::string_view kLongMax = "9223372036854775807";
constexpr std::string_view kAlwaysDurable = "every acknowledged record is on disk already";
constexpr std::string_view kOneNode = "a single node has no replicas";
constexpr std::string_view kAsWritten = "batches are kept as their producer wrote them";
constexpr std::string_view kNoTiers = "there is no tiered storage";

constexpr std::array kDefs = std::to_array<TopicConfigDef>({
    {"cleanup.policy", kList, "delete", {}, {}, "compact,delete", kHonoured, {}},
    {"compression.gzip.level", kInt, "-1", -1, 9, {}, kNoEffect, kAsWritten},
    {"compression.lz4.level", kInt, "9", 1, 17, {}, kNoEffect, kAsWritten},
    {"compression.type",
     kString,
     "producer",
     {},
     {},
     "uncompressed,zstd,lz4,snappy,gzip,producer",
     kNoEffect,
     kAsWritten},
    {"compression.zstd.level", kInt, "3", -131072, 22, {}, kNoEffect, kAsWritten},
    {"delete.retention.ms", kLong, "86400000", 0, {}, {}, kHonoured, {}},
    {"file.delete.delay.ms",
     kLong,
     "60000",
     0,
     {},
     {},
     kNoEffect,
     "files are removed at once; who reads them gets an offset out of range"},
    {"flush.messages", kLong, kLongMax, 1, {}, {}, kNoEffect, kAlwaysDurable},
    {"flush.ms", kLong, kLongMax, 0, {}, {}, kNoEffect, kAlwaysDurable},
    {"follower.replication.throttled.replicas", kList, "", {}, {}, {}, kNoEffect, kOneNode},
    {"index.interval.bytes", kInt, "4096", 0, {}, {}, kHonoured, {}},
    {"leader.replication.throttled.replicas", kList, "", {}, {}, {}, kNoEffect, kOneNode},
    {"local.retention.bytes", kLong, "-2", -2, {}, {}, kNoEffect, kNoTiers},
    {"local.retention.ms", kLong, "-2", -2, {}, {}, kNoEffect, kNoTiers},
    {"max.compaction.lag.ms", kLong, kLongMax, 1, {}, {}, kHonoured, {}},
    {"max.message.bytes", kInt, "1048588", 0, {}, {}, kHonoured, {}},
    {"message.downconversion.enable",
     kBoolean,
     "true",
     {},
     {},
     {},
     kNoEffect,
     "only the current format is kept"},
    {"message.format.version",
     kString,
     "3.0-IV1",
     {},
     {},
     {},
     kNoEffect,
     "only the current format is kept"},
    {"message.timestamp.after.max.ms",
     kLong,
     kLongMax,
     0,
     {},
     {},
     kNoEffect,
     "timestamps are not limited"},
    {"message.timestamp.before.max.ms",
     kLong,
     kLongMax,
     0,
     {},
     {},
     kNoEffect,
     "timestamps are not limited"},
    {"message.timestamp.difference.max.ms",
     kLong,
     kLongMax,
     0,
     {},
     {},
     kNoEffect,
     "timestamps are not limited"},
    {"message.timestamp.type",
     kString,
     "CreateTime",
     {},
     {},
     "CreateTime,LogAppendTime",
     kHonoured,
     {}},
    {"min.cleanable.dirty.ratio", kDouble, "0.5", 0, 1, {}, kHonoured, {}},
    {"min.compaction.lag.ms", kLong, "0", 0, {}, {}, kHonoured, {}},
    {"min.insync.replicas", kInt, "1", 1, {}, {}, kNoEffect, kOneNode},
    {"preallocate",
     kBoolean,
     "false",
     {},
     {},
     {},
     kNoEffect,
     "the commit log is always preallocated"},
    {"remote.log.copy.disable", kBoolean, "false", {}, {}, {}, kNoEffect, kNoTiers},
    {"remote.log.delete.on.disable", kBoolean, "false", {}, {}, {}, kNoEffect, kNoTiers},
    {"remote.storage.enable", kBoolean, "false", {}, {}, {}, kRefused, kNoTiers},
    {"retention.bytes", kLong, "-1", {}, {}, {}, kHonoured, {}},
    {"retention.ms", kLong, "604800000", -1, {}, {}, kHonoured, {}},
    {"segment.bytes", kInt, "1073741824", 14, {}, {}, kHonoured, {}},
    {"segment.index.bytes", kInt, "10485760", 4, {}, {}, kHonoured, {}},
    {"segment.jitter.ms", kLong, "0", 0, {}, {}, kNoEffect, "segments of one node need no jitter"},
    {"segment.ms", kLong, "604800000", 1, {}, {}, kHonoured, {}},
    {"unclean.leader.election.enable", kBoolean, "false", {}, {}, {}, kNoEffect, kOneNode},
});

std::string_view trimmed(std::string_view text) {
  auto space = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  if (trimmed(text).empty()) return out;
  while (true) {
    const size_t comma = text.find(',');
    out.push_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::optional<int64_t> parse_integer(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);  // as Java's parsers take it
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<double> parse_double(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

Error bad_value(const TopicConfigDef& def, std::string_view value, const std::string& why) {
  return {ErrorKind::kInvalid, "Invalid value " + std::string(value) + " for configuration " +
                                   std::string(def.name) + ": " + why};
}

std::string joined(std::string_view valid) {
  std::string out;
  for (std::string_view one : split(valid)) out.append(out.empty() ? "" : ", ").append(one);
  return out;
}

template <class T>
Status check_range(const TopicConfigDef& def, std::string_view value, T number) {
  if (def.min && number < static_cast<T>(*def.min)) {
    return bad_value(def, value, "Value must be at least " + std::to_string(*def.min));
  }
  if (def.max && number > static_cast<T>(*def.max)) {
    return bad_value(def, value, "Value must be no more than " + std::to_string(*def.max));
  }
  return ok();
}

Status check_number(const TopicConfigDef& def, std::string_view value, std::string_view text) {
  const Error no_number =
      bad_value(def, value, std::string("Not a number of type ") + to_string(def.type));
  if (def.type == kDouble) {
    const auto number = parse_double(text);
    return number ? check_range(def, value, *number) : Status(no_number);
  }
  const auto number = parse_integer(text);
  if (!number || (def.type == kInt && (*number < INT32_MIN || *number > INT32_MAX)))
    return no_number;
  return check_range(def, value, *number);
}

Status check_value(const TopicConfigDef& def, const std::string& value) {
  const std::string_view text = trimmed(value);
  switch (def.type) {
    case kBoolean:
      if (!equal_ignoring_case(text, "true") && !equal_ignoring_case(text, "false")) {
        return bad_value(def, value, "Expected value to be either true or false");
      }
      break;
    case kInt:
    case kLong:
    case kDouble:
      SLUICE_TRY(check_number(def, value, text));
      break;
    case kString:
    case kList: {
      if (def.valid.empty()) break;
      const auto valid = split(def.valid);
      const auto given = def.type == kList ? split(text) : std::vector<std::string_view>{text};
      for (std::string_view one : given) {
        if (std::find(valid.begin(), valid.end(), one) == valid.end()) {
          return bad_value(def, one, "String must be one of: " + joined(def.valid));
        }
      }
      break;
    }
  }
  if (def.support == kRefused && !equal_ignoring_case(text, def.default_value)) {
    return bad_value(def, value, std::string(def.note));
  }
  return ok();
}

}  // namespace

const char* to_string(ConfigType type) {
  switch (type) {
    case kBoolean:
      return "BOOLEAN";
    case kInt:
      return "INT";
    case kLong:
      return "LONG";
    case kDouble:
      return "DOUBLE";
    case kString:
      return "STRING";
    case kList:
      return "LIST";
  }
  return "?";
}

std::span<const TopicConfigDef> topic_config_defs() {
  return kDefs;
}

const TopicConfigDef* find_topic_config(std::string_view name) {
  const auto found =
      std::lower_bound(kDefs.begin(), kDefs.end(), name,
                       [](const TopicConfigDef& def, std::string_view n) { return def.name < n; });
  return found != kDefs.end() && found->name == name ? &*found : nullptr;
}

Status validate_topic_configs(const TopicConfigs& configs) {
  for (const auto& [name, value] : configs) {
    const TopicConfigDef* def = find_topic_config(name);
    if (def == nullptr) return Error{ErrorKind::kInvalid, "Unknown topic config name: " + name};
    SLUICE_TRY(check_value(*def, value));
  }
  const std::string low = topic_config_value(configs, "min.compaction.lag.ms");
  const std::string high = topic_config_value(configs, "max.compaction.lag.ms");
  if (*parse_integer(trimmed(low)) > *parse_integer(trimmed(high))) {
    return Error{ErrorKind::kInvalid, "conflict topic config setting min.compaction.lag.ms (" +
                                          low + ") > max.compaction.lag.ms (" + high + ")"};
  }
  return ok();
}

std::string topic_config_value(const TopicConfigs& configs, std::string_view name) {
  const auto own = configs.find(std::string(name));
  return own != configs.end() ? own->second : std::string(find_topic_config(name)->default_value);
}

storage::TopicSettings topic_settings(const std::string& topic, const TopicConfigs& configs) {
  auto integer = [&](std::string_view name) {
    return *parse_integer(trimmed(topic_config_value(configs, name)));
  };
  storage::TopicSettings settings;
  settings.name = topic;
  settings.segment_bytes = static_cast<uint64_t>(integer("segment.bytes"));
  settings.segment_ms = integer("segment.ms");
  settings.segment_index_bytes = static_cast<uint64_t>(integer("segment.index.bytes"));
  settings.index_interval_bytes = static_cast<uint64_t>(integer("index.interval.bytes"));
  settings.retention_ms = integer("retention.ms");
  settings.retention_bytes = std::max<int64_t>(-1, integer("retention.bytes"));
  settings.delete_retention_ms = integer("delete.retention.ms");
  settings.max_message_bytes = static_cast<uint64_t>(integer("max.message.bytes"));
  settings.min_cleanable_dirty_ratio =
      *parse_double(trimmed(topic_config_value(configs, "min.cleanable.dirty.ratio")));
  settings.min_compaction_lag_ms = integer("min.compaction.lag.ms");
  settings.max_compaction_lag_ms = integer("max.compaction.lag.ms");
  settings.compact = settings.remove = false;
  const std::string policy = topic_config_value(configs, "cleanup.policy");
  for (std::string_view one : split(policy))
    (one == "compact" ? settings.compact : settings.remove) = true;
  return settings;
}

bool is_log_append_time(const TopicConfigs& configs) {
  return trimmed(topic_config_value(configs, "message.timestamp.type")) == "LogAppendTime";
}

}  // namespace sluice::metadata
