// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <variant>
#include <vector>

#include "broker-core/base/result.hpp"
#include "broker-core/metadata/topic_config.hpp"

// The changes that the metadata log and its snapshot are made of. docs/formats/metadata.md has
// their bytes.
namespace sluice::metadata {

struct TopicRecord {  // a new topic
  TopicId id;
  std::string name;
  int32_t partitions = 1;
  TopicConfigs configs;
  bool operator==(const TopicRecord&) const = default;
};
struct RemoveTopicRecord {
  TopicId id;
  bool operator==(const RemoveTopicRecord&) const = default;
};
struct TopicConfigsRecord {  // all of the topic's own configs, anew
  TopicId id;
  TopicConfigs configs;
  bool operator==(const TopicConfigsRecord&) const = default;
};
struct PartitionCountRecord {  // more partitions
  TopicId id;
  int32_t partitions = 1;
  bool operator==(const PartitionCountRecord&) const = default;
};

using Record =
    std::variant<TopicRecord, RemoveTopicRecord, TopicConfigsRecord, PartitionCountRecord>;

// The numbers in the files. They are never used again for anything else. Kept for what comes: 5
// producer id block, 6 user, 7 remove user, 8 ACL, 9 remove ACL, 10 client quota.
enum class RecordType : uint16_t {
  kTopic = 1,
  kRemoveTopic = 2,
  kTopicConfigs = 3,
  kPartitionCount = 4
};

Bytes encode_records(const std::vector<Record>& records);

// kUnsupported for a type or version that a newer version of Sluice has written: skipping it could
// bring deleted things back. kCorrupt for malformed bytes.
Result<std::vector<Record>> decode_records(ByteView bytes);

}  // namespace sluice::metadata
