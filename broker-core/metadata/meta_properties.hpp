// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "broker-core/base/disk.hpp"
#include "broker-core/base/random.hpp"

namespace sluice::metadata {

// Who a data directory belongs to: `meta.properties`, written once when the directory is made.
struct MetaProperties {
  std::string cluster_id;  // 16 random bytes in URL-safe base64, as Kafka's
  int32_t node_id = 1;
  std::string directory_id;
};

// The newest layout of a data directory that this version reads. It grows when an older version
// must not touch the directory any more.
inline constexpr int kFormatVersion = 1;

// nullopt if there is no such file. kUnsupported for a newer format, kCorrupt (file and line) for
// anything malformed.
Result<std::optional<MetaProperties>> read_meta_properties(Disk& disk,
                                                           const std::string& directory);
Status write_meta_properties(Disk& disk, const std::string& directory,
                             const MetaProperties& properties);

// An id like Kafka's: random, never one of the reserved ones, no '-' at the front of its text.
TopicId random_topic_id(Random& random);

}  // namespace sluice::metadata
