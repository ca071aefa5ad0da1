// SPDX-License-Identifier: Apache-2.0
// Opening and stopping, topics. Records: broker_records.cpp. Groups: broker_groups.cpp.
#include "broker-core/server/broker.hpp"

#include "broker-core/base/crash_point.hpp"
#include "broker-core/metadata/topic_name.hpp"
#include "broker-core/server/group_service.hpp"

namespace sluice::server {

Broker::Broker(Settings settings, Dependencies dependencies)
    : settings_(std::move(settings)), dependencies_(dependencies) {}

Broker::~Broker() {
  // A destructor has nobody to tell; whoever wants to know calls stop().
  (void)stop().ok();
}

Result<std::unique_ptr<Broker>> Broker::open(Settings settings, Dependencies dependencies) {
  while (settings.directory.size() > 1 && settings.directory.back() == '/')
    settings.directory.pop_back();
  std::unique_ptr<Broker> broker(new Broker(std::move(settings), dependencies));
  SLUICE_TRY(broker->open_all());
  return broker;
}

Status Broker::open_all() {
  Disk& disk = dependencies_.disk;
  const std::string& directory = settings_.directory;
  SLUICE_TRY(refuse_unfinished(disk, directory));
  SLUICE_TRY(create_durably(disk, directory));
  auto lock = disk.lock(directory + "/.lock");
  if (!lock.ok() && lock.error().kind == ErrorKind::kConflict) {
    return Error{ErrorKind::kConflict,
                 "the data directory " + directory +
                     " is in use by another worker; stop that one, or give this one another "
                     "data.dir"};
  }
  SLUICE_ASSIGN(lock_, std::move(lock));
  SLUICE_ASSIGN(metadata_,
                metadata::Metadata::open({directory, settings_.cluster_id, settings_.node_id,
                                          settings_.metadata_snapshot_bytes},
                                         {disk, dependencies_.random}));
  SLUICE_TRY(open_log());
  return open_groups();
}

Status Broker::open_log() {
  settings_.storage.directory = settings_.directory;
  auto settings_of = [this](const TopicId& id) -> std::optional<storage::TopicSettings> {
    const auto topic = metadata_->topic(id);
    return topic ? std::optional(topic->settings) : std::nullopt;
  };
  SLUICE_ASSIGN(
      log_, storage::Log::open(settings_.storage,
                               {dependencies_.disk, dependencies_.clock, dependencies_.simulation},
                               settings_of));
  for (const auto& topic : metadata_->topics()) {
    SLUICE_TRY(log_->add_partitions(topic->id, topic->settings, topic->partitions));
  }
  return ok();
}

Status Broker::stop() {
  if (stopped_) return ok();
  stopped_ = true;
  Status result = ok();
  if (log_) result = log_->stop();
  if (groups_) groups_->stop();
  lock_.reset();
  return result;
}

const metadata::MetaProperties& Broker::properties() const {
  return metadata_->properties();
}
const storage::RecoveryReport& Broker::recovery() const {
  return log_->recovery();
}
storage::Stats Broker::stats() const {
  return log_->stats();
}
Status Broker::checkpoint() {
  return log_->checkpoint();
}
Status Broker::run_housekeeping() {
  return log_->run_housekeeping();
}

// --- topics

Result<metadata::TopicPtr> Broker::create_topic(const std::string& name, int32_t partitions,
                                                const metadata::TopicConfigs& configs) {
  if (partitions == -1) partitions = settings_.default_partitions;
  SLUICE_ASSIGN(auto topic, metadata_->create_topic(name, partitions, configs));
  SLUICE_CRASH_POINT("server.topic_created");
  SLUICE_TRY(log_->add_partitions(topic->id, topic->settings, topic->partitions));
  return topic;
}

Status Broker::delete_topic(const std::string& name) {
  if (metadata::is_internal_topic(name)) {
    return Error{ErrorKind::kInvalid,
                 "The topic '" + name + "' is the broker's own and cannot be deleted."};
  }
  SLUICE_ASSIGN(const auto gone, metadata_->delete_topic(name));
  SLUICE_CRASH_POINT("server.topic_deleted");
  log_->remove_topic(gone->id);
  groups_->remove_topic(name);
  return ok();
}

Result<metadata::TopicPtr> Broker::alter_configs(
    const std::string& name, const std::map<std::string, std::optional<std::string>>& changes) {
  SLUICE_ASSIGN(auto topic, metadata_->alter_configs(name, changes));
  log_->change_settings(topic->id, topic->settings);
  return topic;
}

Result<metadata::TopicPtr> Broker::set_partitions(const std::string& name, int32_t partitions) {
  if (metadata::is_internal_topic(name)) {
    return Error{ErrorKind::kInvalid,
                 "The topic '" + name + "' is the broker's own and keeps its partitions."};
  }
  SLUICE_ASSIGN(auto topic, metadata_->set_partitions(name, partitions));
  SLUICE_TRY(log_->add_partitions(topic->id, topic->settings, topic->partitions));
  return topic;
}

Result<metadata::TopicPtr> Broker::topic(std::string_view name) const {
  auto found = metadata_->topic(name);
  if (!found)
    return Error{ErrorKind::kNotFound, "The topic '" + std::string(name) + "' does not exist."};
  return found;
}

std::vector<metadata::TopicPtr> Broker::topics() const {
  return metadata_->topics();
}

}  // namespace sluice::server
