// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <variant>

#include "broker-core/base/clock.hpp"
#include "broker-core/base/executor.hpp"
#include "broker-core/coordinator/group_coordinator.hpp"

namespace sluice::server {

// Drives the group coordinator: gives it a lock, a clock and the log.
//
// Owned by the Broker. Any thread may call. Callbacks come from whichever thread brought the news
// (the caller's own, the commit thread, the timer thread `sluice-groups`), one at a time, never
// under the lock, and must not block; they may call back in. In simulation there is no thread,
// timers are executor work. Ends with stop(): everything that still waits is answered with
// COORDINATOR_NOT_AVAILABLE. Not to be called from a callback.
class GroupService {
 public:
  using Coordinator = coordinator::GroupCoordinator;
  // Appends the records to that partition of `__consumer_offsets`; `done` once, perhaps before it
  // returns.
  using AppendRecords = std::function<void(PartitionId, std::vector<coordinator::GroupRecord>,
                                           std::function<void(Status)> done)>;
  template <class T>
  using Done = std::function<void(T)>;

  struct Dependencies {
    Clock& clock;
    Random& random;
    Executor* simulation = nullptr;
  };

  GroupService(Coordinator::Settings settings, Dependencies dependencies, AppendRecords append);
  ~GroupService();

  // Fills the coordinator before start(); no other call may be made meanwhile.
  Coordinator& loading() { return coordinator_; }
  void start();
  void stop();

  // `rebalance` is called when the (in-process) member has to join again. It may still be running,
  // or come once more, while leave() is on its way: let it hold what it uses by a weak pointer.
  void join(const coordinator::JoinRequest& request, Done<coordinator::JoinResponse> done,
            std::function<void()> rebalance);
  void sync(const coordinator::SyncRequest& request, Done<coordinator::SyncResponse> done);
  coordinator::GroupError heartbeat(const coordinator::MemberRequest& request);
  coordinator::GroupError leave(const coordinator::MemberRequest& request);
  void commit(const coordinator::CommitRequest& request, Done<coordinator::CommitResponse> done);
  Coordinator::Fetched fetch(
      const std::string& group,
      const std::optional<std::vector<TopicPartitionName>>& partitions) const;
  std::vector<coordinator::GroupListing> list() const;
  coordinator::GroupDescription describe(const std::string& group) const;
  void remove(const std::string& group, Done<coordinator::DeleteResponse> done);
  void remove_topic(const std::string& topic);

 private:
  using AnyDone =
      std::variant<Done<coordinator::JoinResponse>, Done<coordinator::SyncResponse>,
                   Done<coordinator::CommitResponse>, Done<coordinator::DeleteResponse>>;
  struct Waiting {  // a request without its reply
    AnyDone done;
    std::string group;
    std::function<void()> rebalance;  // of a join
  };
  using MemberKey = std::pair<std::string, std::string>;  // group, member id

  coordinator::Now now();
  template <class Work>
  void run(Work work);  // work(Now, Output&) under the lock, then what comes out of it
  // The same for a request that gets its reply later, `work(id, Now, Output&)`.
  template <class Work>
  void request(Waiting waiting, Work work);
  static void refuse(const AnyDone& done);
  void drain();
  void deliver(coordinator::Output output);
  void deliver_reply(coordinator::Reply reply);
  void deliver_append(coordinator::Append append);
  void schedule(const coordinator::Now& now);
  void run_timers();

  Dependencies dependencies_;
  AppendRecords append_;
  mutable std::mutex mutex_;  // all below
  Coordinator coordinator_;
  std::unordered_map<coordinator::RequestId, Waiting> waiting_;
  std::map<MemberKey, std::function<void()>> rebalances_;
  coordinator::RequestId next_request_ = 1;
  // What came out and is not delivered yet. One thread delivers at a time, so that appends reach
  // the log, and callbacks their callers, in the order in which the coordinator decided them.
  std::deque<coordinator::Output> outputs_;
  bool draining_ = false;
  bool stopped_ = false;
  std::condition_variable wake_;  // the timer thread: an earlier deadline, or the end
  std::condition_variable idle_;  // stop(): nothing is being delivered any more
  std::chrono::nanoseconds scheduled_ = std::chrono::nanoseconds::max();
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for timers in a simulation
  std::thread timer_;
};

}  // namespace sluice::server
