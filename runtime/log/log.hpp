// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker-core/base/result.hpp"
#include "broker-core/base/types.hpp"

// The one interface of the worker to its Kafka log, implemented by the embedded broker core
// (embedded.hpp) and later by librdkafka (an Apache Kafka cluster). Every backend passes the suite
// in tests/unit/runtime/log.
namespace sluice::log {

// The position of one source partition, in Kafka Connect's JSON (compact, keys in Java's HashMap
// order).
struct SourceOffset {
  std::string connector;
  std::string partition;              // {"filename":"/a"}
  std::optional<std::string> offset;  // {"position":12}; nullopt deletes
};

struct BatchAppend {
  TopicPartitionName partition;
  Bytes batches;  // RecordBatch v2, one or more, base offsets are the log's business
};

struct AppendRequest {
  std::vector<BatchAppend> batches;
  std::vector<SourceOffset> offsets;  // made durable together with the batches: all or nothing
  std::string producer;               // fencing identity, "" = none; see Log::fence
  int64_t epoch = 0;
};

struct Appended {
  TopicPartitionName partition;
  Offset base_offset;
  Offset next_offset;
};
using AppendDone = std::function<void(Result<std::vector<Appended>>)>;

struct Fetched {
  TopicPartitionName partition;
  Bytes batches;  // whole batches; the first may begin before the asked offset
  Offset from;    // first offset that counts
  Offset high_watermark;
};

struct PartitionRange {
  TopicPartitionName partition;
  Offset start;
  Offset end;  // high watermark: first offset that is not durable
};

struct TopicSpec {
  std::string name;
  int32_t partitions = -1;          // -1 = the log's default
  int16_t replication_factor = -1;  // clamped to what the log can give, with a warning
  std::map<std::string, std::string> configs;
};
struct TopicInfo {
  std::string name;
  std::string id;
  int32_t partitions = 0;
  bool internal = false;
  std::map<std::string, std::string> configs;  // those that differ from the defaults
};

struct GroupOffset {
  TopicPartitionName partition;
  Offset next;
};

// What a consumer has to do next. Assign and Revoke are to be finished before next() is called
// again.
struct Assign {
  std::vector<GroupOffset> partitions;
  GenerationId generation;
};  // next = -1: nothing committed
struct Revoke {
  std::vector<TopicPartitionName> partitions;
  bool lost = false;
};  // lost: no commit possible
using ConsumerEvent = std::variant<std::monostate, Assign, Revoke, Fetched>;

// A member of a consumer group with its assigned partitions: what a sink task reads from. One owner
// at a time; `ready` and the `done` of commit come from other threads.
class Consumer {
 public:
  virtual ~Consumer() = default;  // leaves the group without committing
  // Never blocks. monostate: nothing now, `ready` will be called once when there is.
  virtual Result<ConsumerEvent> next(size_t max_bytes) = 0;
  virtual void seek(const TopicPartitionName& partition, Offset offset) = 0;
  virtual void pause(const TopicPartitionName& partition, bool paused) = 0;
  // Durable when `done` says ok. kFenced: the generation is over.
  virtual void commit(std::vector<GroupOffset> offsets, std::function<void(Status)> done) = 0;
  virtual int64_t epoch()
      const = 0;  // grows with every new assignment of the group: fencing for sinks
  // What the destructor does, from any thread: the owner may be held by a plugin. Only the
  // destructor may follow.
  virtual void leave() = 0;
};

struct Subscription {
  std::string group;                // connect-<name>
  std::string client_id;            // connector-consumer-<name>-<task>
  std::vector<std::string> topics;  // or
  std::string topics_regex;         // Java regex
  bool from_latest = false;         // where nothing is committed; default earliest
};

// Threads: all functions from any thread.
class Log {
 public:
  virtual ~Log() = default;
  // done: once, from a thread of the log, after everything is durable (or none of it ever will be).
  virtual void append(AppendRequest request, AppendDone done) = 0;
  virtual Result<Fetched> read(const TopicPartitionName& partition, Offset from,
                               size_t max_bytes) = 0;
  // Calls `ready` once as soon as one of the partitions has durable records at or after its offset.
  class Watch {
   public:
    virtual ~Watch() = default;
  };
  virtual std::unique_ptr<Watch> watch(std::vector<std::pair<TopicPartitionName, Offset>> from,
                                       std::function<void()> ready) = 0;
  virtual Result<std::unique_ptr<Consumer>> subscribe(const Subscription& subscription,
                                                      std::function<void()> ready) = 0;
  virtual Result<std::vector<GroupOffset>> group_offsets(const std::string& group) = 0;
  virtual Result<TopicInfo> create_topic(const TopicSpec& spec) = 0;  // kConflict: exists
  // With its records and what groups have committed for it. kNotFound; kInvalid: an internal topic.
  virtual Status delete_topic(const std::string& name) = 0;
  virtual Result<std::vector<TopicInfo>> topics(const std::string& name = "") = 0;
  virtual Result<std::vector<PartitionRange>> ranges(const std::string& topic) = 0;
  // A new epoch for a producer identity (connector-task): appends under an older one fail with
  // kFenced.
  virtual Result<int64_t> fence(const std::string& producer) = 0;
  virtual std::string cluster_id() = 0;
};

// Blocking form of append for control-plane use.
Result<std::vector<Appended>> append_and_wait(Log& log, AppendRequest request);

}  // namespace sluice::log
