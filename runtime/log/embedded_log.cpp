// SPDX-License-Identifier: Apache-2.0
#include "runtime/log/embedded_log.hpp"

#include <algorithm>
#include <charconv>

#include "broker-core/base/mutant.hpp"
#include "runtime/log/embedded_consumer.hpp"
#include "runtime/log/source_offsets.hpp"

namespace sluice::log {
namespace {

// Reads the number of starts so far and makes one more of it, durably.
Result<uint64_t> next_incarnation(Disk& disk, const std::string& path) {
  constexpr uint64_t kFileMax = 64;
  uint64_t number = 0;
  SLUICE_ASSIGN(const bool exists, disk.exists(path));
  if (exists) {
    SLUICE_ASSIGN(Bytes content, read_file(disk, path, kFileMax));
    const std::string_view text = as_text(content);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number >= (1u << 30))
      return Error{ErrorKind::kCorrupt,
                   path + ": byte 0: not a number of starts: \"" + std::string(text) + "\""};
  } else if (const size_t slash = path.rfind('/'); slash != std::string::npos) {
    const std::string folder = path.substr(0, slash);
    SLUICE_TRY(disk.create_directories(folder));
    // The folder's own name as well: with the file lost, epochs would go back and targets that
    // fence would refuse every new owner.
    const size_t parent = folder.rfind('/');
    if (parent != std::string::npos)
      SLUICE_TRY(disk.sync_directory(parent == 0 ? "/" : folder.substr(0, parent)));
  }
  ++number;
  SLUICE_TRY(write_file_atomically(disk, path, as_bytes(std::to_string(number))));
  return number;
}

class BrokerWatch : public Log::Watch {
 public:
  explicit BrokerWatch(std::unique_ptr<server::Broker::Watch> watch) : watch_(std::move(watch)) {}

 private:
  std::unique_ptr<server::Broker::Watch> watch_;
};

TopicInfo to_info(const metadata::TopicInfo& topic, const EmbeddedSettings& settings) {
  const auto& own = settings.worker_topics;
  bool internal =
      topic.name.starts_with("__") || std::find(own.begin(), own.end(), topic.name) != own.end();
  return {topic.name, topic.id.to_string(), topic.partitions, internal, topic.configs};
}

}  // namespace

Result<std::unique_ptr<Log>> open_embedded_log(EmbeddedSettings settings,
                                               EmbeddedDependencies dependencies) {
  SLUICE_ASSIGN(const uint64_t incarnation,
                next_incarnation(dependencies.disk, settings.epoch_file));
  auto shared = std::make_shared<EmbeddedShared>(std::move(settings), dependencies);
  shared->incarnation = incarnation;
  return std::unique_ptr<Log>(std::make_unique<EmbeddedLog>(std::move(shared)));
}

EmbeddedLog::~EmbeddedLog() {
  std::lock_guard lock(shared_->mutex);
  shared_->closed = true;
}

// ---------------------------------------------------------------------------------------------------------
// append

void EmbeddedLog::append(AppendRequest request, AppendDone done) {
  if (SLUICE_MUTANT("log.offsets_in_a_frame_of_their_own") && !request.batches.empty()) {
    AppendRequest alone;
    std::swap(alone.offsets, request.offsets);
    append(std::move(alone), [](const auto&) {});
  }
  std::vector<server::Broker::Batches> entries;
  entries.reserve(request.batches.size() + request.offsets.size());
  for (BatchAppend& batch : request.batches)
    entries.push_back({std::move(batch.partition), std::move(batch.batches)});
  if (!request.offsets.empty()) {
    Status added = add_offsets(request, entries);
    if (!added.ok()) return done(std::move(added).error());
  }
  if (entries.empty()) return done(std::vector<Appended>());
  if (request.producer.empty()) return hand_over(std::move(entries), nullptr, std::move(done));
  std::shared_lock lock(fence_mutex_);
  auto found = producers_.find(request.producer);
  if (found == producers_.end() ||
      (found->second->epoch != request.epoch && !SLUICE_MUTANT("log.no_epoch_check"))) {
    lock.unlock();
    return done(Error{ErrorKind::kFenced, "a newer owner of " + request.producer + " exists"});
  }
  found->second->under_way.fetch_add(1, std::memory_order_relaxed);
  hand_over(std::move(entries), found->second, std::move(done));
}

void EmbeddedLog::hand_over(std::vector<server::Broker::Batches> entries, ProducerPtr producer,
                            AppendDone done) {
  shared_->broker.append(
      std::move(entries), [producer = std::move(producer), done = std::move(done)](
                              Result<std::vector<server::Broker::Appended>> result) {
        if (producer) producer->under_way.fetch_sub(1, std::memory_order_release);
        if (!result.ok()) return done(std::move(result).error());
        std::vector<Appended> appended;
        appended.reserve(result->size());
        for (auto& entry : *result)
          appended.push_back({std::move(entry.partition), entry.base_offset, entry.next_offset});
        done(std::move(appended));
      });
}

Status EmbeddedLog::add_offsets(AppendRequest& request,
                                std::vector<server::Broker::Batches>& entries) {
  SLUICE_ASSIGN(const int32_t partitions, offsets_partitions());
  auto batches = encode_source_offsets(request.offsets, shared_->settings.offsets_topic, partitions,
                                       shared_->clock.now_ms().value());
  for (BatchAppend& batch : batches)
    entries.push_back({std::move(batch.partition), std::move(batch.batches)});
  return ok();
}

// Offsets that lie in another partition than Kafka's partitioner says would not be found: the count
// must be right, and the number of partitions of this topic never changes.
Result<int32_t> EmbeddedLog::offsets_partitions() {
  const int32_t known = offsets_partitions_.load(std::memory_order_relaxed);
  if (known > 0) return known;
  const EmbeddedSettings& settings = shared_->settings;
  auto topic = shared_->broker.topic(settings.offsets_topic);
  if (!topic.ok() && topic.error().kind == ErrorKind::kNotFound) {
    topic = shared_->broker.create_topic(settings.offsets_topic, settings.offsets_partitions,
                                         {{"cleanup.policy", "compact"}});
    if (!topic.ok() && topic.error().kind == ErrorKind::kConflict)
      topic = shared_->broker.topic(settings.offsets_topic);
  }
  if (!topic.ok()) return std::move(topic).error();
  offsets_partitions_.store((*topic)->partitions, std::memory_order_relaxed);
  return (*topic)->partitions;
}

Result<int64_t> EmbeddedLog::fence(const std::string& producer) {
  std::unique_lock lock(fence_mutex_);
  ProducerPtr& entry = producers_[producer];
  if (!entry) entry = std::make_shared<Producer>();
  entry->epoch = shared_->next_epoch();
  if (entry->under_way.load(std::memory_order_acquire) > 0)
    return Error{ErrorKind::kRetriable,
                 "appends of the previous owner of " + producer + " are still under way"};
  return entry->epoch;
}

// ----------------------------------------------------------------------------------------------------------
// reading

Result<Fetched> EmbeddedLog::read(const TopicPartitionName& partition, Offset from,
                                  size_t max_bytes) {
  SLUICE_ASSIGN(auto result, shared_->broker.read(partition, from, max_bytes));
  return Fetched{partition, std::move(result.batches), from, result.high_watermark};
}

std::unique_ptr<Log::Watch> EmbeddedLog::watch(
    std::vector<std::pair<TopicPartitionName, Offset>> from, std::function<void()> ready) {
  auto watch = shared_->broker.watch(from, ready);
  if (watch.ok()) return std::make_unique<BrokerWatch>(std::move(*watch));
  // A topic that is gone has nothing to wait for; the others have.
  std::erase_if(from, [this](const auto& entry) {
    return !shared_->broker.partition_state(entry.first).ok();
  });
  watch = shared_->broker.watch(from, std::move(ready));
  return std::make_unique<BrokerWatch>(watch.ok() ? std::move(*watch) : nullptr);
}

Result<std::unique_ptr<Consumer>> EmbeddedLog::subscribe(const Subscription& subscription,
                                                         std::function<void()> ready) {
  return open_embedded_consumer(shared_, subscription, std::move(ready));
}

Result<std::vector<GroupOffset>> EmbeddedLog::group_offsets(const std::string& group) {
  SLUICE_ASSIGN(auto offsets, shared_->broker.fetch_offsets(group));
  std::vector<GroupOffset> result;
  for (const auto& [partition, committed] : offsets)
    if (committed.offset.value() >= 0) result.push_back({partition, committed.offset});
  return result;
}

// -----------------------------------------------------------------------------------------------------------
// topics

Result<TopicInfo> EmbeddedLog::create_topic(const TopicSpec& spec) {
  if (spec.replication_factor > 1)
    shared_->logger.warn("topic " + spec.name + ": replication factor " +
                         std::to_string(spec.replication_factor) +
                         " cannot be had on the embedded log; it is made with 1");
  SLUICE_ASSIGN(auto topic, shared_->broker.create_topic(spec.name, spec.partitions, spec.configs));
  topics_changed(shared_);
  return to_info(*topic, shared_->settings);
}

Status EmbeddedLog::delete_topic(const std::string& name) {
  SLUICE_ASSIGN(auto topic, shared_->broker.topic(name));
  if (to_info(*topic, shared_->settings).internal)
    return Error{ErrorKind::kInvalid,
                 "The topic '" + name + "' is the worker's own and cannot be deleted."};
  SLUICE_TRY(shared_->broker.delete_topic(name));
  topics_changed(shared_);
  return ok();
}

Result<std::vector<TopicInfo>> EmbeddedLog::topics(const std::string& name) {
  std::vector<TopicInfo> result;
  if (!name.empty()) {
    auto topic = shared_->broker.topic(name);
    if (topic.ok())
      result.push_back(to_info(**topic, shared_->settings));
    else if (topic.error().kind != ErrorKind::kNotFound)
      return std::move(topic).error();
    return result;
  }
  for (const auto& topic : shared_->broker.topics())
    result.push_back(to_info(*topic, shared_->settings));
  return result;
}

Result<std::vector<PartitionRange>> EmbeddedLog::ranges(const std::string& topic) {
  SLUICE_ASSIGN(auto info, shared_->broker.topic(topic));
  std::vector<PartitionRange> result;
  for (int32_t p = 0; p < info->partitions; ++p) {
    TopicPartitionName name{topic, PartitionId(p)};
    SLUICE_ASSIGN(auto state, shared_->broker.partition_state(name));
    result.push_back({std::move(name), state.start_offset, state.high_watermark});
  }
  return result;
}

}  // namespace sluice::log
