// SPDX-License-Identifier: Apache-2.0
// Random histories: members come, go and fall silent, appends succeed and fail. Whatever happens,
// no request gets two replies, generations only grow, offsets shown are those on the log, and time
// alone brings every request its reply.
#include <random>

#include "tests/unit/broker-core/coordinator/coordinator_fixture.hpp"

namespace sluice::coordinator {
namespace {

class History {
 public:
  explicit History(uint64_t seed)
      : random_(seed), d_({6'000, 1'800'000, static_cast<int32_t>(seed % 2) * 100, 8, 64}) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      learn();
      check();
    }
    // Everybody falls silent: what waits is answered in the end, and the groups are empty.
    while (!d_.appends.empty()) finish();
    for (int i = 0; i < 100; ++i) {
      d_.advance(seconds(61));
      while (!d_.appends.empty()) finish();
    }
    for (RequestId request = 1; request <= d_.last_request; ++request) {
      ASSERT_TRUE(d_.answered(request)) << "request " << request << " waits for ever";
    }
    for (const auto& listing : d_.coordinator.list()) ASSERT_EQ(listing.state, GroupState::kEmpty);
    ASSERT_EQ(d_.coordinator.next_deadline(), Steady::max());
    check();
  }

 private:
  struct Known {
    std::string group;
    JoinResponse joined;
  };

  std::string group() { return "g" + std::to_string(random_() % 2); }
  Known member() {
    if (known_.empty()) return {group(), {}};
    return known_[random_() % known_.size()];
  }
  void finish() { d_.finish_one(random_() % 8 == 0 ? Status(Error{ErrorKind::kIo, "no"}) : ok()); }

  void step() {
    const Known who = member();
    switch (random_() % 10) {
      case 0:
        join(group(), "");
        break;
      case 1:
        join(who.group, who.joined.member_id);
        break;
      case 2:
      case 3:
        d_.sync(who.group, who.joined, {{who.joined.member_id, "x"}});
        break;
      case 4:
        d_.commit(who.group, who.joined.member_id, who.joined.generation,
                  static_cast<int64_t>(++offset_));
        break;
      case 5:
        d_.commit(group(), "", GenerationId(-1), static_cast<int64_t>(++offset_));
        break;
      case 6:
        d_.leave(who.group, who.joined.member_id);
        break;
      case 7:
        d_.heartbeat(who.group, who.joined);
        break;
      case 8:
        d_.advance(milliseconds(random_() % 4000));
        break;
      default:
        if (random_() % 16 == 0) d_.remove(group());
        break;
    }
    while (!d_.appends.empty() && random_() % 3 != 0) finish();
  }

  void join(const std::string& group, const std::string& id) {
    const RequestId request = d_.join(group, id, "m" + std::to_string(random_() % 2));
    group_of_[request] = group;
  }

  void learn() {
    for (auto at = group_of_.begin(); at != group_of_.end();) {
      if (!d_.answered(at->first)) {
        ++at;
        continue;
      }
      const JoinResponse joined = d_.joined(at->first);
      if (joined.error == GroupError::kNone) {
        known_.push_back({at->second, joined});
        if (known_.size() > 6) known_.erase(known_.begin());
      }
      at = group_of_.erase(at);
    }
  }

  void check() {
    for (const char* id : {"g0", "g1"}) {
      const GroupDescription group = d_.coordinator.describe(id);
      if (group.state == GroupState::kDead) {
        generations_[id] = 0;  // deleted: it may begin anew
        continue;
      }
      ASSERT_GE(group.generation.value(), generations_[id]);
      generations_[id] = group.generation.value();
      if (group.state == GroupState::kEmpty) {
        ASSERT_TRUE(group.members.empty());
      }
      if (group.state == GroupState::kStable) {
        ASSERT_FALSE(group.members.empty());
      }
    }
    // A new coordinator that reads the log sees the same offsets. (A deletion under way is not
    // visible yet.)
    CountingRandom random;
    GroupCoordinator loaded({}, random);
    for (const auto& [partition, record] : d_.durable) {
      const auto value = record.value ? std::optional<ByteView>(*record.value) : std::nullopt;
      ASSERT_TRUE(loaded.load(partition, record.key, value).ok());
    }
    loaded.loaded(d_.now);
    for (const char* id : {"g0", "g1"}) {
      const auto expected = loaded.fetch(id, std::nullopt).offsets;
      const auto found = d_.coordinator.fetch(id, std::nullopt).offsets;
      ASSERT_EQ(found.size(), expected.size());
      for (const auto& [partition, offset] : expected)
        ASSERT_EQ(found.at(partition).offset, offset.offset);
    }
  }

  std::mt19937_64 random_;
  Driver d_;
  std::vector<Known> known_;
  std::map<RequestId, std::string> group_of_;
  std::map<std::string, int32_t> generations_;
  uint64_t offset_ = 0;
};

TEST(GroupHistories, Random) {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History(seed).run(120);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::coordinator
