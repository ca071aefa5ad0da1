// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/topic_log.hpp"

#include "broker-core/base/crash_point.hpp"
#include "broker-core/model/partitioner.hpp"
#include "broker-core/model/record_batch.hpp"
#include "runtime/logging/logging.hpp"

namespace sluice::store {
namespace {

constexpr size_t kReadBytes = 1u << 20;

std::string_view text_of(ByteView bytes) {
  return as_text(bytes);
}

}  // namespace

Warn warn_or_log(Warn warn) {
  if (warn) return warn;
  return [logger = logging::Logger("store")](const std::string& line) { logger.warn(line); };
}

Status TopicLog::open() {
  log::TopicSpec spec{settings_.topic, settings_.partitions, settings_.replication_factor,
                      settings_.configs};
  spec.configs["cleanup.policy"] = "compact";
  auto created = log_.create_topic(spec);
  if (created.ok()) {
    next_.assign(static_cast<size_t>(created->partitions), Offset(0));
    return ok();
  }
  if (created.error().kind != ErrorKind::kConflict)
    return created.error().with("topic " + settings_.topic);
  SLUICE_ASSIGN(auto found, log_.topics(settings_.topic));
  if (found.empty())
    return Error{ErrorKind::kNotFound, "topic " + settings_.topic + " exists and cannot be seen"};
  auto policy = found[0].configs.find("cleanup.policy");
  if (policy == found[0].configs.end() || policy->second != "compact")
    return Error{ErrorKind::kInvalid,
                 "Topic '" + settings_.topic +
                     "' must have cleanup.policy=compact, or records that the worker needs "
                     "would be deleted; it has cleanup.policy=" +
                     (policy == found[0].configs.end() ? "delete" : policy->second) +
                     ". Set the policy, or name another topic in the worker's properties."};
  next_.assign(static_cast<size_t>(found[0].partitions), Offset(0));
  return ok();
}

Status TopicLog::read_new(const Seen& seen) {
  for (size_t p = 0; p < next_.size(); ++p)
    SLUICE_TRY(read_partition(PartitionId(static_cast<int32_t>(p)), next_[p], seen));
  return ok();
}

Status TopicLog::read_partition(PartitionId partition, Offset& next, const Seen& seen) {
  TopicPartitionName name{settings_.topic, partition};
  model::RecordView record;
  for (;;) {
    auto fetched = log_.read(name, next, kReadBytes);
    if (!fetched.ok() && fetched.error().kind == ErrorKind::kOutOfRange) {
      // Deleted from the front: what is left is the newest of each key all the same.
      SLUICE_ASSIGN(auto ranges, log_.ranges(settings_.topic));
      const Offset start = ranges.at(static_cast<size_t>(partition.value())).start;
      if (start == next) return fetched.error();
      next = start;
      continue;
    }
    if (!fetched.ok()) return std::move(fetched).error();
    ByteView rest(fetched->batches);
    if (rest.empty()) return ok();
    while (!rest.empty()) {
      SLUICE_ASSIGN(auto header, model::read_batch_header(rest));
      SLUICE_ASSIGN(auto reader, model::RecordReader::open(rest.first(header.size())));
      for (;;) {
        SLUICE_ASSIGN(const bool more, reader.next(record));
        if (!more) break;
        if (record.offset < next || header.control() || !record.key) continue;
        seen(text_of(*record.key),
             record.value ? std::optional(text_of(*record.value)) : std::nullopt, record.timestamp);
      }
      next = std::max(next, header.next_offset());
      rest = rest.subspan(header.size());
    }
  }
}

void TopicLog::append(const std::vector<KeyValue>& records, std::function<void(Status)> done) {
  const int64_t now = clock_.now_ms().value();
  std::map<PartitionId, model::BatchBuilder> builders;
  for (const KeyValue& record : records) {
    auto partition =
        model::partition_for_key(as_bytes(record.key), static_cast<int32_t>(next_.size()));
    std::optional<ByteView> value;
    if (record.value) value = as_bytes(*record.value);
    if (!builders[partition].add(now, as_bytes(record.key), value)) {
      done(Error{ErrorKind::kInvalid,
                 "record " + record.key + " is too large for topic " + settings_.topic});
      return;
    }
  }
  log::AppendRequest request;
  for (auto& [partition, builder] : builders)
    request.batches.push_back({{settings_.topic, partition}, builder.finish()});
  SLUICE_CRASH_POINT("store.before_append");
  log_.append(std::move(request),
              [done = std::move(done)](Result<std::vector<log::Appended>> result) {
                SLUICE_CRASH_POINT("store.appended");
                done(result.ok() ? ok() : Status(std::move(result).error()));
              });
}

std::vector<std::pair<TopicPartitionName, Offset>> TopicLog::positions() const {
  std::vector<std::pair<TopicPartitionName, Offset>> result;
  for (size_t p = 0; p < next_.size(); ++p)
    result.push_back({{settings_.topic, PartitionId(static_cast<int32_t>(p))}, next_[p]});
  return result;
}

}  // namespace sluice::store
