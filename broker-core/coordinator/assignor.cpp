// SPDX-License-Identifier: Apache-2.0
#include "broker-core/coordinator/assignor.hpp"

#include <algorithm>
#include <set>

namespace sluice::coordinator {

namespace {

Assignments empty_for(const Subscriptions& subscriptions) {
  Assignments out;
  for (const auto& [member, topics] : subscriptions) out[member];
  return out;
}

}  // namespace

Assignments assign_range(const Subscriptions& subscriptions, const PartitionCounts& counts) {
  Assignments out = empty_for(subscriptions);
  std::map<std::string, std::set<std::string>> members_of;
  for (const auto& [member, topics] : subscriptions) {
    for (const std::string& topic : topics) members_of[topic].insert(member);
  }
  for (const auto& [topic, members] : members_of) {
    const auto found = counts.find(topic);
    if (found == counts.end()) continue;
    const auto each = found->second / static_cast<int32_t>(members.size());
    auto extra = found->second % static_cast<int32_t>(members.size());
    int32_t next = 0;
    for (const std::string& member : members) {
      int32_t take = each + (extra-- > 0 ? 1 : 0);
      for (; take > 0; --take) out[member].push_back({topic, PartitionId(next++)});
    }
  }
  return out;
}

Assignments assign_round_robin(const Subscriptions& subscriptions, const PartitionCounts& counts) {
  Assignments out = empty_for(subscriptions);
  std::set<std::string> topics;
  for (const auto& [member, subscribed] : subscriptions)
    topics.insert(subscribed.begin(), subscribed.end());
  auto turn = subscriptions.begin();
  for (const std::string& topic : topics) {
    const auto found = counts.find(topic);
    if (found == counts.end()) continue;
    for (int32_t partition = 0; partition < found->second; ++partition) {
      // Somebody subscribes to the topic, so this ends.
      while (std::find(turn->second.begin(), turn->second.end(), topic) == turn->second.end()) {
        if (++turn == subscriptions.end()) turn = subscriptions.begin();
      }
      out[turn->first].push_back({topic, PartitionId(partition)});
      if (++turn == subscriptions.end()) turn = subscriptions.begin();
    }
  }
  return out;
}

}  // namespace sluice::coordinator
