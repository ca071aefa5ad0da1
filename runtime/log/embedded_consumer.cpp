// SPDX-License-Identifier: Apache-2.0
#include "runtime/log/embedded_consumer.hpp"

#include <algorithm>

#include "broker-core/base/mutant.hpp"
#include "broker-core/coordinator/assignor.hpp"
#include "broker-core/coordinator/consumer_protocol.hpp"
#include "broker-core/model/record_batch.hpp"

namespace sluice::log {

using coordinator::GroupError;

EmbeddedConsumer::EmbeddedConsumer(std::shared_ptr<EmbeddedShared> shared,
                                   Subscription subscription,
                                   std::optional<config::JavaRegex> regex,
                                   std::function<void()> ready)
    : shared_(std::move(shared)),
      subscription_(std::move(subscription)),
      regex_(std::move(regex)),
      ready_(std::move(ready)) {}

int64_t EmbeddedConsumer::epoch() const {
  std::lock_guard lock(mutex_);
  return epoch_;
}

void EmbeddedConsumer::call_ready(Lock& lock) {
  if (!waiting_ || left_) return;
  waiting_ = false;
  auto ready = ready_;
  lock.unlock();
  ready();
  lock.lock();
}

Result<ConsumerEvent> EmbeddedConsumer::next(size_t max_bytes) {
  std::unique_ptr<server::Broker::Watch>
      old;  // ends outside of the lock: it may wait for a call of ready_
  Lock lock(mutex_);
  old = std::move(watch_);
  waiting_ = false;
  // A step that the coordinator answers at once leads to the next; three make a whole round.
  for (int step = 0; step < 4; ++step) {
    if (failure_) return *failure_;
    switch (state_) {
      case State::kOut:
      case State::kRevoked:
        rebalance_ = false;
        join(lock);
        break;
      case State::kJoining:
        waiting_ = true;
        return ConsumerEvent();
      case State::kAssigned:
        return assign(lock);
      case State::kStable:
        if (rebalance_) return revoke(lock);
        return fetch(lock, max_bytes);
    }
  }
  waiting_ = true;
  return ConsumerEvent();
}

// ---------------------------------------------------------------------------------------------------------
// the group

std::map<std::string, int32_t> EmbeddedConsumer::wanted_topics() const {
  std::map<std::string, int32_t> wanted;
  for (const std::string& name : subscription_.topics) {
    auto topic = shared_->broker.topic(name);
    if (topic.ok()) wanted[name] = (*topic)->partitions;
  }
  if (!regex_) return wanted;
  for (const auto& topic : shared_->broker.topics())
    if (!topic->name.starts_with("__") && matches(topic->name))
      wanted[topic->name] = topic->partitions;
  return wanted;
}

bool EmbeddedConsumer::matches(const std::string& topic) const {
  auto result = regex_->matches(topic);
  if (!result.ok())
    shared_->logger.warn("group " + subscription_.group + ": topic " + topic +
                         " is not read: " + result.error().message);
  return result.ok() && *result;
}

void EmbeddedConsumer::join(Lock& lock) {
  state_ = State::kJoining;
  positions_.clear();
  assignment_.clear();
  known_topics_ = wanted_topics();
  std::vector<std::string> topics = subscription_.topics;
  if (regex_)
    for (const auto& [topic, partitions] : known_topics_) topics.push_back(topic);
  std::sort(topics.begin(), topics.end());
  coordinator::JoinRequest request;
  request.group = subscription_.group;
  request.member_id = member_id_;
  request.client_id = subscription_.client_id;
  request.client_host = std::string(coordinator::GroupCoordinator::kInProcessHost);
  request.rebalance_timeout_ms = static_cast<int32_t>(shared_->settings.max_poll_interval.count());
  request.protocols = {{"range", coordinator::encode_subscription(topics)}};
  request.in_process = true;
  lock.unlock();
  shared_->broker.join_group(
      request,
      [weak = weak_from_this(), shared = shared_,
       group = subscription_.group](coordinator::JoinResponse response) {
        if (auto self = weak.lock()) return self->joined(std::move(response));
        // The owner has gone meanwhile: a member that nobody drives would keep its partitions.
        if (response.error == GroupError::kNone)
          (void)shared->broker.leave_group({group, response.member_id, {}, GenerationId(-1)});
      },
      [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->rebalance_wanted();
      });
  lock.lock();
}

void EmbeddedConsumer::joined(coordinator::JoinResponse response) {
  Lock lock(mutex_);
  if (left_ || state_ != State::kJoining) {  // the owner has left: so does the new member
    const std::string member = response.member_id;
    lock.unlock();
    if (response.error == GroupError::kNone)
      (void)shared_->broker.leave_group({subscription_.group, member, {}, GenerationId(-1)});
    return;
  }
  if (response.error != GroupError::kNone) return out_of_group(lock, response.error, "");
  member_id_ = response.member_id;
  generation_ = response.generation;
  lock.unlock();
  sync(response);
}

std::map<std::string, Bytes> EmbeddedConsumer::assign_all(
    const coordinator::JoinResponse& response) const {
  coordinator::Subscriptions subscriptions;
  coordinator::PartitionCounts counts;
  for (const auto& member : response.members) {
    auto topics = coordinator::decode_subscription(member.metadata);
    if (!topics.ok()) {
      shared_->logger.warn("group " + subscription_.group + ": member " + member.member_id +
                           " has a subscription that cannot be read: " + topics.error().message);
      subscriptions[member.member_id] = {};
      continue;
    }
    for (const std::string& name : *topics) {
      auto topic = shared_->broker.topic(name);
      if (topic.ok()) counts[name] = (*topic)->partitions;
    }
    subscriptions[member.member_id] = std::move(*topics);
  }
  std::map<std::string, Bytes> result;
  for (const auto& [member, partitions] : coordinator::assign_range(subscriptions, counts))
    result[member] = coordinator::encode_assignment(partitions);
  return result;
}

void EmbeddedConsumer::sync(const coordinator::JoinResponse& response) {
  coordinator::SyncRequest request;
  request.group = subscription_.group;
  request.member_id = response.member_id;
  request.generation = response.generation;
  if (response.is_leader()) request.assignments = assign_all(response);
  shared_->broker.sync_group(request, [weak = weak_from_this()](coordinator::SyncResponse answer) {
    if (auto self = weak.lock()) self->synced(std::move(answer));
  });
}

void EmbeddedConsumer::synced(coordinator::SyncResponse response) {
  Lock lock(mutex_);
  if (left_ || state_ != State::kJoining) return;
  if (response.error != GroupError::kNone)
    return out_of_group(lock, response.error, response.detail);
  auto assignment = coordinator::decode_assignment(response.assignment);
  if (!assignment.ok()) {
    failure_ =
        assignment.error().with("group " + subscription_.group + ": the assignment cannot be read");
  } else {
    assignment_ = std::move(*assignment);
    state_ = State::kAssigned;
    refusals_ = 0;
  }
  call_ready(lock);
}

// A request was refused. What another try may cure is tried again, by the owner's next call: at
// once where the group is only on the move, else after a while that grows (a log that has failed
// refuses at once, and for ever).
void EmbeddedConsumer::out_of_group(Lock& lock, GroupError error, const std::string& detail) {
  constexpr int kAtOnce = 5;
  constexpr std::chrono::milliseconds kFirst(100), kMost(5000);
  switch (error) {
    case GroupError::kUnknownMemberId:
    case GroupError::kMemberIdRequired:
    case GroupError::kFencedInstanceId:
      member_id_.clear();
      break;
    case GroupError::kRebalanceInProgress:
    case GroupError::kIllegalGeneration:
    case GroupError::kCoordinatorNotAvailable:
      break;
    default:
      failure_ = coordinator::to_error(error, detail).with("group " + subscription_.group);
      return call_ready(lock);
  }
  ++refusals_;
  if (refusals_ <= kAtOnce && error != GroupError::kCoordinatorNotAvailable) {
    state_ = State::kOut;
    return call_ready(lock);
  }
  const auto delay = std::min(kFirst * (1 << std::min(refusals_, 10)), kMost);
  if (refusals_ == kAtOnce + 1)
    shared_->logger.warn("group " + subscription_.group + ": joining is refused, trying again: " +
                         coordinator::to_error(error, detail).message);
  lock.unlock();
  shared_->executor.post_after(delay, [weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self) return;
    Lock again(self->mutex_);
    if (self->left_ || self->state_ != State::kJoining) return;
    self->state_ = State::kOut;
    self->call_ready(again);
  });
  lock.lock();
}

void EmbeddedConsumer::rebalance_wanted() {
  Lock lock(mutex_);
  rebalance_ = true;
  call_ready(lock);
}

void EmbeddedConsumer::check_topics() {
  auto wanted = wanted_topics();
  Lock lock(mutex_);
  if (left_ || state_ == State::kOut || state_ == State::kRevoked || wanted == known_topics_)
    return;
  rebalance_ = true;
  call_ready(lock);
}

Result<ConsumerEvent> EmbeddedConsumer::revoke(Lock& lock) {
  // Whether the group has gone on without this member decides if it may still commit.
  coordinator::MemberRequest request{subscription_.group, member_id_, {}, generation_};
  lock.unlock();
  const GroupError alive = shared_->broker.heartbeat(request);
  lock.lock();
  Revoke event;
  event.lost = alive != GroupError::kNone && alive != GroupError::kRebalanceInProgress &&
               alive != GroupError::kCoordinatorNotAvailable;
  for (const auto& [name, position] : positions_) event.partitions.push_back(name);
  state_ = State::kRevoked;
  return ConsumerEvent(std::move(event));
}

Result<ConsumerEvent> EmbeddedConsumer::assign(Lock& lock) {
  auto partitions = assignment_;
  lock.unlock();
  auto committed = shared_->broker.fetch_offsets(subscription_.group, partitions);
  lock.lock();
  if (!committed.ok()) {
    if (committed.error().kind == ErrorKind::kRetriable) return std::move(committed).error();
    return committed.error().with("offsets of group " + subscription_.group);
  }
  if (state_ != State::kAssigned) return ConsumerEvent();
  Assign event;
  event.generation = generation_;
  epoch_ = shared_->next_epoch();
  for (const TopicPartitionName& name : partitions) {
    auto found = committed->find(name);
    const Offset next = found == committed->end() ? Offset(-1) : found->second.offset;
    positions_[name] = {next, false};
    event.partitions.push_back({name, next});
  }
  state_ = State::kStable;
  return ConsumerEvent(std::move(event));
}

// ----------------------------------------------------------------------------------------------------------
// records

void EmbeddedConsumer::seek(const TopicPartitionName& partition, Offset offset) {
  std::lock_guard lock(mutex_);
  auto found = positions_.find(partition);
  if (found != positions_.end()) found->second.next = offset;
}

void EmbeddedConsumer::pause(const TopicPartitionName& partition, bool paused) {
  std::lock_guard lock(mutex_);
  auto found = positions_.find(partition);
  if (found != positions_.end()) found->second.paused = paused;
}

// The partitions take turns, so that a busy one does not starve the others. Reading needs no lock:
// only the owner changes positions.
Result<ConsumerEvent> EmbeddedConsumer::fetch(Lock& lock, size_t max_bytes) {
  if (!positions_.empty()) {
    auto at = positions_.begin();
    std::advance(at, static_cast<ptrdiff_t>(turn_ % positions_.size()));
    ++turn_;
    for (size_t tried = 0; tried < positions_.size(); ++tried) {
      if (!at->second.paused) {
        const TopicPartitionName& name = at->first;
        Position& position = at->second;
        lock.unlock();
        auto fetched = fetch_one(name, position, max_bytes);
        lock.lock();
        if (!fetched.ok()) {
          if (fetched.error().kind != ErrorKind::kNotFound) return std::move(fetched).error();
          rebalance_ = true;  // the topic is gone
        } else if (*fetched) {
          return ConsumerEvent(std::move(**fetched));
        }
      }
      if (++at == positions_.end()) at = positions_.begin();
    }
  }
  if (rebalance_) return revoke(lock);
  wait_for_records(lock);
  return ConsumerEvent();
}

Result<std::optional<Fetched>> EmbeddedConsumer::fetch_one(const TopicPartitionName& name,
                                                           Position& position, size_t max_bytes) {
  if (position.next.value() < 0) SLUICE_TRY(reset_position(name, position));
  auto read = shared_->broker.read(name, position.next, max_bytes);
  if (!read.ok() && read.error().kind == ErrorKind::kOutOfRange) {
    SLUICE_ASSIGN(const Offset end, shared_->broker.latest_offset(name));
    if (position.next > end && !SLUICE_MUTANT("log.gap_skipped"))
      return Error{ErrorKind::kOutOfRange,
                   name.to_string() + ": the offset to read from, " +
                       std::to_string(position.next.value()) +
                       ", lies behind the end of the log, " + std::to_string(end.value()) +
                       ". The log has lost records or was replaced; reset the offsets of group " +
                       subscription_.group + " to go on."};
    SLUICE_TRY(reset_position(name, position));
    read = shared_->broker.read(name, position.next, max_bytes);
  }
  if (!read.ok()) return std::move(read).error();
  if (read->batches.empty()) return std::optional<Fetched>();
  Fetched fetched{name, std::move(read->batches), position.next, read->high_watermark};
  ByteView rest(fetched.batches);
  while (!rest.empty()) {
    SLUICE_ASSIGN(auto header, model::read_batch_header(rest));
    position.next = std::max(position.next, header.next_offset());
    rest = rest.subspan(header.size());
  }
  return std::optional<Fetched>(std::move(fetched));
}

Status EmbeddedConsumer::reset_position(const TopicPartitionName& name, Position& position) {
  auto offset = subscription_.from_latest ? shared_->broker.latest_offset(name)
                                          : shared_->broker.earliest_offset(name);
  if (!offset.ok()) return std::move(offset).error();
  position.next = *offset;
  return ok();
}

void EmbeddedConsumer::wait_for_records(Lock& lock) {
  std::vector<std::pair<TopicPartitionName, Offset>> after;
  for (const auto& [name, position] : positions_)
    if (!position.paused && position.next.value() >= 0) after.emplace_back(name, position.next);
  waiting_ = true;
  if (after.empty()) return;
  lock.unlock();
  auto watch = shared_->broker.watch(after, [weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self) return;
    Lock again(self->mutex_);
    self->call_ready(again);
  });
  lock.lock();
  if (watch.ok()) {
    watch_ = std::move(*watch);
  } else {
    rebalance_ = true;  // a topic has gone just now
    call_ready(lock);
  }
}

// -----------------------------------------------------------------------------------------------------------
// commits

void EmbeddedConsumer::commit(std::vector<GroupOffset> offsets, std::function<void(Status)> done) {
  coordinator::CommitRequest request;
  request.group = subscription_.group;
  for (const GroupOffset& offset : offsets) {
    coordinator::CommittedOffset committed;
    committed.offset = offset.next;
    request.offsets[offset.partition] = committed;
  }
  {
    std::lock_guard lock(mutex_);
    request.member_id = member_id_;
    request.generation = generation_;
  }
  shared_->broker.commit_offsets(
      request, [done = std::move(done)](coordinator::CommitResponse response) {
        GroupError error = response.error;
        for (const auto& [partition, why] : response.partitions)
          if (error == GroupError::kNone) error = why;
        if (error == GroupError::kNone) return done(ok());
        Error value = coordinator::to_error(error, response.detail);
        if (error == GroupError::kIllegalGeneration || error == GroupError::kUnknownMemberId ||
            error == GroupError::kFencedInstanceId)
          value.kind = ErrorKind::kFenced;
        done(std::move(value));
      });
}

void EmbeddedConsumer::leave() {
  std::unique_ptr<server::Broker::Watch> old;
  Lock lock(mutex_);
  old = std::move(watch_);
  left_ = true;
  ready_ = nullptr;
  const std::string member = std::exchange(member_id_, "");
  lock.unlock();
  if (!member.empty())
    (void)shared_->broker.leave_group({subscription_.group, member, {}, GenerationId(-1)});
}

}  // namespace sluice::log
