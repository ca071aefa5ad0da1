// SPDX-License-Identifier: Apache-2.0
#include "broker-core/metadata/metadata.hpp"

#include "broker-core/base/crash_point.hpp"
#include "broker-core/metadata/topic_name.hpp"

namespace sluice::metadata {

namespace {

Error damaged(const std::string& what) {
  return {ErrorKind::kCorrupt, what};
}

Status validate_partitions(int32_t partitions) {
  if (partitions < 1) {
    return Error{ErrorKind::kInvalid,
                 "Number of partitions was set to an invalid non-positive value."};
  }
  if (partitions > Metadata::kPartitionsMax) {
    return Error{ErrorKind::kInvalid,
                 "Number of partitions " + std::to_string(partitions) + " is more than the " +
                     std::to_string(Metadata::kPartitionsMax) + " that a topic may have."};
  }
  return ok();
}

}  // namespace

Result<std::unique_ptr<Metadata>> Metadata::open(const Settings& settings,
                                                 Dependencies dependencies) {
  std::unique_ptr<Metadata> metadata(new Metadata(dependencies));
  SLUICE_TRY(metadata->open_files(settings));
  return metadata;
}

Status Metadata::open_files(const Settings& settings) {
  directory_ = settings.directory;
  snapshot_bytes_ = settings.snapshot_bytes;
  SLUICE_ASSIGN(auto properties, read_meta_properties(disk_, settings.directory));
  const std::string folder = settings.directory + "/metadata";
  const bool fresh = !properties;
  if (fresh) {
    // meta.properties comes last: without it the making of the directory was cut short, and nothing
    // can have been acknowledged. A log with changes in it says otherwise.
    SLUICE_ASSIGN(const bool snapshot_there, disk_.exists(folder + "/snapshot"));
    if (snapshot_there) {
      auto refuse = [](ByteView) { return Status(); };
      bool changes = false;
      auto count = [&](ByteView) {
        changes = true;
        return Status();
      };
      auto old = MetadataLog::open(disk_, folder, false, {}, refuse, count);
      if (!old.ok() || changes || old.value()->sequence() != 0) {
        return damaged(settings.directory +
                       "/meta.properties is missing, but the directory holds topics; restore " +
                       "the file from a backup, or use another data.dir");
      }
    }
  }
  SLUICE_ASSIGN(log_, MetadataLog::open(
                          disk_, folder, fresh, encode_records({}),
                          [this](ByteView payload) -> Status {
                            SLUICE_ASSIGN(const auto records, decode_records(payload));
                            return apply(records);
                          },
                          [this](ByteView payload) -> Status {
                            SLUICE_ASSIGN(const auto records, decode_records(payload));
                            return apply(records);
                          }));
  if (fresh) {
    properties_.cluster_id = settings.cluster_id.value_or(random_topic_id(random_).to_string());
    properties_.node_id = settings.node_id;
    properties_.directory_id = random_topic_id(random_).to_string();
    SLUICE_CRASH_POINT("metadata.fresh_snapshot");
    return write_meta_properties(disk_, settings.directory, properties_);
  }
  properties_ = *properties;
  return log_->unconfirmed() ? log_->replace_snapshot(encode_all()) : ok();
}

Status Metadata::backup(BackupFolder& target) {
  std::lock_guard changes(change_mutex_);
  for (const char* file : {"metadata/snapshot", "metadata/log", "meta.properties"}) {
    SLUICE_TRY(target.copy(directory_ + "/" + file, file));
  }
  return ok();
}

TopicPtr Metadata::topic(std::string_view name) const {
  std::shared_lock lock(mutex_);
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

TopicPtr Metadata::topic(const TopicId& id) const {
  std::shared_lock lock(mutex_);
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

std::vector<TopicPtr> Metadata::topics() const {
  std::shared_lock lock(mutex_);
  std::vector<TopicPtr> out;
  out.reserve(by_name_.size());
  for (const auto& [name, topic] : by_name_) out.push_back(topic);
  return out;
}

Result<TopicPtr> Metadata::known(std::string_view name) const {
  TopicPtr found = topic(name);
  if (!found)
    return Error{ErrorKind::kNotFound, "The topic '" + std::string(name) + "' does not exist."};
  return found;
}

Result<TopicPtr> Metadata::create_topic(const std::string& name, int32_t partitions,
                                        const TopicConfigs& configs) {
  SLUICE_TRY(validate_topic_name(name));
  SLUICE_TRY(validate_partitions(partitions));
  SLUICE_TRY(validate_topic_configs(configs));
  std::lock_guard changing(change_mutex_);
  if (topic(name)) return Error{ErrorKind::kConflict, "Topic '" + name + "' already exists."};
  if (name.find_first_of("._") != std::string::npos) {
    std::shared_lock lock(mutex_);
    for (const auto& [other, info] : by_name_) {
      if (topic_names_collide(name, other)) {
        return Error{ErrorKind::kInvalid,
                     "Topic '" + name + "' collides with existing topic: " + other};
      }
    }
  }
  TopicRecord record{random_topic_id(random_), name, partitions, configs};
  SLUICE_TRY(change({record}));
  return topic(record.id);
}

Result<TopicPtr> Metadata::delete_topic(std::string_view name) {
  std::lock_guard changing(change_mutex_);
  SLUICE_ASSIGN(TopicPtr gone, known(name));
  SLUICE_TRY(change({RemoveTopicRecord{gone->id}}));
  return gone;
}

Result<TopicPtr> Metadata::alter_configs(
    std::string_view name, const std::map<std::string, std::optional<std::string>>& changes) {
  std::lock_guard changing(change_mutex_);
  SLUICE_ASSIGN(TopicPtr old, known(name));
  TopicConfigs configs = old->configs;
  for (const auto& [key, value] : changes) {
    if (find_topic_config(key) == nullptr) {
      return Error{ErrorKind::kInvalid, "Unknown topic config name: " + key};
    }
    if (value) {
      configs[key] = *value;
    } else {
      configs.erase(key);
    }
  }
  SLUICE_TRY(validate_topic_configs(configs));
  if (configs == old->configs) return old;
  SLUICE_TRY(change({TopicConfigsRecord{old->id, configs}}));
  return topic(old->id);
}

Result<TopicPtr> Metadata::set_partitions(std::string_view name, int32_t partitions) {
  SLUICE_TRY(validate_partitions(partitions));
  std::lock_guard changing(change_mutex_);
  SLUICE_ASSIGN(TopicPtr old, known(name));
  if (partitions == old->partitions) {
    return Error{ErrorKind::kInvalid,
                 "Topic already has " + std::to_string(partitions) + " partition(s)."};
  }
  if (partitions < old->partitions) {
    return Error{ErrorKind::kInvalid, "The topic " + std::string(name) + " currently has " +
                                          std::to_string(old->partitions) + " partition(s); " +
                                          std::to_string(partitions) +
                                          " would not be an increase."};
  }
  SLUICE_TRY(change({PartitionCountRecord{old->id, partitions}}));
  return topic(old->id);
}

Status Metadata::change(std::vector<Record> records) {
  SLUICE_TRY(log_->append(encode_records(records)));
  SLUICE_TRY(apply(records));
  // The change stands whatever becomes of the snapshot; a snapshot that cannot be written is tried
  // again with the next change, and a log that cannot go on says so there.
  if (log_->wants_snapshot(snapshot_bytes_)) (void)log_->replace_snapshot(encode_all()).ok();
  return ok();
}

Status Metadata::apply(const std::vector<Record>& records) {
  std::unique_lock lock(mutex_);
  for (const Record& record : records) SLUICE_TRY(apply_one(record));
  return ok();
}

void Metadata::put(TopicInfo topic) {
  topic.settings = topic_settings(topic.name, topic.configs);
  topic.log_append_time = is_log_append_time(topic.configs);
  auto shared = std::make_shared<const TopicInfo>(std::move(topic));
  by_id_[shared->id] = shared;
  by_name_[shared->name] = shared;
}

Status Metadata::apply_one(const Record& record) {
  if (const auto* made = std::get_if<TopicRecord>(&record)) {
    if (by_id_.contains(made->id) || by_name_.contains(made->name)) {
      return damaged("topic " + made->name + " is created twice");
    }
    if (made->partitions < 1 || !validate_topic_name(made->name).ok()) {
      return damaged("a topic with an impossible name or partition count");
    }
    auto valid = validate_topic_configs(made->configs);
    if (!valid.ok()) return damaged("topic " + made->name + ": " + valid.error().message);
    put({made->name, made->id, made->partitions, made->configs, {}, false});
    return ok();
  }
  const TopicId id = std::visit([](const auto& r) { return r.id; }, record);
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return damaged("a change of the unknown topic " + id.to_string());
  TopicInfo topic = *found->second;
  if (std::holds_alternative<RemoveTopicRecord>(record)) {
    by_name_.erase(topic.name);
    by_id_.erase(id);
  } else if (const auto* configs = std::get_if<TopicConfigsRecord>(&record)) {
    auto valid = validate_topic_configs(configs->configs);
    if (!valid.ok()) return damaged("topic " + topic.name + ": " + valid.error().message);
    topic.configs = configs->configs;
    put(std::move(topic));
  } else {
    topic.partitions = std::get<PartitionCountRecord>(record).partitions;
    if (topic.partitions < 1)
      return damaged("topic " + topic.name + " with an impossible partition count");
    put(std::move(topic));
  }
  return ok();
}

Bytes Metadata::encode_all() const {
  std::vector<Record> records;
  for (const TopicPtr& topic : topics()) {
    records.push_back(TopicRecord{topic->id, topic->name, topic->partitions, topic->configs});
  }
  return encode_records(records);
}

}  // namespace sluice::metadata
