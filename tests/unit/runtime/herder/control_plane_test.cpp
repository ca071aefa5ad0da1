// SPDX-License-Identifier: Apache-2.0
#include "runtime/herder/control_plane.hpp"

#include <gmock/gmock.h>

#include <random>

#include "tests/support/sim_executor.hpp"
#include "tests/unit/runtime/herder/fakes.hpp"

namespace sluice::herder {
namespace {

using store::TargetState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  void fill(std::span<uint8_t> out) override {
    for (auto& byte : out) byte = static_cast<uint8_t>(engine_());
  }

 private:
  std::mt19937_64 engine_;
};

// Everything in one thread under a seed: each test runs with several interleavings.
class ControlPlaneTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  void TearDown() override { executor_.clear(); }

  ControlSettings settings() {
    ControlSettings settings;
    settings.worker_id = "w:1";
    return settings;
  }
  void run() { executor_.run_ready(); }

  config::ConfigMap source(const std::string& name, const std::string& tasks_max = "1") {
    return {{"name", name},
            {"connector.class", "FileSource"},
            {"file", "/a"},
            {"tasks.max", tasks_max}};
  }
  Result<PutResult> put(const std::string& name, config::ConfigMap config, bool replace = true,
                        TargetState initial = TargetState::kStarted) {
    std::optional<Result<PutResult>> answer;
    plane_->put(name, std::move(config), replace, initial, std::nullopt,
                [&](Result<PutResult> result) { answer = std::move(result); });
    run();
    if (!answer) executor_.advance(1s);
    EXPECT_TRUE(answer.has_value());
    run();
    return *answer;
  }
  Status target(const std::string& name, TargetState state) {
    std::optional<Status> answer;
    plane_->set_target(name, state, [&](Status status) { answer = status; });
    run();
    return *answer;
  }
  Status remove(const std::string& name) {
    std::optional<Status> answer;
    plane_->remove(name, [&](Status status) { answer = status; });
    run();
    return *answer;
  }
  std::string state(const std::string& name) {
    auto status = statuses_.connector(name);
    return status ? status->state : "none";
  }
  std::string task_state(const std::string& name, int task) {
    auto status = statuses_.task(name, task);
    return status ? status->state : "none";
  }

  testing::FakeRegistry registry_;
  sluice::testing::SimClock clock_;
  sluice::testing::SimExecutor executor_{GetParam(), clock_};
  SeededRandom random_{GetParam()};
  testing::FakeConfigs configs_{executor_};
  testing::FakeStatuses statuses_;
  testing::FakeOffsets offsets_;
  testing::FakeLanes lanes_{executor_};
  testing::FakeHost host_;
  std::shared_ptr<ControlPlane> plane_ =
      std::make_shared<ControlPlane>(Dependencies{executor_, clock_, random_, configs_, statuses_,
                                                  offsets_, registry_, lanes_, host_},
                                     settings());
};

TEST_P(ControlPlaneTest, CreateStartsConnectorAndTasksAndAnswersWithThem) {
  auto result = put("a", source("a", "2"), false);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_TRUE(result->created);
  EXPECT_THAT(result->info.tasks, ElementsAre(0, 1));
  EXPECT_EQ(result->info.type, "source");
  EXPECT_EQ(state("a"), "RUNNING");
  EXPECT_EQ(task_state("a", 0), "RUNNING");
  EXPECT_EQ(task_state("a", 1), "RUNNING");
  EXPECT_EQ(configs_.get("a")->tasks[1].at("task.class"), "test.FileSourceTask");
  EXPECT_EQ(statuses_.task("a", 0)->worker_id, "w:1");
  EXPECT_EQ(statuses_.task("a", 0)->version, "1.0");
}

TEST_P(ControlPlaneTest, CreateOfAnExistingNameConflicts) {
  ASSERT_TRUE(put("a", source("a"), false).ok());
  auto again = put("a", source("a"), false);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(again.error().message, "Connector a already exists");
}

TEST_P(ControlPlaneTest, OfTwoCreatesInTheSameMomentOneWins) {
  int created = 0, refused = 0;
  for (int i = 0; i < 2; ++i) {
    plane_->put("a", source("a"), false, TargetState::kStarted, std::nullopt,
                [&](Result<PutResult> result) { ++(result.ok() ? created : refused); });
  }
  run();
  executor_.advance(1s);
  EXPECT_EQ(created, 1);
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(host_.started().size(), 1u);
}

TEST_P(ControlPlaneTest, PutThatChangesNothingRestartsNothing) {
  ASSERT_TRUE(put("a", source("a")).ok());
  int writes = configs_.writes;
  auto again = put("a", source("a"));
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->created);
  EXPECT_EQ(configs_.writes, writes);
  EXPECT_EQ(registry_.created, 1);
  EXPECT_EQ(host_.started().size(), 1u);
}

TEST_P(ControlPlaneTest, RaisingTasksMaxLeavesTheRunningTasksAlone) {
  ASSERT_TRUE(put("a", source("a", "1")).ok());
  auto more = put("a", source("a", "3"));
  ASSERT_TRUE(more.ok());
  EXPECT_THAT(more->info.tasks, ElementsAre(0, 1, 2));
  auto started = host_.started();
  ASSERT_EQ(started.size(), 3u);
  EXPECT_FALSE(started[0]->stop_called);
  auto fewer = put("a", source("a", "2"));
  EXPECT_TRUE(started[2]->stop_called);
  EXPECT_FALSE(started[1]->stop_called);
  EXPECT_EQ(task_state("a", 2), "none");
}

TEST_P(ControlPlaneTest, AChangedConfigRestartsTheTasksThatItConcerns) {
  ASSERT_TRUE(put("a", source("a")).ok());
  auto changed = source("a");
  changed["file"] = "/b";
  ASSERT_TRUE(put("a", changed).ok());
  auto started = host_.started();
  ASSERT_EQ(started.size(), 2u);
  EXPECT_TRUE(started[0]->stop_called);
  EXPECT_EQ(started[1]->config.at("file"), "/b");
  EXPECT_EQ(registry_.stopped, 1);
}

TEST_P(ControlPlaneTest, PauseStopAndResume) {
  ASSERT_TRUE(put("a", source("a")).ok());
  ASSERT_TRUE(target("a", TargetState::kPaused).ok());
  EXPECT_EQ(state("a"), "PAUSED");
  EXPECT_EQ(task_state("a", 0), "PAUSED");
  ASSERT_TRUE(target("a", TargetState::kStarted).ok());
  EXPECT_EQ(state("a"), "RUNNING");
  EXPECT_EQ(task_state("a", 0), "RUNNING");
  EXPECT_EQ(host_.started().size(), 1u);
  ASSERT_TRUE(target("a", TargetState::kStopped).ok());
  EXPECT_EQ(state("a"), "STOPPED");
  EXPECT_EQ(task_state("a", 0), "none");
  EXPECT_TRUE(configs_.get("a")->tasks.empty());
  ASSERT_TRUE(target("a", TargetState::kStarted).ok());
  EXPECT_EQ(task_state("a", 0), "RUNNING");
  EXPECT_EQ(host_.started().size(), 2u);
}

TEST_P(ControlPlaneTest, InitialStates) {
  ASSERT_TRUE(put("p", source("p"), false, TargetState::kPaused).ok());
  EXPECT_EQ(state("p"), "PAUSED");
  ASSERT_TRUE(put("s", source("s"), false, TargetState::kStopped).ok());
  EXPECT_EQ(state("s"), "STOPPED");
  EXPECT_EQ(host_.started().size(), 0u);
}

TEST_P(ControlPlaneTest, UnknownConnectorsAreNotFound) {
  EXPECT_EQ(target("x", TargetState::kPaused).error().message, "Unknown connector x");
  EXPECT_EQ(target("x", TargetState::kStopped).error().message, "Connector x not found");
  EXPECT_EQ(remove("x").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(plane_->status("x").error().message, "No status found for connector x");
}

TEST_P(ControlPlaneTest, RemoveStopsAndForgets) {
  ASSERT_TRUE(put("a", source("a", "2")).ok());
  host_.started()[0]->topic("t");
  run();
  EXPECT_EQ(statuses_.topics("a").size(), 1u);
  ASSERT_TRUE(remove("a").ok());
  EXPECT_TRUE(host_.started()[0]->stop_called);
  EXPECT_EQ(state("a"), "none");
  EXPECT_TRUE(statuses_.tasks("a").empty());
  EXPECT_TRUE(statuses_.topics("a").empty());
  // The same name may come again.
  ASSERT_TRUE(put("a", source("a"), false).ok());
  EXPECT_EQ(task_state("a", 0), "RUNNING");
}

TEST_P(ControlPlaneTest, ANewConnectorOfTheSameNameWaitsForTheOldTaskToEnd) {
  ASSERT_TRUE(put("a", source("a")).ok());
  host_.started()[0]->deaf = true;
  ASSERT_TRUE(remove("a").ok());
  ASSERT_TRUE(put("a", source("a"), false).ok());
  EXPECT_EQ(host_.started().size(), 1u);
  executor_.advance(5s);  // the graceful time is over
  EXPECT_TRUE(host_.started()[0]->abandoned);
  ASSERT_EQ(host_.started().size(), 2u);
  EXPECT_EQ(task_state("a", 0), "RUNNING");
}

// What task 0 worked on may now be task 1's: both at once would write the same records twice.
TEST_P(ControlPlaneTest, NewTasksWaitUntilThoseThatGiveWorkAwayHaveStopped) {
  ASSERT_TRUE(put("a", source("a", "1")).ok());
  host_.started()[0]->deaf = true;
  auto changed = source("a", "2");
  changed["file"] = "/b";
  ASSERT_TRUE(put("a", changed).ok());
  EXPECT_EQ(host_.started().size(), 1u);
  executor_.advance(5s);
  ASSERT_EQ(host_.started().size(), 3u);
  EXPECT_TRUE(host_.started()[0]->abandoned);
  EXPECT_EQ(task_state("a", 0), "RUNNING");
  EXPECT_EQ(task_state("a", 1), "RUNNING");
}

// The plugin's answer and the order to stop cross: a stopped connector has no tasks to restart.
TEST_P(ControlPlaneTest, TaskConfigsThatComeWhileItIsBeingStoppedAreNotStored) {
  ASSERT_TRUE(put("a", source("a", "1")).ok());
  std::optional<Status> stopped, restarted;
  plane_->put("a", source("a", "2"), true, TargetState::kStarted, std::nullopt,
              [](const Result<PutResult>&) {});
  plane_->set_target("a", TargetState::kStopped, [&](Status status) { stopped = status; });
  registry_.services_->request_reconfiguration();
  plane_->restart_task("a", 0, [&](Status status) { restarted = status; });
  run();
  executor_.advance(1s);
  run();
  ASSERT_TRUE(stopped && stopped->ok());
  ASSERT_TRUE(restarted);
  EXPECT_EQ(restarted->error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(state("a"), "STOPPED");
  EXPECT_TRUE(configs_.get("a")->tasks.empty());
  EXPECT_TRUE(statuses_.tasks("a").empty());
}

TEST_P(ControlPlaneTest, StatesWithoutConfigsAreForgottenAtTheStart) {
  configs_.preset("a", {source("a"), TargetState::kStopped, {}, false});
  statuses_.put_connector("a", {"RUNNING", "", "w:0", 0, "1.0"});
  statuses_.put_task("a", 0, {"RUNNING", "", "w:0", 0, "1.0"});
  statuses_.put_connector("gone", {"RUNNING", "", "w:0", 0, "1.0"});
  plane_->resume_all();
  run();
  EXPECT_EQ(state("a"), "STOPPED");
  EXPECT_EQ(task_state("a", 0), "none");
  EXPECT_EQ(state("gone"), "none");
}

TEST_P(ControlPlaneTest, AFailedTaskIsRestartedWithBackoff) {
  ASSERT_TRUE(put("a", source("a")).ok());
  host_.started()[0]->fail("the target is away");
  run();
  EXPECT_EQ(task_state("a", 0), "FAILED");
  EXPECT_THAT(statuses_.task("a", 0)->trace, HasSubstr("the target is away"));
  EXPECT_THAT(statuses_.task("a", 0)->trace, HasSubstr("Restart 1 follows by itself"));
  executor_.advance(1s);
  ASSERT_EQ(host_.started().size(), 2u);
  EXPECT_EQ(task_state("a", 0), "RUNNING");
  host_.started()[1]->fail("still away");
  executor_.advance(1s);
  EXPECT_EQ(host_.started().size(), 2u);  // the second wait is longer
  executor_.advance(1s);
  EXPECT_EQ(host_.started().size(), 3u);
  // An event of an old attempt changes nothing.
  host_.started()[0]->fail("late");
  run();
  EXPECT_EQ(task_state("a", 0), "RUNNING");
}

TEST_P(ControlPlaneTest, FailuresThatOnlyAConfigHealsStay) {
  ASSERT_TRUE(put("a", source("a")).ok());
  host_.started()[0]->fail("bad config", false);
  executor_.advance(600s);
  EXPECT_EQ(host_.started().size(), 1u);
  EXPECT_EQ(task_state("a", 0), "FAILED");
  auto config = source("b");
  config["restart.enable"] = "false";
  ASSERT_TRUE(put("b", config).ok());
  host_.started()[1]->fail("away");
  executor_.advance(600s);
  EXPECT_EQ(host_.started().size(), 2u);
}

TEST_P(ControlPlaneTest, TheSameConfigAgainStartsWhatHasFailed) {
  ASSERT_TRUE(put("a", source("a", "2")).ok());
  host_.started()[1]->fail("no such file", false);
  run();
  EXPECT_EQ(task_state("a", 1), "FAILED");
  ASSERT_TRUE(put("a", source("a", "2")).ok());
  EXPECT_EQ(task_state("a", 1), "RUNNING");
  EXPECT_EQ(host_.started().size(), 3u);  // and the other goes on as it was
  registry_.fail_creates = 1;
  ASSERT_TRUE(put("b", source("b")).ok());
  EXPECT_EQ(state("b"), "FAILED");
  ASSERT_TRUE(put("b", source("b")).ok());
  EXPECT_EQ(state("b"), "RUNNING");
}

TEST_P(ControlPlaneTest, ATaskThatCannotStartIsFailedAndTheConnectorRuns) {
  auto config = source("a");
  config["bad"] = "x";
  ASSERT_TRUE(put("a", config).ok());
  EXPECT_EQ(state("a"), "RUNNING");
  EXPECT_EQ(task_state("a", 0), "FAILED");
  ASSERT_TRUE(put("a", source("a")).ok());
  EXPECT_EQ(task_state("a", 0), "RUNNING");
}

TEST_P(ControlPlaneTest, AConnectorThatCannotStartIsFailedAndRestarted) {
  registry_.fail_creates = 1;
  ASSERT_TRUE(put("a", source("a")).ok());
  EXPECT_EQ(state("a"), "FAILED");
  EXPECT_THAT(statuses_.connector("a")->trace, HasSubstr("the other side is away"));
  executor_.advance(1s);
  EXPECT_EQ(state("a"), "RUNNING");
  EXPECT_EQ(task_state("a", 0), "RUNNING");
}

TEST_P(ControlPlaneTest, MoreTasksThanAllowedIsAFailure) {
  auto config = source("a", "2");
  config["parts"] = "3";
  ASSERT_TRUE(put("a", config).ok());
  EXPECT_EQ(state("a"), "FAILED");
  EXPECT_THAT(statuses_.connector("a")->trace,
              HasSubstr("has generated 3 tasks, which is greater than 2"));
  config["tasks.max.enforce"] = "false";
  ASSERT_TRUE(put("a", config).ok());
  EXPECT_EQ(host_.started().size(), 3u);
}

TEST_P(ControlPlaneTest, AHangingPluginDelaysItsConnectorOnly) {
  lanes_.hang("connector slow");
  auto slow = put("slow", source("slow"));
  ASSERT_TRUE(slow.ok());
  EXPECT_TRUE(slow->info.tasks.empty());
  EXPECT_EQ(state("slow"), "UNASSIGNED");
  ASSERT_TRUE(put("fast", source("fast")).ok());
  EXPECT_EQ(task_state("fast", 0), "RUNNING");
  // A second call to the one that hangs fails at once; deleting it does not need its plugin.
  lanes_.report_hanging("connector slow");
  run();
  auto other = source("slow");
  other["file"] = "/b";
  auto refused = put("slow", other);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
  lanes_.release();
  run();
  EXPECT_EQ(task_state("slow", 0), "RUNNING");
}

TEST_P(ControlPlaneTest, ATaskThatHangsInStopDelaysItsConnectorOnly) {
  ASSERT_TRUE(put("slow", source("slow")).ok());
  lanes_.hang("task slow-0 (stop)");
  ASSERT_TRUE(remove("slow").ok());
  EXPECT_FALSE(host_.started()[0]->stop_called);
  ASSERT_TRUE(put("fast", source("fast")).ok());
  EXPECT_EQ(task_state("fast", 0), "RUNNING");
  // After the graceful time it is given up, and a new one of the name starts.
  ASSERT_TRUE(put("slow", source("slow")).ok());
  executor_.advance(6s);
  EXPECT_TRUE(host_.started()[0]->abandoned);
  EXPECT_EQ(task_state("slow", 0), "RUNNING");
}

TEST_P(ControlPlaneTest, RestartShowsWhatItTouches) {
  ASSERT_TRUE(put("a", source("a", "2")).ok());
  host_.started()[1]->fail("away", false);
  run();
  std::optional<Result<ConnectorStatus>> answer;
  plane_->restart("a", true, true,
                  [&](Result<ConnectorStatus> result) { answer = std::move(result); });
  run();
  ASSERT_TRUE(answer && answer->ok());
  EXPECT_EQ((*answer)->connector.state, "RUNNING");  // it has not failed
  EXPECT_EQ((*answer)->tasks[0].state, "RUNNING");
  EXPECT_EQ((*answer)->tasks[1].state, "RESTARTING");
  EXPECT_EQ(task_state("a", 1), "RUNNING");
  EXPECT_EQ(host_.started().size(), 3u);
  plane_->restart("a", false, false,
                  [&](Result<ConnectorStatus> result) { answer = std::move(result); });
  run();
  EXPECT_EQ((*answer)->connector.state, "RESTARTING");
  EXPECT_EQ(registry_.created, 2);
  EXPECT_EQ(host_.started().size(), 3u);  // the task configs are the same
  EXPECT_EQ(state("a"), "RUNNING");
}

TEST_P(ControlPlaneTest, RestartOfOneTask) {
  ASSERT_TRUE(put("a", source("a", "2")).ok());
  std::optional<Status> answer;
  plane_->restart_task("a", 1, [&](Status status) { answer = status; });
  run();
  EXPECT_TRUE(answer->ok());
  EXPECT_EQ(host_.started().size(), 3u);
  plane_->restart_task("a", 7, [&](Status status) { answer = status; });
  run();
  EXPECT_EQ(answer->error().message, "Task a-7 not found");
}

TEST_P(ControlPlaneTest, ResumesWhatTheConfigTopicHas) {
  store::ConnectorEntry entry;
  entry.config = source("a", "1");
  entry.tasks = {{{"file", "/a"}, {"part", "0"}, {"task.class", "test.FileSourceTask"}}};
  configs_.preset("a", entry);
  entry.config = source("p", "1");
  entry.target_state = TargetState::kPaused;
  configs_.preset("p", entry);
  entry.config = source("s", "1");
  entry.target_state = TargetState::kStopped;
  entry.tasks.clear();
  configs_.preset("s", entry);
  entry.config = source("i", "2");  // its task configs were lost
  entry.target_state = TargetState::kStarted;
  entry.inconsistent = true;
  configs_.preset("i", entry);
  for (int i = 0; i < 50; ++i) {
    std::string name = "n" + std::to_string(i);
    entry.config = source(name);
    configs_.preset(name, entry);
  }
  statuses_.put_task("a", 3, {"FAILED", "old", "w:1", 0, ""});  // of before a crash
  statuses_.put_task("gone", 0, {"RUNNING", "", "w:1", 0, ""});
  plane_->resume_all();
  run();
  EXPECT_EQ(task_state("a", 3), "none");
  EXPECT_EQ(task_state("gone", 0), "none");
  EXPECT_EQ(task_state("a", 0), "RUNNING");
  EXPECT_EQ(task_state("p", 0), "PAUSED");
  EXPECT_EQ(state("s"), "STOPPED");
  EXPECT_EQ(task_state("i", 1), "RUNNING");
  for (int i = 0; i < 50; ++i) EXPECT_EQ(task_state("n" + std::to_string(i), 0), "RUNNING");
  EXPECT_EQ(host_.started().size(), 54u);  // no task was started twice
}

TEST_P(ControlPlaneTest, AFailedWriteChangesNothing) {
  configs_.fail_writes = true;
  auto result = put("a", source("a"), false);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message, "no space left");
  EXPECT_EQ(state("a"), "none");
  EXPECT_EQ(registry_.created, 0);
  configs_.fail_writes = false;
  EXPECT_TRUE(put("a", source("a"), false).ok());
}

TEST_P(ControlPlaneTest, ReconfigurationOnRequest) {
  ASSERT_TRUE(put("a", source("a")).ok());
  registry_.services_->request_reconfiguration();
  run();
  EXPECT_EQ(host_.started().size(), 1u);  // the same answer restarts nothing
}

TEST_P(ControlPlaneTest, ShutdownStopsAllWithinTheGracefulTime) {
  ASSERT_TRUE(put("a", source("a", "2")).ok());
  ASSERT_TRUE(put("b", source("b")).ok());
  host_.started()[0]->deaf = true;
  bool done = false;
  plane_->shutdown([&] { done = true; });
  run();
  EXPECT_FALSE(done);
  executor_.advance(5s);
  EXPECT_TRUE(done);
  EXPECT_TRUE(host_.started()[0]->abandoned);
  EXPECT_EQ(task_state("a", 0), "UNASSIGNED");
  EXPECT_EQ(state("b"), "UNASSIGNED");
  EXPECT_EQ(statuses_.flushes, 1);
  EXPECT_EQ(configs_.get("a")->tasks.size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ControlPlaneTest, ::testing::Range<uint64_t>(1, 21));

}  // namespace
}  // namespace sluice::herder
