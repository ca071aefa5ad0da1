// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>

#include "broker-core/base/backup_folder.hpp"
#include "broker-core/metadata/meta_properties.hpp"
#include "broker-core/metadata/metadata_log.hpp"
#include "broker-core/metadata/records.hpp"

namespace sluice::metadata {

struct TopicInfo {
  std::string name;
  TopicId id;
  int32_t partitions = 1;
  TopicConfigs configs;             // the topic's own
  storage::TopicSettings settings;  // what they mean to the storage
  bool log_append_time = false;
};
using TopicPtr = std::shared_ptr<const TopicInfo>;  // immutable: a change makes a new one

// What a data directory knows of itself and its topics, durable in `meta.properties` and
// `metadata/`.
//
// Owned by the Broker, which holds the directory's lock. Any thread: changes run one after the
// other, each durable before it returns and only then visible; readers never wait for a disk. Ends
// with its destructor.
class Metadata {
 public:
  struct Settings {
    std::string directory;
    std::optional<std::string>
        cluster_id;  // for a directory that is made now; absent = a random one
    int32_t node_id = 1;
    uint64_t snapshot_bytes = 1u << 20;  // a new snapshot after so many bytes of changes
  };
  struct Dependencies {
    Disk& disk;
    Random& random;
  };
  static constexpr int32_t kPartitionsMax = 10'000;  // of one topic

  // Creates the directory's files if there are none yet. kCorrupt (file and byte) for damage,
  // kUnsupported for a newer format, kIo for a disk that fails.
  static Result<std::unique_ptr<Metadata>> open(const Settings& settings,
                                                Dependencies dependencies);

  const MetaProperties& properties() const { return properties_; }

  TopicPtr topic(std::string_view name) const;  // nullptr: no such topic
  TopicPtr topic(const TopicId& id) const;
  std::vector<TopicPtr> topics() const;  // by name
  uint64_t torn_tail_bytes() const { return log_->torn_tail_bytes(); }

  // Errors: kInvalid (name, count, config; Kafka's texts), kConflict (exists), kRetriable (no
  // space), kIo.
  Result<TopicPtr> create_topic(const std::string& name, int32_t partitions,
                                const TopicConfigs& configs);
  Result<TopicPtr> delete_topic(std::string_view name);  // returns what was deleted
  // nullopt as a value removes the topic's own config, so that the default holds again.
  Result<TopicPtr> alter_configs(std::string_view name,
                                 const std::map<std::string, std::optional<std::string>>& changes);
  Result<TopicPtr> set_partitions(std::string_view name, int32_t partitions);
  // Copies the files of `metadata/` and meta.properties; changes wait meanwhile.
  Status backup(BackupFolder& target);

 private:
  Metadata(Dependencies dependencies) : disk_(dependencies.disk), random_(dependencies.random) {}
  Status open_files(const Settings& settings);
  Status change(std::vector<Record> records);  // change_mutex_ is held
  Status apply(const std::vector<Record>& records);
  Status apply_one(const Record& record);
  void put(TopicInfo topic);
  Bytes encode_all() const;
  Result<TopicPtr> known(std::string_view name) const;

  Disk& disk_;
  Random& random_;
  MetaProperties properties_;
  std::string directory_;
  uint64_t snapshot_bytes_ = 0;
  std::unique_ptr<MetadataLog> log_;
  std::mutex change_mutex_;          // one change at a time, held during its sync
  mutable std::shared_mutex mutex_;  // the maps below; never held during I/O
  std::map<std::string, TopicPtr, std::less<>> by_name_;
  std::unordered_map<TopicId, TopicPtr> by_id_;
};

}  // namespace sluice::metadata
