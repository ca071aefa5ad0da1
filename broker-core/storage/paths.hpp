// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker-core/base/types.hpp"

// Where things lie in a data directory, and back from names to what they mean. See docs/formats/storage.md.
namespace sluice::storage {

std::string commit_folder(const std::string& directory);
std::string topics_folder(const std::string& directory);
std::string checkpoint_path(const std::string& directory);

// 20 digits and an extension, as Kafka names segments.
std::string numbered_name(uint64_t number, std::string_view extension);
// The number, if `name` is 20 digits followed by `extension`.
std::optional<uint64_t> parse_numbered(std::string_view name, std::string_view extension);

// "<topic name, cut to 200>-<partition>-<topic id>": the id at the end makes a re-created topic another folder.
std::string partition_folder_name(const std::string& topic_name, const TopicPartition& partition);
std::optional<TopicPartition> parse_partition_folder(std::string_view name);

std::string describe(const std::string& topic_name, const TopicPartition& partition);  // for messages

}  // namespace sluice::storage
