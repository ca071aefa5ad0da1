// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/config_store.hpp"

#include <gmock/gmock.h>

#include "broker-core/model/record_batch.hpp"
#include "tests/support/fake_log.hpp"

namespace sluice::store {
namespace {

using config::ConfigMap;
using ::testing::ElementsAre;
using testing::FakeLog;
using ::testing::HasSubstr;

std::unique_ptr<ConfigStore> open(FakeLog& log, std::vector<std::string>* warnings = nullptr) {
  auto store =
      ConfigStore::open(log, system_clock(), config_topic(), [warnings](const std::string& line) {
        if (warnings) warnings->push_back(line);
      });
  EXPECT_TRUE(store.ok());
  return std::move(store).value();
}

using Record = std::pair<std::string, std::optional<std::string>>;

void write_raw(FakeLog& log, const std::vector<Record>& records) {
  model::BatchBuilder builder;
  for (const auto& [key, value] : records) {
    std::optional<ByteView> bytes;
    if (value) bytes = as_bytes(*value);
    ASSERT_TRUE(builder.add(1, as_bytes(key), bytes));
  }
  log::AppendRequest request;
  request.batches.push_back({{"connect-configs", PartitionId(0)}, builder.finish()});
  ASSERT_TRUE(log::append_and_wait(log, std::move(request)).ok());
}

TEST(ConfigStore, WritesKafkaConnectsRecordsInItsOrderAsOneAppend) {
  FakeLog log;
  auto store = open(log);
  ConfigChange change{"c-1", TargetState::kStopped, ConfigMap{{"name", "c-1"}, {"tasks.max", "2"}},
                      std::vector<ConfigMap>{{{"a", "1"}}, {{"a", "\"2\"\n"}}}};
  ASSERT_TRUE(store->write_and_wait(change).ok());
  EXPECT_EQ(log.appends(), 1u);
  EXPECT_THAT(
      log.values("connect-configs"),
      ElementsAre(Record("target-state-c-1", R"({"state":"PAUSED","state.v2":"STOPPED"})"),
                  Record("connector-c-1", R"({"properties":{"name":"c-1","tasks.max":"2"}})"),
                  Record("task-c-1-0", R"({"properties":{"a":"1"}})"),
                  Record("task-c-1-1", R"({"properties":{"a":"\"2\"\n"}})"),
                  Record("commit-c-1", R"({"tasks":2})")));
  auto topic = log.topics("connect-configs").value().at(0);
  EXPECT_EQ(topic.partitions, 1);
  EXPECT_EQ(topic.configs.at("cleanup.policy"), "compact");
}

TEST(ConfigStore, ReplaysWhatItWrote) {
  FakeLog log;
  ConfigMap config{{"name", "c"}, {"k", "v\u00e9"}};
  std::vector<ConfigMap> tasks{{{"t", "0"}}, {{"t", "1"}}};
  {
    auto store = open(log);
    ASSERT_TRUE(store->write_and_wait({"c", TargetState::kPaused, config, tasks}).ok());
    ASSERT_TRUE(store->write_and_wait({"gone", {}, config, tasks}).ok());
    ASSERT_TRUE(store->remove_and_wait("gone").ok());
    EXPECT_FALSE(store->get("gone"));
  }
  auto store = open(log);
  EXPECT_THAT(store->connectors(), ElementsAre("c"));
  auto entry = store->get("c");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->config, config);
  EXPECT_EQ(entry->tasks, tasks);
  EXPECT_EQ(entry->target_state, TargetState::kPaused);
  EXPECT_FALSE(entry->inconsistent);
}

TEST(ConfigStore, ShowsAChangeOnlyWhenItIsDurable) {
  FakeLog log;
  auto store = open(log);
  log.hold(true);
  bool done = false;
  store->write({"c", {}, ConfigMap{{"name", "c"}}, {}}, [&](Status status) {
    EXPECT_TRUE(status.ok());
    EXPECT_TRUE(store->get("c"));
    done = true;
  });
  EXPECT_FALSE(store->get("c"));
  log.release();
  EXPECT_TRUE(done);
}

TEST(ConfigStore, AFailedWriteChangesNothing) {
  FakeLog log;
  auto store = open(log);
  log.fail_next({ErrorKind::kRetriable, "no space left"});
  auto status = store->write_and_wait({"c", {}, ConfigMap{{"name", "c"}}, {}});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::kRetriable);
  EXPECT_FALSE(store->get("c"));
  EXPECT_TRUE(log.values("connect-configs").empty());
}

TEST(ConfigStore, ACommitWithMissingTasksIsInconsistentUntilTheNextWholeOne) {
  FakeLog log;
  ASSERT_TRUE(open(log));
  write_raw(log, {{"connector-c", R"({"properties":{"name":"c"}})"},
                  {"task-c-1", R"({"properties":{"t":"1"}})"},
                  {"commit-c", R"({"tasks":2})"}});
  {
    auto store = open(log);
    EXPECT_TRUE(store->get("c")->inconsistent);
    EXPECT_TRUE(store->get("c")->tasks.empty());
    ASSERT_TRUE(store->write_and_wait({"c", {}, {}, std::vector<ConfigMap>{{{"t", "0"}}}}).ok());
    EXPECT_FALSE(store->get("c")->inconsistent);
  }
  auto store = open(log);
  EXPECT_FALSE(store->get("c")->inconsistent);
  EXPECT_THAT(store->get("c")->tasks, ElementsAre(ConfigMap{{"t", "0"}}));
}

TEST(ConfigStore, TaskConfigsCountOnlyWithTheirCommit) {
  FakeLog log;
  ASSERT_TRUE(open(log));
  write_raw(log, {{"connector-c", R"({"properties":{"name":"c"}})"},
                  {"task-c-0", R"({"properties":{"t":"old"}})"},
                  {"commit-c", R"({"tasks":1})"},
                  {"task-c-0", R"({"properties":{"t":"new"}})"}});
  EXPECT_EQ(open(log)->get("c")->tasks.at(0).at("t"), "old");
}

TEST(ConfigStore, ACommitOfAConnectorThatIsGoneIsDropped) {
  FakeLog log;
  ASSERT_TRUE(open(log));
  write_raw(log, {{"task-c-0", R"({"properties":{"t":"0"}})"}, {"commit-c", R"({"tasks":1})"}});
  EXPECT_TRUE(open(log)->connectors().empty());
  write_raw(log, {{"connector-c", R"({"properties":{"name":"c"}})"}});
  EXPECT_TRUE(open(log)->get("c")->tasks.empty());
}

TEST(ConfigStore, ReadsOlderAndForeignRecordsAndNamesWhatItCannotRead) {
  FakeLog log;
  ASSERT_TRUE(open(log));
  write_raw(log, {{"session-key", R"({"key":"x"})"},
                  {"connector-c", R"({"properties":{"name":"c","nothing":null}})"},
                  {"target-state-c", R"({"state":"PAUSED"})"},
                  {"connector-bad", "{"},
                  {"target-state-bad", R"({"state":"DANCING"})"},
                  {"commit-bad", R"({"tasks":-1})"},
                  {"task-", "{}"}});
  std::vector<std::string> warnings;
  auto store = open(log, &warnings);
  EXPECT_THAT(store->connectors(), ElementsAre("c"));
  EXPECT_EQ(store->get("c")->target_state, TargetState::kPaused);
  EXPECT_EQ(store->get("c")->config, (ConfigMap{{"name", "c"}}));
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("connector-bad"), HasSubstr("target-state-bad"),
                                    HasSubstr("commit-bad"), HasSubstr("task-")));
}

TEST(ConfigStore, RefusesATopicThatWouldForgetConfigs) {
  FakeLog log;
  ASSERT_TRUE(log.create_topic({"connect-configs", 1, 1, {}}).ok());
  auto store = ConfigStore::open(log, system_clock());
  ASSERT_FALSE(store.ok());
  EXPECT_THAT(store.error().message, HasSubstr("cleanup.policy=compact"));
}

}  // namespace
}  // namespace sluice::store
