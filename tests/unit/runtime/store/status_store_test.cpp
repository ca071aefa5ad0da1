// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/status_store.hpp"

#include <gmock/gmock.h>

#include "tests/support/fake_log.hpp"
#include "tests/support/sim_executor.hpp"

namespace sluice::store {
namespace {

using ::testing::ElementsAre;
using testing::FakeLog;
using ::testing::UnorderedElementsAre;
using Record = std::pair<std::string, std::optional<std::string>>;

class StatusStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<StatusStore> open() {
    return StatusStore::open(log_, executor_, clock_, status_topic(),
                             [this](const std::string& line) { warnings_.push_back(line); })
        .value();
  }
  StatusEntry running(const std::string& trace = "") {
    return {"RUNNING", trace, "127.0.0.1:8083", 3, "1.0"};
  }

  testing::SimClock clock_;
  testing::SimExecutor executor_{1, clock_};
  FakeLog log_;
  std::vector<std::string> warnings_;
};

TEST_F(StatusStoreTest, WritesKafkaConnectsRecords) {
  auto store = open();
  store->put_connector("c", running());
  store->put_task("c", 0, {"FAILED", "java.lang\n\tat x", "w:1", 0, ""});
  store->put_topic("c", 0, "lines");
  store->put_topic("c", 1, "lines");  // known already
  EXPECT_THAT(
      log_.values("connect-status"),
      UnorderedElementsAre(
          Record(
              "status-connector-c",
              R"({"state":"RUNNING","trace":null,"worker_id":"127.0.0.1:8083","generation":3,"version":"1.0"})"),
          Record(
              "status-task-c-0",
              R"({"state":"FAILED","trace":"java.lang\n\tat x","worker_id":"w:1","generation":0,"version":null})"),
          Record(
              "status-topic-lines:connector-c",
              R"({"topic":{"name":"lines","connector":"c","task":0,"discoverTimestamp":1700000000000}})")));
}

TEST_F(StatusStoreTest, ReplaysWhatItWrote) {
  {
    auto store = open();
    store->put_connector("c-x", running());
    store->put_task("c-x", 0, running("trace"));
    store->put_task("c-x", 1, running());
    store->put_topic("c-x", 0, "t:1");
    store->put_connector("gone", running());
    store->put_topic("gone", 0, "t");
    store->remove_connector("gone");
    store->remove_task("c-x", 1);
  }
  auto store = open();
  EXPECT_THAT(store->connectors(), ElementsAre("c-x"));
  EXPECT_EQ(store->connector("c-x"), running());
  EXPECT_EQ(store->task("c-x", 0), running("trace"));
  EXPECT_EQ(store->tasks("c-x").size(), 1u);
  ASSERT_EQ(store->topics("c-x").size(), 1u);
  EXPECT_EQ(store->topics("c-x")[0].topic, "t:1");
  store->remove_topics("c-x");
  EXPECT_TRUE(open()->topics("c-x").empty());
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(StatusStoreTest, AThousandConnectorsAreAFewAppends) {
  auto store = open();
  log_.hold(true);
  for (int i = 0; i < 1000; ++i) {
    store->put_connector("c" + std::to_string(i), running());
    store->put_task("c" + std::to_string(i), 0, {"UNASSIGNED", "", "w", 0, ""});
    store->put_task("c" + std::to_string(i), 0, running());
  }
  bool flushed = false;
  store->flush([&](Status status) { flushed = status.ok(); });
  EXPECT_EQ(log_.held(), 1u);
  log_.release(1);
  EXPECT_FALSE(flushed);
  EXPECT_EQ(log_.held(), 1u);
  log_.release(1);
  EXPECT_TRUE(flushed);
  EXPECT_EQ(log_.appends(), 2u);
  EXPECT_EQ(log_.values("connect-status").size(), 2000u);  // only the newest state of each
}

TEST_F(StatusStoreTest, TriesAgainWithTheNewestValueWhenTheLogIsFull) {
  auto store = open();
  log_.fail_next({ErrorKind::kRetriable, "no space left on device"}, 2);
  store->put_connector("c", running("old"));
  bool flushed = false;
  store->flush([&](Status status) { flushed = status.ok(); });
  store->put_connector("c", running("new"));
  EXPECT_FALSE(flushed);
  EXPECT_EQ(store->connector("c"), running("new"));
  executor_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(flushed);
  EXPECT_EQ(warnings_.size(), 2u);
  ASSERT_EQ(log_.values("connect-status").size(), 1u);
  EXPECT_EQ(open()->connector("c"), running("new"));
}

TEST_F(StatusStoreTest, AFailedLogIsReportedToWhoWaits) {
  auto store = open();
  log_.fail_next({ErrorKind::kIo, "fdatasync failed"});
  store->put_connector("c", running());
  Status result;
  store->flush([&](Status status) { result = std::move(status); });
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(store->connector("c"), running());
  EXPECT_EQ(warnings_.size(), 1u);
}

}  // namespace
}  // namespace sluice::store
