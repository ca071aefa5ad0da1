// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/crc32c.hpp"
#include "broker-core/metadata/topic_name.hpp"
#include "broker-core/model/endian.hpp"
#include "broker-core/model/record_batch.hpp"
#include "broker-core/server/broker.hpp"
#include "broker-core/server/group_service.hpp"

namespace sluice::server {

namespace {

// Compaction goes by key, so every record of a compacted topic needs one.
Status check_keys(ByteView batch, const TopicPartitionName& partition) {
  SLUICE_ASSIGN(auto reader, model::RecordReader::open(batch));
  if (reader.header().control()) return ok();
  model::RecordView record;
  while (true) {
    SLUICE_ASSIGN(const bool more, reader.next(record));
    if (!more) return ok();
    if (!record.key) {
      return Error{ErrorKind::kInvalid,
                   "Compacted topic cannot accept message without key in topic partition " +
                       partition.to_string() + "."};
    }
  }
}

// message.timestamp.type=LogAppendTime: the batch has the time of the append, which is under its
// CRC.
void stamp_time(std::span<std::byte> batch, const model::BatchHeader& header, TimestampMs now) {
  model::store_big<int16_t>(batch.data() + 21, static_cast<int16_t>(header.attributes | 8));
  model::store_big<int64_t>(batch.data() + 35, now.value());
  model::store_big<uint32_t>(batch.data() + 17, crc32c(batch.subspan(21)));
}

}  // namespace

Result<TopicPartition> Broker::resolve(const TopicPartitionName& partition) const {
  const auto topic = metadata_->topic(partition.topic);
  if (!topic || partition.partition.value() < 0 ||
      partition.partition.value() >= topic->partitions) {
    return Error{ErrorKind::kNotFound,
                 partition.to_string() + ": This server does not host this topic-partition."};
  }
  return TopicPartition{topic->id, partition.partition};
}

Status Broker::prepare(const metadata::TopicInfo& topic, PartitionId partition,
                       Bytes& batches) const {
  if (!topic.settings.compact && !topic.log_append_time) return ok();
  std::span<std::byte> rest(batches);
  while (!rest.empty()) {
    SLUICE_ASSIGN(const auto header, model::read_batch_header(rest));
    const auto batch = rest.first(header.size());
    if (topic.settings.compact) SLUICE_TRY(check_keys(batch, {topic.name, partition}));
    if (topic.log_append_time) {
      SLUICE_TRY(model::verify_batch_crc(batch));  // a new CRC must not make damage look right
      stamp_time(batch, header, dependencies_.clock.now_ms());
    }
    rest = rest.subspan(header.size());
  }
  return ok();
}

void Broker::append(std::vector<Batches> entries, AppendDone done) {
  std::vector<storage::PartitionAppend> appends;
  std::vector<TopicPartitionName> names;
  appends.reserve(entries.size());
  names.reserve(entries.size());
  for (Batches& entry : entries) {
    if (entry.partition.topic == metadata::kConsumerOffsetsTopic) {
      return done(Error{ErrorKind::kInvalid, "The topic '" + entry.partition.topic +
                                                 "' is written by the broker only."});
    }
    auto resolved = resolve(entry.partition);
    if (!resolved.ok()) return done(resolved.error());
    const auto topic = metadata_->topic(resolved->topic);
    if (topic) {
      if (auto fine = prepare(*topic, entry.partition.partition, entry.batches); !fine.ok())
        return done(fine.error());
    }
    appends.push_back({*resolved, std::move(entry.batches)});
    names.push_back(std::move(entry.partition));
  }
  log_->append(std::move(appends), [names = std::move(names), done = std::move(done)](
                                       Result<std::vector<storage::AppendResult>> result) {
    if (!result.ok()) return done(result.error());
    std::vector<Appended> out;
    out.reserve(result->size());
    for (size_t i = 0; i < result->size(); ++i) {
      out.push_back({names[i], (*result)[i].base_offset, (*result)[i].next_offset});
    }
    done(std::move(out));
  });
}

Result<storage::ReadResult> Broker::read(const TopicPartitionName& partition, Offset from,
                                         size_t max_bytes) {
  SLUICE_ASSIGN(const auto resolved, resolve(partition));
  return log_->read(resolved, from, max_bytes);
}

Result<std::unique_ptr<Broker::Watch>> Broker::watch(
    const std::vector<std::pair<TopicPartitionName, Offset>>& after, std::function<void()> ready) {
  std::vector<std::pair<TopicPartition, Offset>> resolved;
  resolved.reserve(after.size());
  for (const auto& [partition, offset] : after) {
    SLUICE_ASSIGN(const auto one, resolve(partition));
    resolved.emplace_back(one, offset);
  }
  return log_->watch(std::move(resolved), std::move(ready));
}

Result<storage::PartitionState> Broker::partition_state(const TopicPartitionName& partition) const {
  SLUICE_ASSIGN(const auto resolved, resolve(partition));
  return log_->state(resolved);
}

Result<Offset> Broker::earliest_offset(const TopicPartitionName& partition) const {
  SLUICE_ASSIGN(const auto state, partition_state(partition));
  if (state.offline) return *state.offline;
  return state.start_offset;
}

Result<Offset> Broker::latest_offset(const TopicPartitionName& partition) const {
  SLUICE_ASSIGN(const auto state, partition_state(partition));
  if (state.offline) return *state.offline;
  return state.high_watermark;
}

Result<std::optional<Offset>> Broker::offset_for_timestamp(const TopicPartitionName& partition,
                                                           TimestampMs timestamp) {
  SLUICE_ASSIGN(const auto resolved, resolve(partition));
  return log_->offset_for_timestamp(resolved, timestamp);
}

Status Broker::delete_records(const TopicPartitionName& partition, Offset before) {
  SLUICE_ASSIGN(const auto resolved, resolve(partition));
  return log_->delete_records(resolved, before);
}

}  // namespace sluice::server
