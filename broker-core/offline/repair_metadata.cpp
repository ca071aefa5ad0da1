// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "broker-core/metadata/meta_properties.hpp"
#include "broker-core/metadata/metadata_log.hpp"
#include "broker-core/offline/repair.hpp"
#include "broker-core/storage/paths.hpp"

namespace sluice::offline {
namespace {

// Topics that must not lose records by age, whatever their configs were.
metadata::TopicConfigs safe_configs(const std::string& name) {
  for (const char* internal :
       {"__consumer_offsets", "connect-configs", "connect-offsets", "connect-status"}) {
    if (name == internal) return {{"cleanup.policy", "compact"}};
  }
  return {{"retention.ms", "-1"}};
}

Status add_topics_of_folders(const RepairContext& context, MetadataCheck& check) {
  SLUICE_ASSIGN(auto names, context.disk.list(storage::topics_folder(context.directory)));
  std::set<std::string> taken;
  for (const auto& [id, topic] : check.topics) taken.insert(topic.name);
  std::map<TopicId, metadata::TopicRecord> found;
  for (const auto& name : names) {
    auto partition = storage::parse_partition_folder(name);
    if (!partition || check.topics.contains(partition->topic)) continue;
    auto& topic = found[partition->topic];
    if (topic.name.empty()) {
      topic.id = partition->topic;
      // "<name>-<partition>-<22 characters of the id>"
      topic.name = name.substr(0, name.rfind('-', name.size() - 24));
      while (!taken.insert(topic.name).second) topic.name += "-recovered";
      topic.configs = safe_configs(topic.name);
    }
    topic.partitions = std::max(topic.partitions, partition->partition.value() + 1);
  }
  for (auto& [id, topic] : found) {
    context.steps->push_back(
        {context.directory + "/metadata",
         "topic " + topic.name + " with " + std::to_string(topic.partitions) +
             " partitions is made known again from its folders; its configs are lost (now " +
             topic.configs.begin()->first + "=" + topic.configs.begin()->second + ")",
         std::nullopt,
         {}});
    check.topics[id] = topic;
  }
  return ok();
}

}  // namespace

Status plan_metadata(RepairContext& context, Random& random, MetadataCheck& check) {
  if (check.properties_damaged) {
    metadata::MetaProperties fresh{metadata::random_topic_id(random).to_string(), 1,
                                   metadata::random_topic_id(random).to_string()};
    context.steps->push_back({context.directory + "/meta.properties",
                              "is written anew, with the new cluster id " + fresh.cluster_id,
                              std::nullopt, [context, fresh]() -> Status {
                                SLUICE_TRY(context.keep(context.directory + "/meta.properties"));
                                return metadata::write_meta_properties(context.disk,
                                                                       context.directory, fresh);
                              }});
  }
  if (!check.topics_damaged) return ok();
  SLUICE_TRY(add_topics_of_folders(context, check));
  std::vector<metadata::Record> records;
  for (const auto& [id, topic] : check.topics) records.emplace_back(topic);
  context.steps->push_back(
      {context.directory + "/metadata",
       "is written anew with the " + std::to_string(records.size()) +
           " topics that are known up to the damage or have a folder; later changes are lost",
       std::nullopt, [context, records]() -> Status {
         const std::string folder = context.directory + "/metadata";
         for (const char* file : {"/snapshot", "/log"}) SLUICE_TRY(context.keep(folder + file));
         auto nothing = [](ByteView) -> Status { return ok(); };
         auto made = metadata::MetadataLog::open(
             context.disk, folder, true, metadata::encode_records(records), nothing, nothing);
         return made.ok() ? ok() : Status(made.error());
       }});
  return ok();
}

}  // namespace sluice::offline
