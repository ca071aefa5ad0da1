// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/paths.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace sluice::storage {
namespace {

constexpr size_t kNameMax = 200;   // 200 + '-' + 10 digits + '-' + 22 stays below the 255 of file systems
constexpr size_t kIdLength = 22;   // 16 bytes in base64 without padding
constexpr size_t kDigits = 20;

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-') return 62;
  if (c == '_') return 63;
  return -1;
}

std::optional<TopicId> parse_topic_id(std::string_view text) {
  TopicId id;
  uint32_t bits = 0;
  int count = 0;
  size_t out = 0;
  for (char c : text) {
    int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8 && out < id.bytes.size()) {
      count -= 8;
      id.bytes[out++] = static_cast<uint8_t>(bits >> count);
    }
  }
  if (out != id.bytes.size() || id.to_string() != text) return std::nullopt;
  return id;
}

}  // namespace

std::string commit_folder(const std::string& directory) { return directory + "/commit"; }
std::string topics_folder(const std::string& directory) { return directory + "/topics"; }
std::string checkpoint_path(const std::string& directory) { return directory + "/checkpoint"; }

std::string numbered_name(uint64_t number, std::string_view extension) {
  char digits[kDigits + 1];
  std::snprintf(digits, sizeof digits, "%020llu", static_cast<unsigned long long>(number));
  return std::string(digits, kDigits).append(extension);
}

std::optional<uint64_t> parse_numbered(std::string_view name, std::string_view extension) {
  if (name.size() != kDigits + extension.size() || !name.ends_with(extension)) return std::nullopt;
  uint64_t number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, number);
  if (error != std::errc() || end != name.data() + kDigits) return std::nullopt;
  return number;
}

std::string partition_folder_name(const std::string& topic_name, const TopicPartition& partition) {
  std::string name = topic_name.substr(0, kNameMax);
  std::replace(name.begin(), name.end(), '/', '_');
  return name + "-" + std::to_string(partition.partition.value()) + "-" + partition.topic.to_string();
}

std::optional<TopicPartition> parse_partition_folder(std::string_view name) {
  if (name.size() < kIdLength + 3 || name[name.size() - kIdLength - 1] != '-') return std::nullopt;
  auto id = parse_topic_id(name.substr(name.size() - kIdLength));
  if (!id) return std::nullopt;
  name.remove_suffix(kIdLength + 1);
  auto dash = name.rfind('-');
  if (dash == std::string_view::npos || dash + 1 == name.size()) return std::nullopt;
  int32_t partition = -1;
  auto [end, error] = std::from_chars(name.data() + dash + 1, name.data() + name.size(), partition);
  if (error != std::errc() || end != name.data() + name.size() || partition < 0) return std::nullopt;
  return TopicPartition{*id, PartitionId(partition)};
}

std::string describe(const std::string& topic_name, const TopicPartition& partition) {
  return "partition " + topic_name + "-" + std::to_string(partition.partition.value()) + " (topic id " +
         partition.topic.to_string() + ")";
}

}  // namespace sluice::storage
