// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/runtime/task/runner_fixtures.hpp"

namespace sluice::task {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

TEST_F(SinkRunnerTest, PutsWhatItReadsAndCommitsAfterThePlugin) {
  start();
  assign();
  fetched(0, {"a", "b"});
  EXPECT_THAT(sink_.taken, ElementsAre(Pair(0, "a"), Pair(1, "b")));
  EXPECT_THAT(commits(), IsEmpty());
  run(1s);
  EXPECT_THAT(commits(), ElementsAre(2));
  EXPECT_THAT(sink_.calls, ElementsAre("open lines-0@-1", "put", "commit lines-0@2"));
  EXPECT_EQ(sink_.epoch, 1);
  run(10s);
  EXPECT_THAT(commits(), ElementsAre(2));  // nothing new, nothing to commit
  EXPECT_EQ(runner_->metrics().sink_record_send_total, 2u);
  EXPECT_EQ(runner_->metrics().offset_commit_completion_total, 1u);
  EXPECT_EQ(runner_->metrics().sink_record_active_count, 0u);
}

TEST_F(SinkRunnerTest, CommitsExactlyWhatThePluginSaysAndNeverMoreThanWasPut) {
  start();
  assign();
  fetched(0, {"a", "b", "c"});
  sink_.on_commit = [](auto& partitions) { partitions[0].next_offset = 1; };
  run(1s);
  EXPECT_THAT(commits(), ElementsAre(1));
  sink_.on_commit = [](auto& partitions) { partitions[0].next_offset = -1; };
  run(1s);
  EXPECT_THAT(commits(), ElementsAre(1));
  sink_.on_commit = [](auto& partitions) { partitions[0].next_offset = 100; };
  run(1s);
  EXPECT_THAT(commits(), ElementsAre(1, 3));
}

TEST_F(SinkRunnerTest, TheTargetsOffsetsDecideWhereReadingBegins) {
  sink_.open_at["lines-0"] = 7;
  start();
  assign(10);
  EXPECT_THAT(log_.consumer()->seeks, ElementsAre(Pair(kPartition, Offset(7))));
  fetched(5, {"x", "x", "7", "8"}, 7);
  EXPECT_THAT(sink_.taken, ElementsAre(Pair(7, "7"), Pair(8, "8")));
}

TEST_F(SinkRunnerTest, ABatchThatTheTargetDoesNotTakeComesAgainAndNothingElse) {
  start();
  assign();
  sink_.put_outcomes = {{SLUICE_NOT_CONNECTED, "away", 0, 0}, {SLUICE_RETRIABLE, "busy", 2000, 0}};
  fetched(0, {"a", "b"});
  EXPECT_TRUE(log_.consumer()->paused[kPartition]);
  fetched(2, {"c"});
  run(1s);
  EXPECT_THAT(sink_.taken, IsEmpty());
  EXPECT_THAT(commits(), IsEmpty());
  EXPECT_EQ(state(), TaskState::kRunning);
  run(5s);
  EXPECT_THAT(sink_.taken, ElementsAre(Pair(0, "a"), Pair(1, "b"), Pair(2, "c")));
  EXPECT_FALSE(log_.consumer()->paused[kPartition]);
  EXPECT_THAT(commits(), ElementsAre(3));
  EXPECT_EQ(runner_->metrics().total_retries, 2u);
}

TEST_F(SinkRunnerTest, RevokedPartitionsAreCommittedThenClosed) {
  start();
  assign();
  fetched(0, {"a"});
  log_.consumer()->hold_commits = true;
  log_.consumer()->push(log::Revoke{{kPartition}, false});
  run();
  EXPECT_THAT(sink_.calls, ElementsAre("open lines-0@-1", "put", "commit lines-0@1"));
  const size_t asked = log_.consumer()->asked;
  run(1s);
  EXPECT_EQ(log_.consumer()->asked, asked);  // the group waits until the partitions are let go
  log_.consumer()->held_commits.at(0)(ok());
  run();
  EXPECT_EQ(sink_.calls.back(), "close lines-0@1");
  EXPECT_GT(log_.consumer()->asked, asked);
}

TEST_F(SinkRunnerTest, LostPartitionsAreClosedWithoutACommit) {
  start();
  assign();
  fetched(0, {"a"});
  log_.consumer()->push(log::Revoke{{kPartition}, true});
  run();
  EXPECT_THAT(sink_.calls, ElementsAre("open lines-0@-1", "put", "lost lines-0@-1"));
  EXPECT_THAT(commits(), IsEmpty());
  run(10s);
  EXPECT_THAT(commits(), IsEmpty());
}

TEST_F(SinkRunnerTest, AHeldBatchOfARevokedPartitionIsDropped) {
  start();
  assign();
  sink_.put_outcomes.assign(1000, {SLUICE_RETRIABLE, "busy", 100, 0});
  fetched(0, {"a"});
  log_.consumer()->push(log::Revoke{{kPartition}, false});
  run();
  EXPECT_EQ(sink_.calls.back(), "close lines-0@-1");
  sink_.put_outcomes.clear();
  assign();
  fetched(0, {"a"});
  EXPECT_THAT(sink_.taken, ElementsAre(Pair(0, "a")));
}

TEST_F(SinkRunnerTest, StopCommitsThenLeavesTheGroup) {
  settings_.offset_flush_interval_ms = 3'600'000;
  start();
  assign();
  fetched(0, {"a", "b"});
  log_.consumer()->hold_commits = true;
  bool stopped = false;
  runner_->stop([&] { stopped = true; });
  run();
  EXPECT_FALSE(stopped);
  EXPECT_FALSE(log_.consumer()->left);
  log_.consumer()->held_commits.at(0)(ok());
  run();
  EXPECT_TRUE(stopped);
  EXPECT_TRUE(log_.consumer()->left);
  EXPECT_THAT(commits(), ElementsAre(2));
  EXPECT_EQ(sink_.calls.back(), "close lines-0@2");
  EXPECT_EQ(sink_.stops, 1);
  EXPECT_EQ(sink_.destroyed, 1);
  EXPECT_EQ(state(), TaskState::kStopped);
}

TEST_F(SinkRunnerTest, AFatalPutFailsTheTaskAndKeepsWhatWasPutBefore) {
  start();
  assign();
  fetched(0, {"a"});
  sink_.put_outcomes = {{SLUICE_FATAL, "schema mismatch", 0, 0}};
  fetched(1, {"b"});
  EXPECT_EQ(state(), TaskState::kFailed);
  EXPECT_THAT(runner_->trace(), HasSubstr("schema mismatch"));
  EXPECT_THAT(commits(), ElementsAre(1));
  EXPECT_EQ(sink_.destroyed, 1);
}

TEST_F(SinkRunnerTest, AFencedTaskCommitsNothing) {
  start();
  assign();
  fetched(0, {"a"});
  sink_.put_outcomes = {{SLUICE_FENCED, "epoch 3 is newer", 0, 0}};
  fetched(1, {"b"});
  EXPECT_EQ(state(), TaskState::kFailed);
  EXPECT_THAT(commits(), IsEmpty());
  EXPECT_EQ(sink_.calls.back(), "lost lines-0@-1");
}

TEST_F(SinkRunnerTest, RecordsThatDoNotConvertFailTheTaskOrAreSkipped) {
  for (const bool tolerate : {false, true}) {
    if (runner_) runner_->abandon();
    executor_.run_ready();
    sink_ = {};
    settings_.errors.tolerate_all = tolerate;
    start("org.apache.kafka.connect.json.JsonConverter");
    assign();
    fetched(0, {"\"a\"", "{broken", "\"c\""});
    EXPECT_EQ(state(), tolerate ? TaskState::kRunning : TaskState::kFailed);
    if (!tolerate) {
      EXPECT_THAT(runner_->trace(), HasSubstr("lines-0 offset 1"));
      EXPECT_THAT(sink_.taken, IsEmpty());
      continue;
    }
    EXPECT_THAT(sink_.taken, ElementsAre(Pair(0, "a"), Pair(2, "c")));
    EXPECT_EQ(runner_->metrics().total_records_skipped, 1u);
    run(1s);
    EXPECT_EQ(commits().back(), 3);
  }
}

TEST_F(SinkRunnerTest, RecordsThatThePluginRefusesFollowTheTolerance) {
  settings_.errors.tolerate_all = true;
  start();
  assign();
  sink_.put_failures = {{1, plugin::Outcome::failure(SLUICE_RECORD_ERROR, "too long")}};
  fetched(0, {"a", "b", "c"});
  EXPECT_THAT(sink_.taken, ElementsAre(Pair(0, "a"), Pair(2, "c")));
  EXPECT_EQ(runner_->metrics().total_records_skipped, 1u);
  run(1s);
  EXPECT_THAT(commits(), ElementsAre(3));
}

TEST_F(SinkRunnerTest, ABatchThatIsRefusedForOneRecordComesAgainWithoutIt) {
  settings_.errors.tolerate_all = true;
  start();
  assign();
  sink_.put_outcomes = {{SLUICE_RECORD_ERROR, "too long", 0, 1},
                        {SLUICE_RECORD_ERROR, "too", 0, 1}};
  fetched(0, {"a", "b", "c", "d"});
  run();
  EXPECT_THAT(sink_.taken, ElementsAre(Pair(0, "a"), Pair(3, "d")));
  EXPECT_EQ(runner_->metrics().total_records_skipped, 2u);
  sink_.put_outcomes = {{SLUICE_RECORD_ERROR, "too long", 0, 0}};
  fetched(4, {"e"});
  run(1s);
  EXPECT_THAT(commits().back(), 5);
  EXPECT_EQ(state(), TaskState::kRunning);
}

TEST_F(SinkRunnerTest, WithoutToleranceARefusedRecordFailsTheTaskWithItsOffset) {
  start();
  assign();
  sink_.put_outcomes = {{SLUICE_RECORD_ERROR, "too long", 0, 1}};
  fetched(7, {"a", "b"});
  EXPECT_EQ(state(), TaskState::kFailed);
  EXPECT_THAT(runner_->trace(), HasSubstr("lines-0 offset 8: too long"));
  EXPECT_THAT(sink_.taken, IsEmpty());
}

TEST_F(SinkRunnerTest, PauseCommitsHoldsTheRecordsAndKeepsTheMembership) {
  settings_.offset_flush_interval_ms = 3'600'000;
  start();
  assign();
  fetched(0, {"a"});
  runner_->pause(true);
  run();
  EXPECT_EQ(state(), TaskState::kPaused);
  EXPECT_TRUE(log_.consumer()->paused[kPartition]);
  EXPECT_THAT(commits(), ElementsAre(1));
  fetched(1, {"b"});
  run(10s);
  EXPECT_EQ(sink_.taken.size(), 1u);
  EXPECT_FALSE(log_.consumer()->left);
  runner_->pause(false);
  run();
  EXPECT_THAT(sink_.taken, ElementsAre(Pair(0, "a"), Pair(1, "b")));
}

TEST_F(SinkRunnerTest, ACommitThatFailsIsTriedAgain) {
  start();
  assign();
  fetched(0, {"a"});
  sink_.commit_outcomes = {{SLUICE_RETRIABLE, "fsync", 0, 0}};
  log_.consumer()->commit_status = Error{ErrorKind::kRetriable, "loading"};
  run(2s);
  EXPECT_GE(commits().size(), 1u);
  log_.consumer()->commit_status = ok();
  run(10s);
  EXPECT_EQ(runner_->metrics().offset_commit_completion_total, 1u);
  EXPECT_GE(runner_->metrics().offset_commit_failure_total, 2u);
  EXPECT_EQ(state(), TaskState::kRunning);
}

TEST_F(SinkRunnerTest, ABrokenTransactionIsReadAgainFromWhatTheTargetHas) {
  start();
  assign(0);
  fetched(0, {"a"});
  run(1s);
  fetched(1, {"b"});
  sink_.commit_outcomes = {{SLUICE_REOPEN, "serialization failure", 0, 0}};
  sink_.open_at["lines-0"] = 1;
  run(1s);
  EXPECT_EQ(log_.consumer()->seeks.back(), (std::pair{kPartition, Offset(1)}));
  fetched(1, {"b"});
  EXPECT_THAT(sink_.taken, ElementsAre(Pair(0, "a"), Pair(1, "b"), Pair(1, "b")));
  run(5s);
  EXPECT_EQ(commits().back(), 2);
  EXPECT_EQ(state(), TaskState::kRunning);
}

TEST_F(SinkRunnerTest, ATransactionThatBreaksInAHeartbeatIsReadAgain) {
  settings_.offset_flush_interval_ms = 3'600'000;
  start();
  assign(0);
  fetched(0, {"a"});
  sink_.heartbeat_outcomes = {{SLUICE_REOPEN, "connection reset", 0, 0}};
  const size_t asked = log_.consumer()->asked;
  run(2s);
  EXPECT_EQ(sink_.empty_puts, 1);
  EXPECT_EQ(log_.consumer()->seeks.back(), (std::pair{kPartition, Offset(0)}));
  EXPECT_GT(log_.consumer()->asked, asked + 1);  // it reads on at once, not with the next record
  EXPECT_EQ(state(), TaskState::kRunning);
}

TEST_F(SinkRunnerTest, WhatWasNeverCommittedIsReadAgainFromItsFirstRecord) {
  settings_.from_latest = true;
  start();
  assign(-1);
  fetched(7, {"a"});
  sink_.put_outcomes = {{SLUICE_REOPEN, "serialization failure", 0, 0}};
  fetched(8, {"b"});
  EXPECT_EQ(log_.consumer()->seeks.back(), (std::pair{kPartition, Offset(7)}));
  EXPECT_EQ(sink_.calls.back(), "open lines-0@-1");
}

TEST_F(SinkRunnerTest, AnAbandonedTaskLeavesTheGroupWithoutAnotherStep) {
  start();
  assign();
  fetched(0, {"a"});
  runner_->abandon();  // nothing runs between this and the next line, as when the plugin holds the
                       // thread
  EXPECT_TRUE(log_.consumer()->left);
  run(10s);
  EXPECT_THAT(commits(), IsEmpty());
  EXPECT_EQ(sink_.destroyed, 1);
}

TEST_F(SinkRunnerTest, RecordsThatRetentionTookAreAnEvent) {
  start();
  assign(3);
  fetched(10, {"x"});
  EXPECT_THAT(listener_.events, ElementsAre("offset-gap"));
  EXPECT_THAT(sink_.taken, ElementsAre(Pair(10, "x")));
}

TEST_F(SinkRunnerTest, APluginMayKeepBatchesUntilItsEnd) {
  sink_.keep_batches = true;
  start();
  assign();
  fetched(0, {"a"});
  fetched(1, {"b"});
  ASSERT_EQ(sink_.kept.size(), 2u);
  EXPECT_EQ(record::text(sink_.kept[0].record(0).value), "a");
  EXPECT_EQ(record::text(sink_.kept[1].record(0).value), "b");
  sink_.kept.clear();
}

TEST_F(SinkRunnerTest, AnIdleSinkCostsNoSteps) {
  start();
  assign();
  fetched(0, {"a"});
  run(5s);
  const uint64_t steps = drive_->steps();
  run(3600s);
  EXPECT_EQ(drive_->steps(), steps);
}

}  // namespace
}  // namespace sluice::task
