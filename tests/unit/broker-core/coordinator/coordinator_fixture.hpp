// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <map>

#include "broker-core/coordinator/group_coordinator.hpp"

namespace sluice::coordinator {

using std::chrono::milliseconds;
using std::chrono::seconds;

class CountingRandom : public Random {  // ids that can be told apart and repeat
 public:
  void fill(std::span<uint8_t> out) override {
    ++count_;
    for (size_t i = 0; i < out.size(); ++i) out[i] = i + 1 == out.size() ? count_ : 0;
  }

 private:
  uint8_t count_ = 0;
};

// Plays the server around the coordinator: keeps replies by request, appends until told to make
// them durable, and the durable records as a log would.
class Driver {
 public:
  explicit Driver(GroupCoordinator::Settings settings = {}) : coordinator(settings, random) {
    coordinator.loaded(now);
  }

  void take(Output out) {
    for (Reply& reply : out.replies) {
      EXPECT_FALSE(replies.contains(reply.request)) << "two replies to request " << reply.request;
      replies.emplace(reply.request, std::move(reply.response));
    }
    for (Append& append : out.appends) {
      EXPECT_GT(append.id, last_append);
      last_append = append.id;
      appends.push_back(std::move(append));
    }
    for (RebalanceNotice& notice : out.notices) notices.push_back(notice.member_id);
  }
  // The oldest append ends like this.
  void finish_one(Status status = ok()) {
    Append append = std::move(appends.front());
    appends.pop_front();
    if (status.ok()) {
      for (GroupRecord& record : append.records)
        durable.emplace_back(append.partition, std::move(record));
    }
    Output out;
    coordinator.appended(append.id, status, now, out);
    take(std::move(out));
  }
  void finish_all() {
    while (!appends.empty()) finish_one();
  }
  void advance(std::chrono::nanoseconds by) {
    const auto end = now.steady + by;
    while (coordinator.next_deadline() <= end) {
      now.steady = std::max(now.steady, coordinator.next_deadline());
      Output out;
      coordinator.tick(now, out);
      take(std::move(out));
    }
    now.steady = end;
  }

  RequestId join(JoinRequest request) {
    Output out;
    coordinator.join(++last_request, request, now, out);
    take(std::move(out));
    return last_request;
  }
  RequestId join(const std::string& group, const std::string& member = {},
                 const std::string& metadata = "m") {
    JoinRequest request;
    request.group = group;
    request.member_id = member;
    request.client_id = "client";
    request.client_host = "/host";
    request.session_timeout_ms = 10'000;
    request.rebalance_timeout_ms = 60'000;
    request.protocols = {{"range", to_bytes(metadata)}};
    return join(request);
  }
  RequestId sync(const std::string& group, const JoinResponse& joined,
                 const std::map<std::string, std::string>& assignments = {}) {
    SyncRequest request{group, joined.member_id, {}, joined.generation, {}};
    for (const auto& [member, assignment] : assignments)
      request.assignments[member] = to_bytes(assignment);
    Output out;
    coordinator.sync(++last_request, request, now, out);
    take(std::move(out));
    return last_request;
  }
  RequestId commit(const CommitRequest& request) {
    Output out;
    coordinator.commit(++last_request, request, now, out);
    take(std::move(out));
    return last_request;
  }
  RequestId commit(const std::string& group, const std::string& member, GenerationId generation,
                   int64_t offset, const std::string& topic = "t") {
    CommitRequest request{group, member, {}, generation, {}};
    request.offsets[{topic, PartitionId(0)}].offset = Offset(offset);
    return commit(request);
  }
  GroupError leave(const std::string& group, const std::string& member) {
    Output out;
    const GroupError error = coordinator.leave({group, member, {}, GenerationId(-1)}, now, out);
    take(std::move(out));
    return error;
  }
  RequestId remove(const std::string& group) {
    Output out;
    coordinator.delete_group(++last_request, group, out);
    take(std::move(out));
    return last_request;
  }
  GroupError heartbeat(const std::string& group, const JoinResponse& joined) {
    return coordinator.heartbeat({group, joined.member_id, {}, joined.generation}, now);
  }

  bool answered(RequestId request) const { return replies.contains(request); }
  template <class T>
  const T& reply(RequestId request) {
    static const T kNothing{};
    EXPECT_TRUE(answered(request)) << "no reply to request " << request;
    return answered(request) ? std::get<T>(replies.at(request)) : kNothing;
  }
  JoinResponse joined(RequestId request) { return reply<JoinResponse>(request); }
  int64_t committed(const std::string& group, const std::string& topic = "t") {
    return coordinator.fetch(group, std::vector<TopicPartitionName>{{topic, PartitionId(0)}})
        .offsets.begin()
        ->second.offset.value();
  }
  GroupState state(const std::string& group) { return coordinator.describe(group).state; }

  CountingRandom random;
  GroupCoordinator coordinator;
  Now now{seconds(1000), TimestampMs(1'700'000'000'000)};
  std::map<RequestId, Response> replies;
  std::deque<Append> appends;
  std::vector<std::string> notices;
  std::vector<std::pair<PartitionId, GroupRecord>> durable;
  RequestId last_request = 0;
  uint64_t last_append = 0;
};

}  // namespace sluice::coordinator
