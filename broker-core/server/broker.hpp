// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker-core/base/clock.hpp"
#include "broker-core/base/disk.hpp"
#include "broker-core/base/executor.hpp"
#include "broker-core/base/random.hpp"
#include "broker-core/coordinator/group_coordinator.hpp"
#include "broker-core/metadata/metadata.hpp"
#include "broker-core/storage/log.hpp"

namespace sluice::server {

class GroupService;

// The broker core over one data directory: lock, metadata, log and groups as one thing, by topic
// names.
//
// Threads: every function from any thread. `done` and `ready` callbacks come from the commit
// thread, the groups' timer thread or the caller's own, and must not block. With
// Dependencies::simulation there are no threads and all of it runs as work of that executor. Owned
// by whoever opened it, who keeps the dependencies alive. Ends with stop() (or the destructor),
// which must not be called from a callback: what is queued becomes durable, the rest is answered
// with an error, the lock is released.
class Broker {
 public:
  struct Settings {
    std::string directory;
    std::optional<std::string> cluster_id;  // for a new directory; absent = random
    int32_t node_id = 1;
    int32_t default_partitions = 1;  // num.partitions
    uint64_t metadata_snapshot_bytes = 1u << 20;
    storage::Settings storage;       // its directory is set from the above
    coordinator::GroupCoordinator::Settings groups;
  };
  struct Dependencies {
    Disk& disk;
    Clock& clock;
    Random& random;
    Executor* simulation = nullptr;
  };

  // Creates the directory if it is not there, recovers it otherwise. kConflict: another process has
  // it open; kCorrupt / kUnsupported: see Metadata and storage::Log.
  static Result<std::unique_ptr<Broker>> open(Settings settings, Dependencies dependencies);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  const metadata::MetaProperties& properties() const;
  const std::string& cluster_id() const { return properties().cluster_id; }
  const storage::RecoveryReport& recovery() const;

  // --- topics (errors: kInvalid, kConflict, kNotFound with Kafka's texts; kRetriable: no space)
  // `partitions` -1: the default.
  Result<metadata::TopicPtr> create_topic(const std::string& name, int32_t partitions,
                                          const metadata::TopicConfigs& configs);
  // Its records and all offsets committed for it go as well. The broker's own topics are refused.
  Status delete_topic(const std::string& name);
  Result<metadata::TopicPtr> alter_configs(
      const std::string& name, const std::map<std::string, std::optional<std::string>>& changes);
  Result<metadata::TopicPtr> set_partitions(const std::string& name, int32_t partitions);
  Result<metadata::TopicPtr> topic(std::string_view name) const;
  std::vector<metadata::TopicPtr> topics() const;  // by name

  // --- records
  struct Batches {
    TopicPartitionName partition;
    Bytes batches;  // whole RecordBatch v2 with right CRCs, back to back
  };
  struct Appended {
    TopicPartitionName partition;
    Offset base_offset;
    Offset next_offset;
  };
  using AppendDone = std::function<void(Result<std::vector<Appended>>)>;
  // All of it durable or none. `done` once; for a refused request before append() returns. Appends
  // of one caller keep their order. A record without a key is refused (kInvalid) on a compacted
  // topic.
  void append(std::vector<Batches> entries, AppendDone done);

  Result<storage::ReadResult> read(const TopicPartitionName& partition, Offset from,
                                   size_t max_bytes);
  using Watch = storage::Log::Watch;
  // See storage::Log::watch.
  Result<std::unique_ptr<Watch>> watch(
      const std::vector<std::pair<TopicPartitionName, Offset>>& after, std::function<void()> ready);
  Result<storage::PartitionState> partition_state(const TopicPartitionName& partition) const;
  Result<Offset> earliest_offset(const TopicPartitionName& partition) const;
  Result<Offset> latest_offset(const TopicPartitionName& partition) const;  // the high watermark
  Result<std::optional<Offset>> offset_for_timestamp(const TopicPartitionName& partition,
                                                     TimestampMs timestamp);
  Status delete_records(const TopicPartitionName& partition, Offset before);

  // --- groups: see coordinator/group_types.hpp. One `done` per request, perhaps before the call
  // returns.
  template <class T>
  using Done = std::function<void(T)>;
  // A member of this process sets JoinRequest::in_process and client_host to kInProcessHost;
  // `rebalance` is called when it has to join again, once more perhaps while leave_group() is under
  // way.
  void join_group(const coordinator::JoinRequest& request, Done<coordinator::JoinResponse> done,
                  std::function<void()> rebalance = {});
  void sync_group(const coordinator::SyncRequest& request, Done<coordinator::SyncResponse> done);
  coordinator::GroupError heartbeat(const coordinator::MemberRequest& request);
  coordinator::GroupError leave_group(const coordinator::MemberRequest& request);
  // Answered when the offsets are durable. Offsets of topics that do not exist are refused one by
  // one.
  void commit_offsets(const coordinator::CommitRequest& request,
                      Done<coordinator::CommitResponse> done);
  // nullopt: all that the group has. A group or partition without offsets is -1, or absent, never
  // an error.
  Result<std::map<TopicPartitionName, coordinator::CommittedOffset>> fetch_offsets(
      const std::string& group,
      const std::optional<std::vector<TopicPartitionName>>& partitions = {}) const;
  std::vector<coordinator::GroupListing> groups() const;
  coordinator::GroupDescription describe_group(const std::string& group) const;
  void delete_group(const std::string& group, Done<coordinator::DeleteResponse> done);

  // --- operation
  storage::Stats stats() const;
  Status checkpoint();
  Status run_housekeeping();
  // Writes a copy of the directory to `directory`, which must not exist: all records, offsets and
  // topics that were acknowledged before the call, whole and as of one moment. `more`: other files
  // below the data directory, copied where they are there. Everything else goes on meanwhile.
  Status backup(const std::string& directory, const std::vector<std::string>& more,
                CopyProgress progress);
  Status stop();

 private:
  explicit Broker(Settings settings, Dependencies dependencies);
  Status open_all();
  Status open_log();
  Status open_groups();
  Status load_groups(const metadata::TopicInfo& topic);
  Status load_partition(const metadata::TopicInfo& topic, PartitionId partition);
  void append_group_records(PartitionId partition, std::vector<coordinator::GroupRecord> records,
                            std::function<void(Status)> done);
  Result<TopicPartition> resolve(const TopicPartitionName& partition) const;
  Status prepare(const metadata::TopicInfo& topic, PartitionId partition, Bytes& batches) const;

  Settings settings_;
  Dependencies dependencies_;
  std::unique_ptr<File> lock_;
  std::unique_ptr<metadata::Metadata> metadata_;
  std::unique_ptr<GroupService> groups_;  // outlives the log, whose callbacks it takes
  std::unique_ptr<storage::Log> log_;
  metadata::TopicPtr offsets_topic_;
  bool stopped_ = false;
};

}  // namespace sluice::server
