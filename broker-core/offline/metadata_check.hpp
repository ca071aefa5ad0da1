// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "broker-core/metadata/records.hpp"
#include "broker-core/storage/log.hpp"

namespace sluice::offline {

// What the metadata files of a directory hold, and what is wrong with them.
struct MetadataCheck {
  std::vector<storage::Finding> findings;
  bool properties_damaged = false;
  bool topics_damaged = false;
  std::map<TopicId, metadata::TopicRecord> topics;  // up to the damage
};
// kUnsupported: written by a newer version. Changes nothing.
Result<MetadataCheck> check_metadata(Disk& disk, const std::string& directory);

}  // namespace sluice::offline
