// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_log.hpp"

#include "broker-core/model/record_batch.hpp"

namespace sluice::testing {
namespace {

class FakeConsumer : public log::Consumer {
 public:
  explicit FakeConsumer(std::shared_ptr<ScriptedConsumer> script) : script_(std::move(script)) {}
  ~FakeConsumer() override { FakeConsumer::leave(); }
  void leave() override {
    std::lock_guard lock(script_->mutex);
    script_->left = true;
    script_->ready = nullptr;
  }
  Result<log::ConsumerEvent> next(size_t) override {
    std::lock_guard lock(script_->mutex);
    ++script_->asked;
    if (script_->events.empty()) return log::ConsumerEvent();
    // A paused partition's records stay where they are.
    auto first = script_->events.begin();
    if (first->ok())
      if (auto* fetched = std::get_if<log::Fetched>(&first->value()))
        if (script_->paused[fetched->partition]) return log::ConsumerEvent();
    auto event = std::move(*first);
    script_->events.pop_front();
    if (event.ok() && std::holds_alternative<log::Assign>(*event)) script_->paused.clear();
    return event;
  }
  void seek(const TopicPartitionName& partition, Offset offset) override {
    std::lock_guard lock(script_->mutex);
    script_->seeks.emplace_back(partition, offset);
  }
  void pause(const TopicPartitionName& partition, bool paused) override {
    std::lock_guard lock(script_->mutex);
    script_->paused[partition] = paused;
  }
  void commit(std::vector<log::GroupOffset> offsets, std::function<void(Status)> done) override {
    std::unique_lock lock(script_->mutex);
    script_->commits.push_back(std::move(offsets));
    if (script_->hold_commits) {
      script_->held_commits.push_back(std::move(done));
      return;
    }
    Status status = script_->commit_status;
    lock.unlock();
    done(std::move(status));
  }
  int64_t epoch() const override {
    std::lock_guard lock(script_->mutex);
    return script_->epoch;
  }

 private:
  std::shared_ptr<ScriptedConsumer> script_;
};

class FakeWatch : public log::Log::Watch {
 public:
  std::shared_ptr<int> alive = std::make_shared<int>(0);
};

}  // namespace

void ScriptedConsumer::push(log::ConsumerEvent event) {
  std::unique_lock lock(mutex);
  events.emplace_back(std::move(event));
  auto call = ready;
  lock.unlock();
  if (call) call();
}

void ScriptedConsumer::fail(Error error) {
  std::unique_lock lock(mutex);
  events.emplace_back(std::move(error));
  auto call = ready;
  lock.unlock();
  if (call) call();
}

void FakeLog::hold(bool on) {
  std::lock_guard lock(mutex_);
  hold_ = on;
}

size_t FakeLog::held() const {
  std::lock_guard lock(mutex_);
  return held_.size();
}

void FakeLog::release(size_t count) {
  for (; count > 0; --count) {
    std::unique_lock lock(mutex_);
    if (held_.empty()) return;
    Held next = std::move(held_.front());
    held_.pop_front();
    auto result = apply(next.request);
    lock.unlock();
    next.done(std::move(result));
  }
}

void FakeLog::fail_next(Error error, size_t times) {
  std::lock_guard lock(mutex_);
  for (; times > 0; --times) failures_.push_back(error);
}

uint64_t FakeLog::appends() const {
  std::lock_guard lock(mutex_);
  return appends_;
}

std::vector<std::pair<std::string, std::optional<std::string>>> FakeLog::values(
    const std::string& topic) const {
  std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, std::optional<std::string>>> result;
  for (const auto& [name, partition] : partitions_) {
    if (name.topic != topic) continue;
    for (const Bytes& batch : partition.batches) {
      auto reader = model::RecordReader::open(batch);
      model::RecordView record;
      for (;;) {
        auto more = reader->next(record);
        if (!more.ok() || !more.value()) break;
        std::optional<std::string> value;
        if (record.value) value = std::string(as_text(*record.value));
        result.emplace_back(record.key ? std::string(as_text(*record.key)) : "", value);
      }
    }
  }
  return result;
}

std::map<std::pair<std::string, std::string>, std::string> FakeLog::offsets() const {
  std::lock_guard lock(mutex_);
  return offsets_;
}

void FakeLog::append(log::AppendRequest request, log::AppendDone done) {
  std::unique_lock lock(mutex_);
  ++appends_;
  if (!failures_.empty()) {
    Error error = std::move(failures_.front());
    failures_.pop_front();
    lock.unlock();
    return done(std::move(error));
  }
  if (hold_) {
    held_.push_back({std::move(request), std::move(done)});
    return;
  }
  auto result = apply(request);
  auto watchers = std::move(watchers_);
  watchers_.clear();
  lock.unlock();
  done(std::move(result));
  for (auto& [alive, ready] : watchers)
    if (!alive.expired()) ready();
}

Result<std::vector<log::Appended>> FakeLog::apply(log::AppendRequest& request) {
  if (!request.producer.empty() && epochs_[request.producer] != request.epoch)
    return Error{ErrorKind::kFenced, "producer " + request.producer + " was fenced"};
  std::vector<log::Appended> appended;
  for (auto& append : request.batches)
    if (!partitions_.contains(append.partition))
      return Error{ErrorKind::kNotFound, "no such partition: " + append.partition.to_string()};
  for (auto& append : request.batches) {
    Partition& partition = partitions_[append.partition];
    const Offset base = partition.end;
    std::span<std::byte> rest(append.batches);
    while (!rest.empty()) {
      auto header = model::read_batch_header(rest);
      if (!header.ok()) return std::move(header).error();
      auto batch = rest.first(header->size());
      model::stamp_batch(batch, partition.end, LeaderEpoch(0));
      partition.batches.emplace_back(batch.begin(), batch.end());
      partition.end = partition.end + (int64_t(header->last_offset_delta) + 1);
      rest = rest.subspan(header->size());
    }
    appended.push_back({append.partition, base, partition.end});
  }
  for (auto& offset : request.offsets) {
    if (offset.offset)
      offsets_[{offset.connector, offset.partition}] = *offset.offset;
    else
      offsets_.erase({offset.connector, offset.partition});
  }
  return appended;
}

Result<log::Fetched> FakeLog::read(const TopicPartitionName& name, Offset from, size_t max_bytes) {
  std::lock_guard lock(mutex_);
  auto found = partitions_.find(name);
  if (found == partitions_.end())
    return Error{ErrorKind::kNotFound, "no such partition: " + name.to_string()};
  if (from > found->second.end) return Error{ErrorKind::kOutOfRange, "offset out of range"};
  log::Fetched fetched{name, {}, from, found->second.end};
  for (const Bytes& batch : found->second.batches) {
    if (model::read_batch_header(batch)->next_offset() <= from) continue;
    if (!fetched.batches.empty() && fetched.batches.size() + batch.size() > max_bytes) break;
    fetched.batches.insert(fetched.batches.end(), batch.begin(), batch.end());
  }
  return fetched;
}

std::unique_ptr<log::Log::Watch> FakeLog::watch(std::vector<std::pair<TopicPartitionName, Offset>>,
                                                std::function<void()> ready) {
  auto watch = std::make_unique<FakeWatch>();
  std::lock_guard lock(mutex_);
  watchers_.emplace_back(watch->alive, std::move(ready));
  return watch;
}

Result<std::unique_ptr<log::Consumer>> FakeLog::subscribe(const log::Subscription&,
                                                          std::function<void()> ready) {
  {
    std::lock_guard lock(consumer_->mutex);
    consumer_->ready = std::move(ready);
  }
  return std::unique_ptr<log::Consumer>(std::make_unique<FakeConsumer>(consumer_));
}

Result<std::vector<log::GroupOffset>> FakeLog::group_offsets(const std::string&) {
  return std::vector<log::GroupOffset>();
}

Result<log::TopicInfo> FakeLog::create_topic(const log::TopicSpec& spec) {
  std::lock_guard lock(mutex_);
  if (topics_.contains(spec.name))
    return Error{ErrorKind::kConflict, "Topic '" + spec.name + "' already exists."};
  log::TopicInfo info{spec.name, "id", spec.partitions < 0 ? 1 : spec.partitions, false,
                      spec.configs};
  topics_[spec.name] = info;
  for (int32_t p = 0; p < info.partitions; ++p) partitions_[{spec.name, PartitionId(p)}];
  return info;
}

Status FakeLog::delete_topic(const std::string& name) {
  std::lock_guard lock(mutex_);
  if (topics_.erase(name) == 0)
    return Error{ErrorKind::kNotFound, "The topic '" + name + "' does not exist."};
  std::erase_if(partitions_, [&](const auto& entry) { return entry.first.topic == name; });
  return ok();
}

Result<std::vector<log::TopicInfo>> FakeLog::topics(const std::string& name) {
  std::lock_guard lock(mutex_);
  std::vector<log::TopicInfo> result;
  for (const auto& [topic, info] : topics_)
    if (name.empty() || topic == name) result.push_back(info);
  return result;
}

Result<std::vector<log::PartitionRange>> FakeLog::ranges(const std::string& topic) {
  std::lock_guard lock(mutex_);
  std::vector<log::PartitionRange> result;
  for (const auto& [name, partition] : partitions_)
    if (name.topic == topic) result.push_back({name, Offset(0), partition.end});
  if (result.empty()) return Error{ErrorKind::kNotFound, "no such topic: " + topic};
  return result;
}

Result<int64_t> FakeLog::fence(const std::string& producer) {
  std::lock_guard lock(mutex_);
  return ++epochs_[producer];
}

}  // namespace sluice::testing
