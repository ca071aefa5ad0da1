// SPDX-License-Identifier: Apache-2.0
#include "broker-core/coordinator/group_records.hpp"
#include "broker-core/metadata/topic_name.hpp"
#include "broker-core/model/record_batch.hpp"
#include "broker-core/server/broker.hpp"
#include "broker-core/server/group_service.hpp"

namespace sluice::server {

using namespace coordinator;

namespace {

constexpr size_t kLoadBytes = 1u << 20;
constexpr size_t kBatchBytes = 256u * 1024;  // well below max.message.bytes

}  // namespace

Status Broker::open_groups() {
  const std::string name(metadata::kConsumerOffsetsTopic);
  offsets_topic_ = metadata_->topic(name);
  if (!offsets_topic_) {
    // Segments much smaller than Kafka's 100 MiB: the one that is written to is never compacted,
    // and start-up reads all.
    const metadata::TopicConfigs configs = {{"cleanup.policy", "compact"},
                                            {"compression.type", "producer"},
                                            {"segment.bytes", "1048576"}};
    SLUICE_ASSIGN(offsets_topic_, create_topic(name, kOffsetsPartitions, configs));
  }
  groups_ = std::make_unique<GroupService>(
      settings_.groups,
      GroupService::Dependencies{dependencies_.clock, dependencies_.random,
                                 dependencies_.simulation},
      [this](PartitionId partition, std::vector<GroupRecord> records,
             std::function<void(Status)> done) {
        append_group_records(partition, std::move(records), std::move(done));
      });
  SLUICE_TRY(load_groups(*offsets_topic_));
  groups_->start();
  return ok();
}

Status Broker::load_groups(const metadata::TopicInfo& topic) {
  for (int32_t partition = 0; partition < topic.partitions; ++partition) {
    auto loaded = load_partition(topic, PartitionId(partition));
    // Damage takes the groups of that partition away, not the broker: they answer with an error,
    // where "nothing committed" would make their members skip or repeat records.
    if (!loaded.ok()) groups_->loading().partition_failed(PartitionId(partition), loaded.error());
  }
  return ok();
}

Status Broker::load_partition(const metadata::TopicInfo& topic, PartitionId partition) {
  const TopicPartition id{topic.id, partition};
  SLUICE_ASSIGN(const auto state, log_->state(id));
  if (state.offline) return *state.offline;
  model::RecordView record;
  for (Offset next = state.start_offset; next < state.high_watermark;) {
    SLUICE_ASSIGN(const auto chunk, log_->read(id, next, kLoadBytes));
    if (chunk.batches.empty()) break;
    for (ByteView rest(chunk.batches); !rest.empty();) {
      SLUICE_ASSIGN(auto reader, model::RecordReader::open(rest));
      while (!reader.header().control()) {
        SLUICE_ASSIGN(const bool more, reader.next(record));
        if (!more) break;
        if (record.key) SLUICE_TRY(groups_->loading().load(partition, *record.key, record.value));
      }
      next = reader.header().next_offset();
      rest = rest.subspan(reader.header().size());
    }
  }
  return ok();
}

void Broker::append_group_records(PartitionId partition, std::vector<GroupRecord> records,
                                  std::function<void(Status)> done) {
  const int64_t now = dependencies_.clock.now_ms().value();
  model::BatchBuilder builder;
  Bytes batches;
  auto close = [&] {
    const Bytes batch = builder.finish();
    batches.insert(batches.end(), batch.begin(), batch.end());
  };
  for (const GroupRecord& record : records) {
    const std::optional<ByteView> value =
        record.value ? std::optional<ByteView>(*record.value) : std::nullopt;
    if (!builder.add(now, ByteView(record.key), value)) {
      return done(Error{ErrorKind::kInvalid, "group record too large"});
    }
    if (builder.size_bytes() > kBatchBytes) close();
  }
  close();
  std::vector<storage::PartitionAppend> entries;
  entries.push_back({{offsets_topic_->id, partition}, std::move(batches)});
  log_->append(std::move(entries),
               [done = std::move(done)](Result<std::vector<storage::AppendResult>> result) {
                 done(result.ok() ? ok() : Status(result.error()));
               });
}

void Broker::join_group(const JoinRequest& request, Done<JoinResponse> done,
                        std::function<void()> rebalance) {
  groups_->join(request, std::move(done), std::move(rebalance));
}

void Broker::sync_group(const SyncRequest& request, Done<SyncResponse> done) {
  groups_->sync(request, std::move(done));
}

GroupError Broker::heartbeat(const MemberRequest& request) {
  return groups_->heartbeat(request);
}
GroupError Broker::leave_group(const MemberRequest& request) {
  return groups_->leave(request);
}

void Broker::commit_offsets(const CommitRequest& request, Done<CommitResponse> done) {
  CommitRequest known = request;
  std::map<TopicPartitionName, GroupError> refused;
  std::erase_if(known.offsets, [&](const auto& offset) {
    if (resolve(offset.first).ok()) return false;
    refused[offset.first] = GroupError::kUnknownTopicOrPartition;
    return true;
  });
  groups_->commit(known,
                  [done = std::move(done), refused = std::move(refused)](CommitResponse response) {
                    response.partitions.insert(refused.begin(), refused.end());
                    done(std::move(response));
                  });
}

Result<std::map<TopicPartitionName, CommittedOffset>> Broker::fetch_offsets(
    const std::string& group,
    const std::optional<std::vector<TopicPartitionName>>& partitions) const {
  auto fetched = groups_->fetch(group, partitions);
  if (fetched.error != GroupError::kNone) return to_error(fetched.error, group);
  return std::move(fetched.offsets);
}

std::vector<GroupListing> Broker::groups() const {
  return groups_->list();
}
GroupDescription Broker::describe_group(const std::string& group) const {
  return groups_->describe(group);
}

void Broker::delete_group(const std::string& group, Done<DeleteResponse> done) {
  groups_->remove(group, std::move(done));
}

}  // namespace sluice::server
