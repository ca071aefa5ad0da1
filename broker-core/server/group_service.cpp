// SPDX-License-Identifier: Apache-2.0
#include "broker-core/server/group_service.hpp"

#include <pthread.h>

namespace sluice::server {

using namespace coordinator;

GroupService::GroupService(Coordinator::Settings settings, Dependencies dependencies,
                           AppendRecords append)
    : dependencies_(dependencies),
      append_(std::move(append)),
      coordinator_(settings, dependencies.random) {}

GroupService::~GroupService() {
  stop();
}

Now GroupService::now() {
  return {dependencies_.clock.steady(), dependencies_.clock.now_ms()};
}

void GroupService::start() {
  coordinator_.loaded(now());
  if (dependencies_.simulation == nullptr) {
    timer_ = std::thread([this] { run_timers(); });
    pthread_setname_np(timer_.native_handle(), "sluice-groups");
  } else {
    std::lock_guard lock(mutex_);
    schedule(now());
  }
}

void GroupService::refuse(const AnyDone& done) {
  auto unavailable = [](auto response, const auto& callback) {
    response.error = GroupError::kCoordinatorNotAvailable;
    callback(std::move(response));
  };
  if (const auto* join = std::get_if<Done<JoinResponse>>(&done)) unavailable(JoinResponse(), *join);
  if (const auto* sync = std::get_if<Done<SyncResponse>>(&done)) unavailable(SyncResponse(), *sync);
  if (const auto* commit = std::get_if<Done<CommitResponse>>(&done))
    unavailable(CommitResponse(), *commit);
  if (const auto* remove = std::get_if<Done<DeleteResponse>>(&done))
    unavailable(DeleteResponse(), *remove);
}

void GroupService::stop() {
  std::unordered_map<RequestId, Waiting> left;
  {
    std::unique_lock lock(mutex_);
    if (stopped_) return;
    stopped_ = true;
    *alive_ = false;
    outputs_.clear();
    idle_.wait(lock, [this] { return !draining_; });
    left.swap(waiting_);
    rebalances_.clear();
  }
  wake_.notify_all();
  if (timer_.joinable()) timer_.join();
  for (auto& [request, waiting] : left) refuse(waiting.done);
}

template <class Work>
void GroupService::run(Work work) {
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    const Now time = now();
    Output output;
    work(time, output);
    outputs_.push_back(std::move(output));
    schedule(time);
  }
  drain();
}

template <class Work>
void GroupService::request(Waiting waiting, Work work) {
  {
    std::unique_lock lock(mutex_);
    if (stopped_) {
      lock.unlock();
      return refuse(waiting.done);
    }
    const Now time = now();
    const RequestId id = next_request_++;
    waiting_.emplace(id, std::move(waiting));
    Output output;
    work(id, time, output);
    outputs_.push_back(std::move(output));
    schedule(time);
  }
  drain();
}

void GroupService::drain() {
  std::unique_lock lock(mutex_);
  if (draining_) return;  // whoever is at it, perhaps this thread further up, delivers these too
  draining_ = true;
  while (!outputs_.empty()) {
    Output output = std::move(outputs_.front());
    outputs_.pop_front();
    lock.unlock();
    deliver(std::move(output));
    lock.lock();
  }
  draining_ = false;
  idle_.notify_all();
}

void GroupService::deliver(Output output) {
  for (Append& append : output.appends) deliver_append(std::move(append));
  for (Reply& reply : output.replies) deliver_reply(std::move(reply));
  for (const RebalanceNotice& notice : output.notices) {
    std::function<void()> rebalance;
    {
      std::lock_guard lock(mutex_);
      const auto found = rebalances_.find({notice.group, notice.member_id});
      if (found != rebalances_.end()) rebalance = found->second;
    }
    if (rebalance) rebalance();
  }
}

void GroupService::deliver_append(Append append) {
  append_(append.partition, std::move(append.records), [this, id = append.id](Status status) {
    run([&](const Now& time, Output& out) { coordinator_.appended(id, status, time, out); });
  });
}

void GroupService::deliver_reply(Reply reply) {
  Waiting waiting;
  {
    std::lock_guard lock(mutex_);
    const auto found = waiting_.find(reply.request);
    if (found == waiting_.end()) return;
    waiting = std::move(found->second);
    waiting_.erase(found);
    const auto* joined = std::get_if<JoinResponse>(&reply.response);
    if (joined != nullptr && joined->error == GroupError::kNone && waiting.rebalance) {
      rebalances_[{waiting.group, joined->member_id}] = std::move(waiting.rebalance);
    }
  }
  std::visit(
      [&](auto& response) {
        using T = std::decay_t<decltype(response)>;
        std::get<Done<T>>(waiting.done)(std::move(response));
      },
      reply.response);
}

// --- time

void GroupService::schedule(const Now& time) {
  const auto next = coordinator_.next_deadline();
  if (next >= scheduled_) return;
  scheduled_ = next;
  if (dependencies_.simulation == nullptr) {
    wake_.notify_all();
    return;
  }
  const auto delay = std::max(next - time.steady, std::chrono::nanoseconds(0));
  dependencies_.simulation->post_after(delay, [this, alive = alive_] {
    if (!*alive) return;
    {
      std::lock_guard lock(mutex_);
      scheduled_ = std::chrono::nanoseconds::max();
    }
    run([&](const Now& now, Output& out) { coordinator_.tick(now, out); });
  });
}

void GroupService::run_timers() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    scheduled_ = coordinator_.next_deadline();
    const Now time = now();
    if (scheduled_ == std::chrono::nanoseconds::max()) {
      wake_.wait(lock);
    } else if (scheduled_ > time.steady) {
      wake_.wait_for(lock, scheduled_ - time.steady);
    } else {
      Output output;
      coordinator_.tick(time, output);
      outputs_.push_back(std::move(output));
      lock.unlock();
      drain();
      lock.lock();
    }
  }
}

// --- requests

void GroupService::join(const JoinRequest& join, Done<JoinResponse> done,
                        std::function<void()> rebalance) {
  request(
      {std::move(done), join.group, std::move(rebalance)},
      [&](RequestId id, const Now& time, Output& out) { coordinator_.join(id, join, time, out); });
}

void GroupService::sync(const SyncRequest& sync, Done<SyncResponse> done) {
  request({std::move(done), sync.group, {}}, [&](RequestId id, const Now& time, Output& out) {
    coordinator_.sync(id, sync, time, out);
  });
}

void GroupService::commit(const CommitRequest& commit, Done<CommitResponse> done) {
  request({std::move(done), commit.group, {}}, [&](RequestId id, const Now& time, Output& out) {
    coordinator_.commit(id, commit, time, out);
  });
}

void GroupService::remove(const std::string& group, Done<DeleteResponse> done) {
  request({std::move(done), group, {}}, [&](RequestId id, const Now&, Output& out) {
    coordinator_.delete_group(id, group, out);
  });
}

GroupError GroupService::heartbeat(const MemberRequest& member) {
  GroupError error = GroupError::kCoordinatorNotAvailable;
  run([&](const Now& time, Output&) { error = coordinator_.heartbeat(member, time); });
  return error;
}

GroupError GroupService::leave(const MemberRequest& member) {
  GroupError error = GroupError::kCoordinatorNotAvailable;
  run([&](const Now& time, Output& out) {
    rebalances_.erase({member.group, member.member_id});
    error = coordinator_.leave(member, time, out);
  });
  return error;
}

void GroupService::remove_topic(const std::string& topic) {
  run([&](const Now&, Output& out) { coordinator_.remove_topic(topic, out); });
}

GroupService::Coordinator::Fetched GroupService::fetch(
    const std::string& group,
    const std::optional<std::vector<TopicPartitionName>>& partitions) const {
  std::lock_guard lock(mutex_);
  return coordinator_.fetch(group, partitions);
}

std::vector<GroupListing> GroupService::list() const {
  std::lock_guard lock(mutex_);
  return coordinator_.list();
}

GroupDescription GroupService::describe(const std::string& group) const {
  std::lock_guard lock(mutex_);
  return coordinator_.describe(group);
}

}  // namespace sluice::server
