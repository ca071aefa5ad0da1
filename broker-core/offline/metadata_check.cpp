// SPDX-License-Identifier: Apache-2.0
#include "broker-core/offline/metadata_check.hpp"

#include "broker-core/metadata/meta_properties.hpp"
#include "broker-core/metadata/metadata_log.hpp"

namespace sluice::offline {
namespace {

void apply(const metadata::Record& record, std::map<TopicId, metadata::TopicRecord>& topics) {
  if (auto* topic = std::get_if<metadata::TopicRecord>(&record)) {
    topics[topic->id] = *topic;
  } else if (auto* removed = std::get_if<metadata::RemoveTopicRecord>(&record)) {
    topics.erase(removed->id);
  } else if (auto* configs = std::get_if<metadata::TopicConfigsRecord>(&record)) {
    if (auto found = topics.find(configs->id); found != topics.end()) {
      found->second.configs = configs->configs;
    }
  } else if (auto* count = std::get_if<metadata::PartitionCountRecord>(&record)) {
    if (auto found = topics.find(count->id); found != topics.end()) {
      found->second.partitions = count->partitions;
    }
  }
}

}  // namespace

Result<MetadataCheck> check_metadata(Disk& disk, const std::string& directory) {
  MetadataCheck check;
  auto properties = metadata::read_meta_properties(disk, directory);
  const std::string file = directory + "/meta.properties";
  if (!properties.ok()) {
    if (properties.error().kind != ErrorKind::kCorrupt) return properties.error();
    check.properties_damaged = true;
    check.findings.push_back({true, file, 0, std::nullopt, properties.error().message});
  } else if (!*properties) {
    check.properties_damaged = true;
    check.findings.push_back({true, file, 0, std::nullopt, "the file is missing"});
  }
  auto each = [&](ByteView payload) -> Status {
    SLUICE_ASSIGN(const auto records, metadata::decode_records(payload));
    for (const auto& record : records) apply(record, check.topics);
    return ok();
  };
  const std::string folder = directory + "/metadata";
  auto log = metadata::MetadataLog::open(disk, folder, false, {}, each, each);
  if (!log.ok()) {
    if (log.error().kind != ErrorKind::kCorrupt) return log.error();
    check.topics_damaged = true;
    check.findings.push_back(storage::finding_of(log.error(), folder));
  } else if ((*log)->torn_tail_bytes() > 0) {
    check.findings.push_back({false, folder + "/log", 0, std::nullopt,
                              std::to_string((*log)->torn_tail_bytes()) +
                                  " bytes of an unfinished change at the end, never acknowledged; "
                                  "the next start cuts them"});
  }
  return check;
}

}  // namespace sluice::offline
